"""FAST PATH: from the messages of a transport to complete packets, and who gets them."""

from functools import partial
from typing import TYPE_CHECKING

from hubbub.realtime.engine import ProtocolError, Session
from hubbub.realtime.socketio import frames, packets
from hubbub.realtime.socketio.manager import OPEN, NamespaceClient

if TYPE_CHECKING:
    from hubbub.realtime.socketio.server import SocketIOServer

NO_MSGPACK = "This server has no msgpack parser. Use the default parser of the client."
PARTS_S = 10.0  # for the binary parts of a packet to come


class PacketReader:
    """Reads the packets of all sessions of a server, each by the limit of its kind before it is decoded."""

    def __init__(self, server: "SocketIOServer") -> None:
        self._server = server
        self.parts_timeout = PARTS_S

    def read(self, session: Session, data: str | bytes) -> None:
        """Handle one packet, or a part of one. Raises Malformed."""
        if isinstance(data, str):
            self._packet(session, data)
        else:
            self._part(session, data)

    def _packet(self, session: Session, text: str) -> None:
        if session.partial is not None:
            raise ProtocolError("attachment missing")
        packet = packets.parse(text)
        kind = packet.kind
        if kind == packets.CONNECT:
            self._server.entrance.on_connect_packet(session, packet.namespace, packets.auth(packet))
            return
        link: NamespaceClient | None = session.links.get(packet.namespace)
        if link is None:
            if kind == packets.DISCONNECT:
                return
            raise ProtocolError("not connected")
        if kind == packets.DISCONNECT:
            self._disconnect(session, link)
        elif packet.attachments:
            self._await_parts(session, link, packet)
        else:
            self._whole(link, packet, packet.size, () if kind >= packets.BINARY_EVENT else None)

    def _disconnect(self, session: Session, link: NamespaceClient) -> None:
        server = self._server
        if link.state is OPEN:
            server.entrance.renew(session)
        server.leave(link, server.reason.CLIENT_DISCONNECT)
        server.entrance.relax(session)

    def _await_parts(self, session: Session, link: NamespaceClient, packet: packets.Packet) -> None:
        limit = link.edge.max_event_bytes
        if packet.size <= limit:
            packets.check_array(packet)
        session.partial = packets.Partial(packet, limit)
        if session.limit is not None:
            session.limit.cancel()
        session.limit = self._server.eio.timers.after(self.parts_timeout, partial(_expire, session))

    def _part(self, session: Session, part: bytes) -> None:
        waiting: packets.Partial | None = session.partial
        if waiting is None:
            _refuse_msgpack(session, part)
            raise ProtocolError("attachment of nothing")
        if not waiting.add(part, self._server.eio.max_payload):
            return
        session.partial = None
        self._server.entrance.relax(session)
        link = session.links.get(waiting.packet.namespace)
        if link is not None:  # else it ended while the parts came
            self._whole(link, waiting.packet, waiting.size, tuple(waiting.parts))

    def _whole(
        self, link: NamespaceClient, packet: packets.Packet, size: int, parts: tuple[bytes, ...] | None
    ) -> None:
        """Hand over an event or an ack that is complete. Raises Malformed."""
        fits = size <= link.edge.max_event_bytes
        if packet.kind in {packets.EVENT, packets.BINARY_EVENT}:
            link.take(packets.event(packet, parts) if fits else packets.too_large(packet))
        elif not fits:
            raise ProtocolError("an ack that is too large")
        elif link.callbacks and packet.id in link.callbacks:
            self._server.manager.acked(link, packet.id, packets.arguments(packet.text, parts))
        else:
            packets.check_array(packet)


def _refuse_msgpack(session: Session, part: bytes) -> None:
    """Raise Malformed for a client that does not speak JSON, after an answer that it understands."""
    namespace = None if session.links else packets.msgpack_namespace(part)
    if namespace is not None:
        session.send(frames.msgpack_connect_error(namespace, NO_MSGPACK))
        raise ProtocolError("a client with the msgpack parser")


def _expire(session: Session) -> None:
    session.limit = None
    session.malformed("attachments missing")
