"""The one way from a client's event to an operation to its ack."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, Internal, InvalidPayload, RateLimited, TooLarge, UnknownEvent
from hubbub.realtime import frames
from hubbub.realtime.connections import Connection
from hubbub.schemas import errors
from hubbub.schemas.base import parse
from hubbub.services import database
from hubbub.services.context import Context

log = logging.getLogger(__name__)

C = TypeVar("C", bound=msgspec.Struct)
Handler = Callable[[Context, Any], Awaitable[msgspec.Struct]]


class Event(NamedTuple):
    """What a client may send: how it is read and what it runs."""

    kind: type[msgspec.Struct]
    operation: Handler
    own_limit: bool


class Events:
    """The events that one namespace understands: an allow-list."""

    def __init__(self, more: "Events | None" = None) -> None:
        self._events: dict[str, Event] = dict(more) if more is not None else {}

    def add(
        self,
        name: str,
        kind: type[C],
        operation: Callable[[Context, C], Awaitable[msgspec.Struct]],
        *,
        own_limit: bool = False,
    ) -> None:
        """Understand `name`; with `own_limit` the operation limits itself, not the socket's bucket."""
        self._events[name] = Event(kind, operation, own_limit)

    def __iter__(self) -> Iterator[tuple[str, Event]]:
        return iter(self._events.items())

    def get(self, name: str) -> Event | None:
        return self._events.get(name)


class Dispatcher:
    """Bounds, limits and parses events in the order they came, runs them, and answers each one."""

    def __init__(self, events: Events, max_event_bytes: int) -> None:
        self._events = events
        self._max_event_bytes = max_event_bytes

    def receive(self, connection: Connection, ack_id: int | None, arguments: list[Any], size: int) -> None:
        """Take an event; it is answered after all that came before it. Never blocks, never raises."""
        name = arguments[0]
        payload = arguments[1] if len(arguments) > 1 else None
        if size > self._max_event_bytes:
            payload = TooLarge(f"An event has at most {self._max_event_bytes} bytes.")

        async def step() -> None:
            await self._answer(connection, ack_id, name, payload)

        if not connection.work(step):
            connection.refused()
            refusal = RateLimited("Too many events wait for their answers.", retry_after_ms=1000)
            _refuse(connection, ack_id, name, refusal)

    async def _answer(self, connection: Connection, ack_id: int | None, name: str, payload: object) -> None:
        try:
            data = await self._run(connection, name, payload)
        except HubbubError as error:
            metrics.count("event_refusals", error.code)
            if isinstance(error, RateLimited):
                connection.refused()
            _refuse(connection, ack_id, name, error)
        except Exception:
            metrics.count("event_failures")
            log.exception("an event failed", extra={"event": name, "user_id": str(connection.user.id)})
            _refuse(connection, ack_id, name, Internal())
        else:
            metrics.count("events", name)
            if ack_id is not None:
                connection.send(frames.ack(connection.namespace, ack_id, {"ok": True, "data": data}))

    async def _run(self, connection: Connection, name: str, payload: object) -> msgspec.Struct:
        event = self._events.get(name)
        if (event is None or not event.own_limit) and (wait_ms := connection.events.take()):
            raise RateLimited(retry_after_ms=wait_ms)
        if isinstance(payload, HubbubError):
            raise payload
        if event is None:
            raise UnknownEvent(f"There is no event {name[:60]!r}.")
        if not isinstance(payload, dict):
            raise InvalidPayload("An event takes one JSON object.")
        async with database.guard():
            return await event.operation(connection.ctx, parse(event.kind, payload))


def _refuse(connection: Connection, ack_id: int | None, name: str, error: HubbubError) -> None:
    shown = errors.show(error)
    if ack_id is not None:
        connection.send(frames.ack(connection.namespace, ack_id, {"ok": False, "error": shown}))
    else:
        connection.emit("error", {"event": name[:60], "error": shown})
