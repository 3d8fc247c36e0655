"""FAST PATH: reads packets from the messages of a transport and hands them to their clients."""

from functools import partial
from typing import Any, Protocol

from hubbub.realtime.engine import Engine, ProtocolError, Session
from hubbub.realtime.socketio import frames, packets
from hubbub.realtime.socketio.connect import ConnectHandler
from hubbub.realtime.socketio.manager import ClientManager
from hubbub.realtime.socketio.namespace import OPEN, NamespaceClient

NO_MSGPACK_MESSAGE = "This server has no msgpack parser. Use the default parser of the client."
ATTACHMENTS_TIMEOUT_S = 10.0  # for the attachments of a packet


class ReaderHost(Protocol):
    """What the reader of packets needs of the server."""

    eio: Engine
    manager: ClientManager
    connect_handler: ConnectHandler
    reason: Any  # python-socketio's reasons of a disconnect

    def detach_client(self, client: NamespaceClient, reason: str) -> None:
        """Disconnect a client from its namespace. Safe to call twice."""


class PacketReader:
    """Reads the packets of all sessions, and checks the size of each by its kind before decoding it."""

    def __init__(self, server: ReaderHost) -> None:
        self._server = server
        self.attachments_timeout = ATTACHMENTS_TIMEOUT_S  # seconds for all attachments of a packet

    def read(self, session: Session, data: str | bytes) -> None:
        """Handle a packet or one of its attachments. Raises ProtocolError."""
        if not isinstance(data, str):
            self._on_attachment(session, data)
        elif session.partial_packet is not None or not self._read_plain_event(session, data):
            self._on_text(session, data)

    def _read_plain_event(self, session: Session, text: str) -> bool:
        """FAST PATH: hand over an event in the form that clients write: `2/chat,17["name",…]`.

        Returns False, without any effect, for whatever looks different. Raises ProtocolError.
        """
        head, _, arguments = text.partition("[")
        kind_and_namespace, comma, ack_id = head.partition(",")
        client: NamespaceClient | None = session.namespace_clients.get(kind_and_namespace[1:])
        name_end = arguments.find('"', 1)
        if client is None or not comma or name_end < 0 or text[0] != "2" or client.pending_events is not None:
            return False
        name = arguments[1:name_end]
        size = len(text) if text.isascii() else len(text.encode())
        if (
            arguments[:1] != '"'
            or not 0 < len(name) <= packets.MAX_PLAIN_NAME_CHARS
            or "\\" in name
            or len(ack_id) > packets.MAX_ID_DIGITS
            or (ack_id and not (ack_id.isdigit() and ack_id.isascii()))
            or size > client.handler.max_event_bytes
        ):
            return False
        payload = text[len(head) :]
        packets.check_depth(payload)
        client.receive_plain(int(ack_id) if ack_id else None, name, payload, size)
        return True

    def _on_text(self, session: Session, text: str) -> None:
        if session.partial_packet is not None:
            raise ProtocolError("attachment missing")
        packet = packets.parse(text)
        kind = packet.kind
        if kind == packets.CONNECT:
            self._server.connect_handler.on_connect_packet(
                session, packet.namespace, packets.decode_auth(packet)
            )
            return
        client: NamespaceClient | None = session.namespace_clients.get(packet.namespace)
        if client is None:
            if kind == packets.DISCONNECT:
                return
            raise ProtocolError("not connected")
        if kind == packets.DISCONNECT:
            self._on_disconnect(session, client)
        elif packet.attachment_count:
            self._await_attachments(session, client, packet)
        else:
            self._on_complete(client, packet, packet.size, () if kind >= packets.BINARY_EVENT else None)

    def _on_disconnect(self, session: Session, client: NamespaceClient) -> None:
        server = self._server
        if client.state is OPEN:
            server.connect_handler.renew_connect_deadline(session)
        server.detach_client(client, server.reason.CLIENT_DISCONNECT)
        server.connect_handler.update_timer(session)

    def _await_attachments(self, session: Session, client: NamespaceClient, packet: packets.Packet) -> None:
        limit = client.handler.max_event_bytes
        if packet.size <= limit:
            packets.check_array(packet)
        session.partial_packet = packets.PartialPacket(packet, limit)
        if session.handler_timer is not None:
            session.handler_timer.cancel()
        session.handler_timer = self._server.eio.timers.after(
            self.attachments_timeout, partial(_on_attachments_timeout, session)
        )

    def _on_attachment(self, session: Session, data: bytes) -> None:
        partial_packet: packets.PartialPacket | None = session.partial_packet
        if partial_packet is None:
            _refuse_msgpack(session, data)
            raise ProtocolError("unexpected attachment")
        if not partial_packet.add(data, self._server.eio.max_payload):
            return
        session.partial_packet = None
        self._server.connect_handler.update_timer(session)
        client = session.namespace_clients.get(partial_packet.packet.namespace)
        if client is not None:  # otherwise it ended before the last attachment
            self._on_complete(
                client, partial_packet.packet, partial_packet.size, tuple(partial_packet.attachments)
            )

    def _on_complete(
        self,
        client: NamespaceClient,
        packet: packets.Packet,
        size: int,
        attachments: tuple[bytes, ...] | None,
    ) -> None:
        """Hand over a complete event or ack. Raises ProtocolError."""
        fits = size <= client.handler.max_event_bytes
        if packet.kind in {packets.EVENT, packets.BINARY_EVENT}:
            client.receive(
                packets.read_event(packet, attachments) if fits else packets.oversized_event(packet)
            )
        elif not fits:
            raise ProtocolError("an ack that is too large")
        elif client.callbacks and packet.id in client.callbacks:
            self._server.manager.on_ack(client, packet.id, packets.decode_arguments(packet.text, attachments))
        else:
            packets.check_array(packet)


def _refuse_msgpack(session: Session, data: bytes) -> None:
    """Raise ProtocolError for a client with the msgpack parser, after a refusal that it can read."""
    namespace = None if session.namespace_clients else packets.msgpack_namespace(data)
    if namespace is not None:
        session.send(frames.msgpack_connect_error(namespace, NO_MSGPACK_MESSAGE))
        raise ProtocolError("a client with the msgpack parser")


def _on_attachments_timeout(session: Session) -> None:
    session.handler_timer = None
    session.fail_protocol("attachments missing")
