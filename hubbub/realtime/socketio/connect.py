"""How a client is accepted in a namespace: its CONNECT, the queue, the edge's check, the answer."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import HubbubError, TooManyConnections, Unavailable
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.engine import ProtocolError, Session
from hubbub.realtime.engine.session import LOST
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.connect_queue import AdmissionLimits, ConnectQueue, Entry
from hubbub.realtime.socketio.handler_namespace import HandlerNamespace, Refused
from hubbub.realtime.socketio.manager import ENDED, OPEN, PENDING, NamespaceClient
from hubbub.schemas import errors

if TYPE_CHECKING:
    from hubbub.realtime.socketio.connect_request import ConnectRequest
    from hubbub.realtime.socketio.server import SocketIOServer

log = logging.getLogger(__name__)
_refusals = BoundedLog(log)

WELCOME_SECONDS = 0.002  # between a CONNECT and what the connect handler had to say
LEAVE_SECONDS = 2.0  # for a client to close by itself after a DISCONNECT, or after a late refusal
UNKNOWN_LOG_S = 60.0  # between two log lines about unknown namespaces
REFUSALS = 5  # refused CONNECTs of one session; the last one ends it
FINAL = frozenset(
    {"unauthenticated", "token_expired", "session_revoked", "suspended", TooManyConnections.code}
)


class _Temporary(Exception):
    """A cause that passes by itself. The CONNECT waits again if `waits`, else its transport is closed."""

    def __init__(self, why: str, *, waits: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.waits = waits


class ConnectHandler:
    """Accepts clients in namespaces, each in a task of its own: none delays another."""

    def __init__(
        self,
        server: "SocketIOServer",
        connect_seconds: float,
        seconds: float,
        admission: AdmissionLimits | None,
    ) -> None:
        self._server = server
        self.connect_seconds = connect_seconds  # until the first CONNECT
        self.seconds = seconds  # for a connect handler
        self.queue: ConnectQueue | None = None
        self.wait_s = 0.0  # in the queue
        if admission is not None:
            self.wait_s = admission.wait_s
            self.queue = ConnectQueue(admission, server.eio.timers, self._admit, self._give_up)
        self._entries: dict[NamespaceClient, Entry] = {}
        self._unknown_logged_at = float("-inf")

    def on_connect_packet(self, session: Session, namespace: str, auth: object) -> None:
        """Handle a CONNECT. Raises Malformed.

        What the client proves is checked first, in memory; only then anything is used that clients share.
        """
        if namespace in session.links:
            raise ProtocolError("connected already")
        edge = self._server.edge_of(namespace)
        if edge is None:
            self._unknown(namespace)
            self._refuse(session, namespace, {"message": "Invalid namespace"}, "unknown_namespace")
            return
        if isinstance(edge, HandlerNamespace) and not isinstance(auth, dict | list | None):
            raise ProtocolError("not a CONNECT")  # other edges say themselves what they want
        try:
            request = edge.check(session.origin, auth)
        except HubbubError as error:
            self._refuse(session, namespace, _shown(error), error.code)
            return
        link = NamespaceClient(self._server, session, self._server.eio.generate_id(), namespace, edge)
        session.links[namespace] = link
        session.waits = True
        self._server.manager.add(link)
        ends_at = clock.monotonic() + self.wait_s
        if self.queue is None or not edge.queued or self.queue.acquire():
            tasks.spawn(self._accept(link, request, ends_at), name="connect of a client")
        else:
            self._wait(link, request, ends_at)

    def _unknown(self, namespace: str) -> None:
        """Log which namespaces exist, at most once in UNKNOWN_LOG_S."""
        now = _now()
        if now - self._unknown_logged_at >= UNKNOWN_LOG_S:
            self._unknown_logged_at = now
            known = sorted({*self._server.edges, *self._server.handlers, *self._server.namespace_handlers})
            log.warning(
                "a client asked for a namespace that does not exist",
                extra={"namespace": namespace[:60], "namespaces": ", ".join(known)},
            )

    # The time limit for the first CONNECT; queue and connect handler have limits of their own.

    def opened(self, session: Session) -> None:
        """Start the time for the first CONNECT."""
        self.renew(session)
        self._await_connect(session, self.connect_seconds)

    def renew(self, session: Session) -> None:
        """Give a session that was accepted the time for another CONNECT."""
        session.connect_by = _now() + self.connect_seconds

    def relax(self, session: Session) -> None:
        """End the time limit of a session with an open namespace; that of another one goes on."""
        if session.limit is not None:
            session.limit.cancel()
            session.limit = None
        if session.closed or any(link.state is OPEN for link in session.links.values()):
            return
        left = session.connect_by - _now()
        if left <= 0:  # refused after a long wait: a stock client closes by itself
            left = min(LEAVE_SECONDS, max(0.0, left + self.wait_s + self.seconds))
        self._await_connect(session, left)

    def _await_connect(self, session: Session, seconds: float) -> None:
        session.limit = self._server.eio.timers.after(seconds, partial(self._expire, session))

    def _expire(self, session: Session) -> None:
        """Close a session that is not accepted in time.

        A session with a CONNECT under way has the time of the queue and the connect handler besides.
        """
        session.limit = None
        states = [link.state for link in session.links.values()]
        if OPEN in states:
            return
        left = session.connect_by + self.wait_s + self.seconds - _now()
        if PENDING in states and left > 0:
            self._await_connect(session, left)
            return
        metrics.count("connect_timeouts")
        session.close(LOST)

    # The queue.

    def _wait(self, link: NamespaceClient, request: object, ends_at: float) -> None:
        assert self.queue is not None  # noqa: S101 - of an edge that has one
        entry = Entry(link, cast("ConnectRequest", request), ends_at)
        self._entries[link] = entry
        self.queue.wait(entry)

    def _admit(self, entry: Entry) -> None:
        self._entries.pop(entry.link, None)
        accepting = self._accept(entry.link, entry.request, entry.ends_at)
        tasks.spawn(accepting, name="connect of a client")

    def _give_up(self, entry: Entry) -> None:
        entry.link.end_transport()

    def leave(self, link: NamespaceClient) -> None:
        """Take a client that is gone out of the queue."""
        entry = self._entries.pop(link, None)
        if entry is not None and self.queue is not None:
            self.queue.leave(entry)

    # The edge's check.

    async def _accept(self, link: NamespaceClient, request: object, ends_at: float) -> None:
        refusal: tuple[object, str] | None = None
        temporary: _Temporary | None = None
        try:
            refusal = await self._verdict(link, request)
        except _Temporary as error:
            temporary = error
        if self.queue is not None and link.edge.queued:
            self.queue.finished(available=temporary is None or not temporary.waits)
        if link.state is ENDED:  # gone meanwhile
            link.edge.closed(link.sid)
        elif temporary is not None:
            self._postpone(link, request, ends_at, temporary)
        elif refusal is not None:
            self._server.forget(link)
            self._refuse(link.session, link.namespace, *refusal)
        else:
            await self._welcome(link)

    def _postpone(self, link: NamespaceClient, request: object, ends_at: float, cause: _Temporary) -> None:
        if cause.waits:
            self._wait(link, request, ends_at)
            return
        metrics.count("connects_dropped", cause.why)
        link.end_transport()

    async def _verdict(self, link: NamespaceClient, request: object) -> tuple[object, str] | None:
        """None if the client is accepted, or the payload of the `connect_error` and its kind.

        Raises _Temporary.
        """
        try:
            async with asyncio.timeout(self.seconds) as limit:
                await link.edge.accept(link.sid, link, request)
            if limit.expired():  # python-socketio takes a cancelled handler for one that said nothing
                raise TimeoutError
        except Refused as refused:
            return refused.said, "handler"
        except Unavailable as error:
            waits = self.queue is not None and link.edge.queued
            raise _Temporary(error.code, waits=waits) from None
        except TimeoutError:
            raise _Temporary("timeout") from None
        except HubbubError as error:
            if error.code not in FINAL and link.edge.queued:
                raise _Temporary(error.code) from None
            return _shown(error), error.code
        except Exception:
            log.exception("a connect handler failed")
            raise _Temporary("internal") from None
        return None

    # The answer.

    def _refuse(self, session: Session, namespace: str, payload: object, kind: str) -> None:
        """Answer with a `connect_error`. It extends no time limit, and the fifth one ends the session."""
        metrics.count("connects_refused", kind)
        _refusals.write("connect refused", reason=kind, ip=self._server.eio.ip_of(session.origin))
        session.send(frames.connect_error(namespace, payload))
        session.refusals += 1
        self._settle(session)
        if session.refusals >= REFUSALS:
            self._server.refuse(session, "refused CONNECTs")
        else:
            self.relax(session)

    async def _welcome(self, link: NamespaceClient) -> None:
        link.session.accept()
        held = link.let_in(frames.connect(link.namespace, link.sid))
        link.session.accept()
        self._settle(link.session)
        self.relax(link.session)
        if held:
            # A client that awaits one message after the other loses the second of two in one read.
            await asyncio.sleep(WELCOME_SECONDS)
            link.release()
        await link.edge.opened(link.sid)
        link.catch_up()

    def _settle(self, session: Session) -> None:
        session.waits = any(link.state is PENDING for link in session.links.values())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _shown(error: HubbubError) -> dict[str, Any]:
    return {"message": error.message, "data": errors.show(error)}
