"""The only module that touches the insides of python-socketio 5.18 and python-engineio 4.15.

What is overridden, and why; tests/realtime/test_stock.py fails when a new version changes it:

- `_handle_event`: the stock server runs the `connect` and `disconnect` handlers for a client's ordinary
  events of those names, and starts a task per event, so that events of one client overtake each other.
- `_handle_connect`: the stock one runs a handler that raises TypeError twice, the second time without
  `auth`, and lets a client connect to a namespace twice.
- `_handle_eio_message`: the stock one logs a traceback for each malformed packet and keeps the connection.
- `create_queue`: the stock queue is unbounded; ours counts its bytes.
- the WebSocket class: the stock one compresses for each recipient (113 kB a connection, +50 % CPU).
"""

import asyncio
import logging
from functools import partial
from typing import Any, Protocol

import engineio
import socketio
from aiohttp import web
from engineio.async_drivers import aiohttp as driver
from engineio.payload import Payload
from socketio import packet as sio_packet

from hubbub.core import metrics, tasks
from hubbub.core.errors import HubbubError
from hubbub.realtime import frames
from hubbub.schemas import errors

log = logging.getLogger(__name__)

# Stock clients join what piled up while they were away into one POST; its bytes are bounded by max_payload.
Payload.max_decode_packets = 10_000

CONNECT_SECONDS = 15.0
ATTACHMENTS = 10
PACKETS_A_TURN = 16


class Outbox(asyncio.Queue[Any]):
    """A connection's way out: a queue that knows how many bytes wait in it, and gives 16 packets a turn.

    Python's stock client refuses a long-polling answer of more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting_bytes = 0
        self._given = 0

    async def get(self) -> Any:
        self._given = 0
        return await super().get()

    def get_nowait(self) -> Any:
        if self._given >= PACKETS_A_TURN:
            raise asyncio.QueueEmpty
        item = super().get_nowait()
        self._given += 1
        return item

    def _put(self, item: Any) -> None:
        self.waiting_bytes += len(item.encode()) if item is not None else 0
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.waiting_bytes -= len(item.encode()) if item is not None else 0
        return item


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


class _WebSocket(driver.WebSocket):
    """The driver's WebSocket without compression, remembered by its connection so that it can be aborted."""

    async def __call__(self, environ: dict[str, Any]) -> web.StreamResponse:
        request: web.Request = environ["aiohttp.request"]
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(request)
        self.environ = environ
        self.handler.__self__.abort_transport = partial(_abort, request)
        await self.handler(self)
        return self._sock


class Engine(engineio.AsyncServer):
    """The Engine.IO server with bounded queues and no compression per recipient."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._async: dict[str, Any] = {**driver._async, "websocket": _WebSocket}

    def create_queue(self, *_args: Any, **_options: Any) -> Outbox:
        return Outbox()


class Edge(Protocol):
    """One namespace, as the server below hands it its clients."""

    async def accept(self, sid: str, link: "Link", auth: object) -> None:
        """Let a client in, or raise HubbubError."""

    async def opened(self, sid: str) -> None:
        """The client was told that it is in."""

    def event(self, sid: str, ack_id: int | None, arguments: list[Any], size: int) -> None:
        """An event of an admitted client, in the order it came. Must not block."""

    def closed(self, sid: str) -> None:
        """The client is gone."""


class Link:
    """One client's transport, as the rest of the package sees it."""

    __slots__ = ("_server", "eio_sid", "namespace", "request", "sid", "socket")

    def __init__(self, server: "Server", eio_sid: str, sid: str, namespace: str) -> None:
        self._server = server
        self.eio_sid = eio_sid
        self.sid = sid
        self.namespace = namespace
        self.socket = server.eio.sockets[eio_sid]
        self.request: web.Request = server.environ[eio_sid]["aiohttp.request"]

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        waiting: int = self.socket.queue.waiting_bytes
        return waiting

    def send(self, frame: frames.Frame) -> None:
        """Queue a frame; never waits."""
        if not self.socket.closed:
            self.socket.queue.put_nowait(frame.packet)

    def end_namespace(self) -> None:
        """A Socket.IO DISCONNECT: a stock client stays away. The transport follows if it does not."""
        self.send(frames.disconnect(self.namespace))
        tasks.spawn(self._server.end(self), name="end namespace")

    def end_transport(self) -> None:
        """Close the transport after what is queued: a stock client comes back."""
        tasks.spawn(self._server.hang_up(self.eio_sid), name="end transport")

    def abort(self) -> None:
        """Close the transport at once, whatever is queued."""
        tasks.spawn(self._server.hang_up(self.eio_sid, abort=True), name="abort transport")


class Server(socketio.AsyncServer):
    """A Socket.IO server that hands its clients to edges, in order, and lets nobody pose as it."""

    def __init__(self, edges: dict[str, Edge], **options: Any) -> None:
        super().__init__(async_mode="aiohttp", namespaces=list(edges), **options)
        self.edges = edges

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        try:
            if isinstance(data, bytes) != (eio_sid in self._binary_packet):
                raise ValueError("attachments and packets are out of step")
            if isinstance(data, str):
                packet = self.packet_class(encoded_packet=data)
                if packet.attachment_count > ATTACHMENTS:
                    raise ValueError("too many attachments")
                if packet.packet_type == sio_packet.EVENT:
                    self._event(eio_sid, packet, len(data))
                    return
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError):
            await self._malformed_packet(eio_sid)

    async def _malformed_packet(self, eio_sid: str) -> None:
        metrics.count("malformed_packets")
        log.debug("a malformed packet ends its connection", extra={"eio_sid": eio_sid})
        self._binary_packet.pop(eio_sid, None)
        for namespace, edge in self.edges.items():
            sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
            if sid is not None and (protocol_error := getattr(edge, "protocol_error", None)) is not None:
                protocol_error(sid)
        await self.hang_up(eio_sid)

    def _event(self, eio_sid: str, packet: Any, size: int) -> None:
        namespace = packet.namespace or "/"
        edge = self.edges.get(namespace)
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if not isinstance(packet.data, list) or not packet.data or not isinstance(packet.data[0], str):
            raise ValueError("not an event")
        if edge is not None and sid is not None and self.manager.is_connected(sid, namespace):
            edge.event(sid, packet.id, packet.data, size)

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:
        """An event with binary parts, put together. Its size was bounded part by part."""
        packet = self.packet_class(sio_packet.EVENT, data=data, namespace=namespace, id=id)
        self._event(eio_sid, packet, 0)

    async def _handle_ack(self, *_args: Any) -> None:
        """The server asks for no acks: whoever sends one is ignored."""

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        namespace = namespace or "/"
        edge = self.edges.get(namespace)
        if edge is None:
            self._send(eio_sid, frames.connect_error(namespace, {"message": "Invalid namespace"}))
            return
        sid = await self.manager.pre_connect(eio_sid, namespace)
        if sid is None:
            await self._malformed_packet(eio_sid)
            return
        try:
            link = Link(self, eio_sid, sid, namespace)
            await asyncio.wait_for(edge.accept(sid, link, data), CONNECT_SECONDS)
        except (HubbubError, TimeoutError) as error:
            refusal = error if isinstance(error, HubbubError) else HubbubError("That took too long.")
            shown = {"message": refusal.message, "data": errors.show(refusal)}
            self._send(eio_sid, frames.connect_error(namespace, shown))
            await self.manager.disconnect(sid, namespace, ignore_queue=True)
            return
        if eio_sid not in self.eio.sockets or self.eio.sockets[eio_sid].closed:
            edge.closed(sid)
            await self.manager.disconnect(sid, namespace, ignore_queue=True)
            return
        self._send(eio_sid, frames.connect(namespace, sid))
        await self.manager.connect(sid, namespace)
        await edge.opened(sid)

    def _send(self, eio_sid: str, frame: frames.Frame) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and not socket.closed:
            socket.queue.put_nowait(frame.packet)

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        if event == "disconnect" and namespace in self.edges:
            self.edges[namespace].closed(args[0])
        return self.not_handled

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        """Answers who says goodbye: the stock server leaves their last poll open until the ping."""
        await super()._handle_eio_disconnect(eio_sid, reason)
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            socket.queue.put_nowait(None)

    async def end(self, link: Link) -> None:
        """The namespace is over for this client; its transport too, unless another namespace uses it."""
        await self._handle_disconnect(link.eio_sid, link.namespace, self.reason.SERVER_DISCONNECT)
        others = (self.manager.sid_from_eio_sid(link.eio_sid, namespace) for namespace in self.edges)
        if not any(others):
            # A stock client closes by itself when it reads the DISCONNECT; the others get 2 s.
            asyncio.get_running_loop().call_later(2.0, link.end_transport)

    async def hang_up(self, eio_sid: str, *, abort: bool = False) -> None:
        """Close a transport: after what is queued, or at once."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is None:
            return
        await socket.close(wait=False, abort=True, reason=self.reason.SERVER_DISCONNECT)
        socket.queue.put_nowait(None)  # the writer flushes up to here, then closes
        abort_transport = getattr(socket, "abort_transport", None)
        if abort and abort_transport is not None:
            abort_transport()
