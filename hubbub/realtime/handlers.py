"""Namespaces made the python-socketio way (`on`, `register_namespace`): an edge for those who extend."""

import inspect
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from socketio.exceptions import ConnectionRefusedError as SocketRefused

from hubbub.realtime.engine.lane import Lane
from hubbub.realtime.packets import RESERVED

if TYPE_CHECKING:
    from hubbub.realtime.links import Link
    from hubbub.realtime.stock import Server

log = logging.getLogger(__name__)


class Refused(Exception):
    """A client is not let in; `said` is what it is told."""

    def __init__(self, said: Any) -> None:
        super().__init__(said)
        self.said = said


class Handlers:
    """The handlers of one namespace, each client's events one after the other."""

    def __init__(self, server: "Server", namespace: str) -> None:
        self._server = server
        self._namespace = namespace

    def _link(self, sid: str) -> "Link | None":
        link: Link | None = self._server.manager.get(sid, self._namespace)
        return link

    async def accept(self, sid: str, link: "Link", auth: object) -> None:
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
        link.lane = Lane(link.session)

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

    def event(self, sid: str, ack_id: int | None, arguments: list[Any], size: int) -> None:  # noqa: ARG002 - an edge's
        """Queue it behind the client's others. A name that only the server uses ends the client."""
        link = self._link(sid)
        if link is None:
            return
        if arguments[0] in RESERVED:
            link.session.malformed("reserved name")
            return
        link.lane.put(partial(self._run, link, ack_id, arguments))

    async def _run(self, link: "Link", ack_id: int | None, arguments: list[Any]) -> None:
        try:
            answer = await self._server._trigger_event(
                arguments[0], self._namespace, link.sid, *arguments[1:]
            )
            if ack_id is not None and answer is not self._server.not_handled:
                self._server.answered(link, ack_id, answer)
        except Exception:
            log.exception("an event handler failed", extra={"namespace": self._namespace})

    def leaving(self, link: "Link", reason: str) -> None:
        """Run the `disconnect` handler behind the events that came before."""
        link.lane.put(partial(self._goodbye, link.sid, reason))

    async def _goodbye(self, sid: str, reason: str) -> None:
        try:
            await self._server._trigger_event("disconnect", self._namespace, sid, reason)
        except Exception:
            log.exception("a disconnect handler failed", extra={"namespace": self._namespace})

    def closed(self, sid: str) -> None:
        """Said already."""
