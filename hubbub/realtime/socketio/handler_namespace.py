"""Namespaces made the python-socketio way (`on`, `register_namespace`): an edge for those who extend."""

import inspect
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from socketio.exceptions import ConnectionRefusedError as SocketRefused

from hubbub.realtime.engine.serial_queue import SerialQueue
from hubbub.realtime.socketio.packets import RESERVED, ClientEvent

if TYPE_CHECKING:
    from hubbub.realtime.engine import HandshakeInfo
    from hubbub.realtime.socketio.manager import NamespaceClient
    from hubbub.realtime.socketio.server import SocketIOServer

log = logging.getLogger(__name__)


class Refused(Exception):
    """A client is not let in; `said` is what it is told."""

    def __init__(self, said: Any) -> None:
        super().__init__(said)
        self.said = said


class HandlerNamespace:
    """The handlers of one namespace, each client's events one after the other."""

    def __init__(self, server: "SocketIOServer", namespace: str) -> None:
        self._server = server
        self._namespace = namespace

    queued = False  # whether CONNECTs wait for the admission limit

    def check(self, origin: "HandshakeInfo", auth: object) -> object:  # noqa: ARG002 - an edge's
        """Nothing is known of credentials; the `connect` handler reads them."""
        return auth

    def _link(self, sid: str) -> "NamespaceClient | None":
        link: NamespaceClient | None = self._server.manager.get(sid, self._namespace)
        return link

    async def accept(self, sid: str, link: "NamespaceClient", auth: object) -> None:
        """Run the `connect` handler, once, with `auth` if it takes that. Raises Refused."""
        request = self._server.environ.get(link.session.sid, {})
        arguments = [sid, request, auth] if self._takes_auth() else [sid, request]
        try:
            answer = await self._server._trigger_event("connect", self._namespace, *arguments)
        except SocketRefused as refused:
            raise Refused(refused.error_args) from None
        except ConnectionRefusedError:
            raise Refused({"message": "Connection refused by server"}) from None
        if answer is False:
            raise Refused({"message": "Connection rejected by server"})
        link.lane = SerialQueue(link.session)

    def _takes_auth(self) -> bool:
        handler, more = self._server._get_event_handler("connect", self._namespace, ())
        if handler is None:
            found, more = self._server._get_namespace_handler(self._namespace, ())
            handler = getattr(found, "on_connect", None)
        if handler is None:
            return True
        try:
            inspect.signature(handler).bind(*more, "", {}, None)
        except TypeError:
            return False
        return True

    async def opened(self, sid: str) -> None:
        """Nothing to add."""

    @property
    def max_event_bytes(self) -> int:
        """As much as the transport takes."""
        most: int = self._server.eio.max_payload
        return most

    def event(self, sid: str, event: ClientEvent) -> None:
        """Queue it behind the client's others. A reserved name or too large an event ends the client."""
        link = self._link(sid)
        if link is None:
            return
        if event.name in RESERVED:
            link.session.malformed("reserved name")
            return
        if event.too_large:
            link.session.malformed("an event that is too large")
            return
        event.keep()
        link.lane.put(partial(self._run, link, event))

    async def _run(self, link: "NamespaceClient", event: ClientEvent) -> None:
        try:
            name, *arguments = event.arguments()
            answer = await self._server._trigger_event(name, self._namespace, link.sid, *arguments)
            if event.id is not None and answer is not self._server.not_handled:
                self._server.answered(link, event.id, answer)
        except Exception:
            log.exception("an event handler failed", extra={"namespace": self._namespace})
        finally:
            link.backlog.remove(event.size)

    def leaving(self, link: "NamespaceClient", reason: str) -> None:
        """Run the `disconnect` handler behind the events that came before."""
        link.lane.put(partial(self._goodbye, link.sid, reason))

    async def _goodbye(self, sid: str, reason: str) -> None:
        try:
            await self._server._trigger_event("disconnect", self._namespace, sid, reason)
        except Exception:
            log.exception("a disconnect handler failed", extra={"namespace": self._namespace})

    def closed(self, sid: str) -> None:
        """Said already."""
