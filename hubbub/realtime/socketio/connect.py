"""Accepts clients in namespaces: the CONNECT, the queue, the check of the namespace, the response."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import HubbubError, TooManyConnections, Unavailable
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.engine import Engine, ProtocolError, Session
from hubbub.realtime.engine.transport import TRANSPORT_CLOSE
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.connect_queue import AdmissionLimits, ConnectQueue, WaitingConnect
from hubbub.realtime.socketio.handler_namespace import ConnectRefused, HandlerNamespace
from hubbub.realtime.socketio.manager import ClientManager
from hubbub.realtime.socketio.namespace import ENDED, OPEN, PENDING, ClientHost, Namespace, NamespaceClient
from hubbub.schemas import errors

if TYPE_CHECKING:
    from hubbub.realtime.socketio.connect_request import ConnectRequest

log = logging.getLogger(__name__)
_refusal_log = BoundedLog(log)

HELD_FRAMES_DELAY_S = 0.002  # between the CONNECT of the server and the events of the connect handler
DISCONNECT_GRACE_S = 0.5  # for a client to close its transport after a DISCONNECT, or after a late refusal
UNKNOWN_NAMESPACE_LOG_INTERVAL_S = 60.0  # between two log lines about unknown namespaces
MAX_REFUSED_CONNECTS = 5  # refused CONNECTs of one session; the fifth ends it
FINAL_ERROR_CODES = frozenset(
    {"unauthenticated", "token_expired", "session_revoked", "suspended", TooManyConnections.code}
)


class _TemporaryFailure(Exception):
    """A temporary cause. The CONNECT waits again if `requeue`, otherwise its transport is closed."""

    def __init__(self, reason: str, *, requeue: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason  # for the metric
        self.requeue = requeue  # whether the CONNECT waits again


class ConnectHost(ClientHost, Protocol):
    """What the handling of CONNECTs needs of the server."""

    eio: Engine
    manager: ClientManager
    native_namespaces: dict[str, Namespace]  # the namespaces with their own class, by name
    handlers: dict[str, Any]  # python-socketio's: functions, by namespace
    namespace_handlers: dict[str, Any]  # python-socketio's: classes, by namespace

    def find_namespace(self, namespace: str) -> Namespace | None:
        """Return a namespace by its name."""

    def remove_client(self, client: NamespaceClient) -> None:
        """Remove a client from its namespace."""

    def refuse(self, session: Session, reason: str) -> None:
        """End a session with close code 1008."""


class ConnectHandler:
    """Accepts clients in namespaces, each in a task of its own, so that none delays another."""

    def __init__(
        self,
        server: ConnectHost,
        connect_timeout: float,
        handler_timeout: float,
        admission: AdmissionLimits | None,
    ) -> None:
        self._server = server
        self.connect_timeout = connect_timeout  # seconds until the first CONNECT
        self.handler_timeout = handler_timeout  # seconds for a connect handler
        self.queue: ConnectQueue | None = None  # None: CONNECTs never wait
        self.max_queue_wait_s = 0.0  # seconds in the queue
        if admission is not None:
            self.max_queue_wait_s = admission.max_wait_s
            self.queue = ConnectQueue(admission, server.eio.timers, self._on_admitted, self._on_evicted)
        self._entries: dict[NamespaceClient, WaitingConnect] = {}  # the entries in the queue
        self._unknown_logged_at = float("-inf")  # loop time of the last line about an unknown namespace

    def on_connect_packet(self, session: Session, namespace: str, auth: object) -> None:
        """Handle a CONNECT. Raises ProtocolError.

        The credentials are verified first, in memory. Only then are shared resources used.
        """
        if namespace in session.namespace_clients:
            raise ProtocolError("connected already")
        handler = self._server.find_namespace(namespace)
        if handler is None:
            self._log_unknown_namespace(namespace)
            self._refuse(session, namespace, {"message": "Invalid namespace"}, "unknown_namespace")
            return
        if isinstance(handler, HandlerNamespace) and not isinstance(auth, dict | list | None):
            raise ProtocolError("not a CONNECT")  # other namespaces check it themselves
        try:
            request = handler.check(session.handshake_info, auth)
        except HubbubError as error:
            self._refuse(session, namespace, _error_payload(error), error.code)
            return
        client = NamespaceClient(self._server, session, self._server.eio.generate_id(), namespace, handler)
        session.namespace_clients[namespace] = client
        session.connect_pending = True
        self._server.manager.add(client)
        ends_at = clock.monotonic() + self.max_queue_wait_s
        if self.queue is None or not handler.queues_connects or self.queue.acquire():
            tasks.spawn(self._accept(client, request, ends_at), name="connect of a client", eager=True)
        else:
            self._enqueue(client, request, ends_at)

    def _log_unknown_namespace(self, namespace: str) -> None:
        """Log which namespaces exist, at most once in UNKNOWN_NAMESPACE_LOG_INTERVAL_S."""
        now = _loop_time()
        if now - self._unknown_logged_at >= UNKNOWN_NAMESPACE_LOG_INTERVAL_S:
            self._unknown_logged_at = now
            known = sorted(
                {*self._server.native_namespaces, *self._server.handlers, *self._server.namespace_handlers}
            )
            log.warning(
                "a client requested a namespace that does not exist",
                extra={"namespace": namespace[:60], "namespaces": ", ".join(known)},
            )

    # The time limit for the first CONNECT; queue and connect handler have limits of their own.

    def start_connect_timer(self, session: Session) -> None:
        """Start the time limit for the first CONNECT of a session."""
        self.renew_connect_deadline(session)
        self._set_timer(session, self.connect_timeout)

    def renew_connect_deadline(self, session: Session) -> None:
        """Give a session that was accepted the time for another CONNECT."""
        session.connect_deadline = _loop_time() + self.connect_timeout

    def update_timer(self, session: Session) -> None:
        """Stop the time limit of a session with an open namespace, and continue that of another one."""
        if session.handler_timer is not None:
            session.handler_timer.cancel()
            session.handler_timer = None
        if session.closed or any(client.state is OPEN for client in session.namespace_clients.values()):
            return
        remaining = session.connect_deadline - _loop_time()
        if remaining <= 0:  # refused after a long wait: a stock client closes its transport
            remaining = min(
                DISCONNECT_GRACE_S, max(0.0, remaining + self.max_queue_wait_s + self.handler_timeout)
            )
        self._set_timer(session, remaining)

    def _set_timer(self, session: Session, seconds: float) -> None:
        session.handler_timer = self._server.eio.timers.after(seconds, partial(self._on_timeout, session))

    def _on_timeout(self, session: Session) -> None:
        """Close a session that is not accepted in time.

        While a CONNECT is undecided, the session has the time of the queue and the connect handler besides.
        """
        session.handler_timer = None
        states = [client.state for client in session.namespace_clients.values()]
        if OPEN in states:
            return
        remaining = session.connect_deadline + self.max_queue_wait_s + self.handler_timeout - _loop_time()
        if PENDING in states and remaining > 0:
            self._set_timer(session, remaining)
            return
        metrics.count("connect_timeouts")
        session.close(TRANSPORT_CLOSE)

    # The queue.

    def _enqueue(self, client: NamespaceClient, request: object, ends_at: float) -> None:
        assert self.queue is not None  # noqa: S101 - the callers check it
        entry = WaitingConnect(client, cast("ConnectRequest", request), ends_at)
        self._entries[client] = entry
        self.queue.enqueue(entry)

    def _on_admitted(self, entry: WaitingConnect) -> None:
        self._entries.pop(entry.client, None)
        accepting = self._accept(entry.client, entry.request, entry.ends_at)
        tasks.spawn(accepting, name="connect of a client", eager=True)

    def _on_evicted(self, entry: WaitingConnect) -> None:
        entry.client.end_transport()

    def remove_from_queue(self, client: NamespaceClient) -> None:
        """Remove a client that has ended from the queue."""
        entry = self._entries.pop(client, None)
        if entry is not None and self.queue is not None:
            self.queue.discard(entry)

    # The check of the namespace.

    async def _accept(self, client: NamespaceClient, request: object, ends_at: float) -> None:
        try:
            await self._decide(client, request, ends_at)
        finally:
            if self.queue is not None and client.handler.queues_connects:
                self.queue.release()

    async def _decide(self, client: NamespaceClient, request: object, ends_at: float) -> None:
        refusal: tuple[object, str] | None = None
        temporary: _TemporaryFailure | None = None
        try:
            refusal = await self._run_handler(client, request)
        except _TemporaryFailure as error:
            temporary = error
        if self.queue is not None and client.handler.queues_connects:
            self.queue.on_connect_finished(available=temporary is None or not temporary.requeue)
        if client.state is ENDED:  # it ended meanwhile
            client.handler.on_disconnected(client.sid)
        elif temporary is not None:
            self._postpone(client, request, ends_at, temporary)
        elif refusal is not None:
            self._server.remove_client(client)
            self._refuse(client.eio_session, client.namespace, *refusal)
        else:
            await self._complete(client)

    def _postpone(
        self, client: NamespaceClient, request: object, ends_at: float, cause: _TemporaryFailure
    ) -> None:
        if cause.requeue:
            self._enqueue(client, request, ends_at)
            return
        metrics.count("connects_dropped", cause.reason)
        client.end_transport()

    async def _run_handler(self, client: NamespaceClient, request: object) -> tuple[object, str] | None:
        """Return None if the client is accepted, else the payload of the `connect_error` and the reason.

        Raises _TemporaryFailure.
        """
        try:
            async with asyncio.timeout(self.handler_timeout) as timeout:
                await client.handler.on_connect(client.sid, client, request)
            if timeout.expired():  # python-socketio treats a cancelled handler as one that returned None
                raise TimeoutError
        except ConnectRefused as refused:
            return refused.payload, "handler"
        except Unavailable as error:
            requeue = self.queue is not None and client.handler.queues_connects
            raise _TemporaryFailure(error.code, requeue=requeue) from None
        except TimeoutError:
            raise _TemporaryFailure("timeout") from None
        except HubbubError as error:
            if error.code not in FINAL_ERROR_CODES and client.handler.queues_connects:
                raise _TemporaryFailure(error.code) from None
            return _error_payload(error), error.code
        except Exception:
            log.exception("a connect handler failed")
            raise _TemporaryFailure("internal") from None
        return None

    # The response.

    def _refuse(self, session: Session, namespace: str, payload: object, reason: str) -> None:
        """Send a `connect_error`. It extends no time limit, and the fifth one ends the session."""
        metrics.count("connects_refused", reason)
        _refusal_log.write("connect refused", reason=reason, ip=session.handshake_info.ip)
        session.send(frames.connect_error(namespace, payload))
        session.refused_connects += 1
        self._update_connect_pending(session)
        if session.refused_connects >= MAX_REFUSED_CONNECTS:
            self._server.refuse(session, "refused CONNECTs")
        else:
            self.update_timer(session)

    async def _complete(self, client: NamespaceClient) -> None:
        client.eio_session.accept()
        has_held_frames = client.accept(frames.connect(client.namespace, client.sid))
        client.eio_session.accept()
        self._update_connect_pending(client.eio_session)
        self.update_timer(client.eio_session)
        if has_held_frames:
            # A client that awaits one message after the other loses the second of two messages in one read.
            await asyncio.sleep(HELD_FRAMES_DELAY_S)
            client.release_held()
        await client.handler.on_connected(client.sid)
        client.process_pending()

    def _update_connect_pending(self, session: Session) -> None:
        session.connect_pending = any(
            client.state is PENDING for client in session.namespace_clients.values()
        )


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _error_payload(error: HubbubError) -> dict[str, Any]:
    return {"message": error.message, "data": errors.to_view(error)}
