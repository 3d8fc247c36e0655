"""Namespaces whose handlers are registered as in python-socketio (`on`, `register_namespace`)."""

import inspect
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from socketio.exceptions import ConnectionRefusedError as SocketRefused

from hubbub.realtime.engine.serial_queue import SerialQueue
from hubbub.realtime.socketio.packets import RESERVED_EVENT_NAMES, ClientEvent

if TYPE_CHECKING:
    from hubbub.realtime.engine import Engine, HandshakeInfo
    from hubbub.realtime.socketio.manager import ClientManager
    from hubbub.realtime.socketio.namespace import NamespaceClient

log = logging.getLogger(__name__)


class ConnectRefused(Exception):
    """The connect handler refused a client. `payload` is that of the `connect_error`."""

    def __init__(self, payload: Any) -> None:
        super().__init__(payload)
        self.payload = payload


class HandlerHost(Protocol):
    """What a namespace of registered handlers needs of the server."""

    eio: "Engine"
    manager: "ClientManager"
    environ: dict[str, Any]  # python-socketio's: the first request of each session, by its sid
    not_handled: Any  # what `_trigger_event` returns if there is no handler

    def send_ack(self, client: "NamespaceClient", ack_id: int, result: Any) -> None:
        """Send the ack that carries the result of a handler."""

    async def _trigger_event(self, event: str, namespace: str, *arguments: Any) -> Any: ...

    def _get_event_handler(self, event: str, namespace: str, arguments: Any) -> tuple[Any, Any]: ...

    def _get_namespace_handler(self, namespace: str, arguments: Any) -> tuple[Any, Any]: ...


class HandlerNamespace:
    """Runs the handlers of one namespace. The events of each client run one after the other."""

    queues_connects = False  # CONNECTs do not wait for the admission limit

    def __init__(self, server: HandlerHost, namespace: str) -> None:
        self._server = server
        self._namespace = namespace  # its name

    def check(self, handshake_info: "HandshakeInfo", auth: object) -> object:  # noqa: ARG002 - the signature of Namespace
        """Return `auth` unchecked. The `connect` handler checks it."""
        return auth

    def _client(self, sid: str) -> "NamespaceClient | None":
        client: NamespaceClient | None = self._server.manager.get(sid, self._namespace)
        return client

    async def on_connect(self, sid: str, client: "NamespaceClient", auth: object) -> None:
        """Run the `connect` handler once, with `auth` if it has a parameter for it. Raises ConnectRefused."""
        request = self._server.environ.get(client.eio_session.sid, {})
        arguments = [sid, request, auth] if self._handler_accepts_auth() else [sid, request]
        try:
            result = await self._server._trigger_event("connect", self._namespace, *arguments)
        except SocketRefused as refused:
            raise ConnectRefused(refused.error_args) from None
        except ConnectionRefusedError:
            raise ConnectRefused({"message": "Connection refused by server"}) from None
        if result is False:
            raise ConnectRefused({"message": "Connection rejected by server"})
        client.event_queue = SerialQueue(client.eio_session)

    def _handler_accepts_auth(self) -> bool:
        handler, extra_arguments = self._server._get_event_handler("connect", self._namespace, ())
        if handler is None:
            namespace_handler, extra_arguments = self._server._get_namespace_handler(self._namespace, ())
            handler = getattr(namespace_handler, "on_connect", None)
        if handler is None:
            return True
        try:
            inspect.signature(handler).bind(*extra_arguments, "", {}, None)
        except TypeError:
            return False
        return True

    async def on_connected(self, sid: str) -> None:
        """Do nothing."""

    @property
    def max_event_bytes(self) -> int:
        """The limit of the transport."""
        limit: int = self._server.eio.max_payload
        return limit

    def run_immediate(self, sid: str, ack_id: int | None, name: str, text: str, size: int) -> bool:  # noqa: ARG002 - the signature of Namespace
        """Return False: handlers run in the queue of their client."""
        return False

    def on_event(self, sid: str, event: ClientEvent) -> None:
        """Queue an event after the earlier ones of its client.

        An event that has a reserved name or is too large ends the session.
        """
        client = self._client(sid)
        if client is None:
            return
        if event.name in RESERVED_EVENT_NAMES:
            client.eio_session.fail_protocol("reserved name")
            return
        if event.too_large:
            client.eio_session.fail_protocol("an event that is too large")
            return
        event.compact()
        client.event_queue.enqueue(partial(self._run_event, client, event))

    async def _run_event(self, client: "NamespaceClient", event: ClientEvent) -> None:
        try:
            name, *arguments = event.arguments()
            result = await self._server._trigger_event(name, self._namespace, client.sid, *arguments)
            if event.id is not None and result is not self._server.not_handled:
                self._server.send_ack(client, event.id, result)
        except Exception:
            log.exception("an event handler failed", extra={"namespace": self._namespace})
        finally:
            client.backlog.remove(event.size)

    def on_disconnecting(self, client: "NamespaceClient", reason: str) -> None:
        """Run the `disconnect` handler after the earlier events."""
        client.event_queue.enqueue(partial(self._run_disconnect, client.sid, reason))

    async def _run_disconnect(self, sid: str, reason: str) -> None:
        try:
            await self._server._trigger_event("disconnect", self._namespace, sid, reason)
        except Exception:
            log.exception("a disconnect handler failed", extra={"namespace": self._namespace})

    def on_disconnected(self, sid: str) -> None:
        """Do nothing: `on_disconnecting` runs the handler."""
