"""Runs the handlers that an application registers with `Engine.on`, as python-engineio does."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from hubbub.realtime.engine.handshake_info import wsgi_environ
from hubbub.realtime.engine.packets import ProtocolError
from hubbub.realtime.engine.serial_queue import SerialQueue
from hubbub.realtime.engine.session import Session
from hubbub.realtime.engine.transport import TRANSPORT_ERROR

log = logging.getLogger(__name__)


class EventHandlerAdapter:
    """Session handler that calls the functions registered for `connect`, `message` and `disconnect`.

    The functions work as python-engineio documents them. Those of one session run one after the other.
    """

    needs_request = True  # the handler of `connect` gets it

    def __init__(self, handlers: dict[str, Callable[..., Any]]) -> None:
        self._handlers = handlers  # by event: `connect`, `message`, `disconnect`

    def on_opened(self, session: Session, request: Any) -> None:
        session.accept()  # no namespace accepts it later
        session.event_queue = SerialQueue(session)
        session.event_queue.enqueue(partial(self._run, session, "connect", wsgi_environ(request)))

    def on_message(self, session: Session, data: str | bytes) -> None:
        assert session.event_queue is not None  # noqa: S101 - `on_opened` sets it
        session.event_queue.enqueue(partial(self._run, session, "message", data))

    def on_protocol_error(self, session: Session) -> None:
        """Do nothing: there is no closing event."""

    def on_closed(self, session: Session, reason: str) -> None:
        assert session.event_queue is not None  # noqa: S101 - `on_opened` sets it
        session.event_queue.clear()
        session.event_queue.enqueue(partial(self._run, session, "disconnect", reason))

    def on_flooding(self, session: Session) -> None:
        session.refuse("flooding")

    async def _run(self, session: Session, event: str, argument: Any) -> None:
        handler = self._handlers.get(event)
        if handler is None:
            return
        try:
            result = handler(session.sid, argument)
            if asyncio.iscoroutine(result):
                result = await result
        except (ProtocolError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            session.fail_protocol(type(error).__name__)
        except Exception:
            log.exception("a handler failed", extra={"event": event})
            session.close(TRANSPORT_ERROR)
        else:
            if event == "connect" and result is not None and result is not True:
                session.close()
