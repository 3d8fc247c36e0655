"""What the bus says, turned into frames: hints may be dropped, sessions end, rooms begin and end."""

from collections.abc import Iterable
from uuid import UUID

from hubbub.cluster import bus as signals
from hubbub.realtime.chat.connections import Connection, Connections
from hubbub.realtime.chat.delivery import Delivery
from hubbub.realtime.chat.events import NAMESPACE
from hubbub.realtime.socketio import frames
from hubbub.schemas.users.users import Presence


class SignalHandler:
    """The listener of the bus that knows the sockets."""

    def __init__(self, connections: Connections, delivery: Delivery) -> None:
        self._connections = connections
        self._delivery = delivery

    def hear(self, signal: signals.Signal, *, known: bool = False) -> None:
        """Must not block; called in the order of the bus. `known`: a membership that was known before."""
        match signal:
            case signals.LogAdvanced():
                self._delivery.moved(signal.room_id, signal.seq)
            case signals.SignalsLost():
                self._delivery.check_soon()
            case signals.RoomHint():
                self._room(signal)
            case signals.UserHint():
                others = self._others(signal.user_id, signal.skip_socket)
                _tell(others, signal.event, signal.payload)
            case signals.MemberJoined():
                self._joined(signal, known=known)
            case signals.MemberChanged(muted=bool(muted)):
                others = self._others(signal.user_id, signal.skip_socket)
                _tell(others, "room:muted", {"room_id": signal.room_id, "muted": muted})
            case signals.PresenceChanged():
                self._presence(signal)
            case signals.SessionEnded():
                self._ended(signal)
            case signals.AccountChanged():
                self._account(signal)

    def _others(self, user_id: object, skip_socket: str | None) -> list[Connection]:
        return [each for each in self._connections.of_user(user_id) if each.sid != skip_socket]  # type: ignore[arg-type]

    def _room(self, hint: signals.RoomHint) -> None:
        feed = self._delivery.feeds.get(hint.room_id)
        if feed is not None:
            audience = [
                each
                for each in feed.audience
                if each.user.id != hint.skip_user and each.sid not in hint.skip_sockets
            ]
            _tell(audience, hint.event, hint.payload)

    def typing(self, room_id: UUID, user_id: UUID, typing: bool) -> None:  # noqa: FBT001 - the wire's word
        """Send the hint `typing` to the sockets of a room, except the user's own."""
        feed = self._delivery.feeds.get(room_id)
        if feed is not None:
            payload = {"room_id": str(room_id), "user_id": str(user_id), "typing": typing}
            _tell((each for each in feed.audience if each.user.id != user_id), "typing", payload)

    def _joined(self, signal: signals.MemberJoined, *, known: bool) -> None:
        asked = self._connections.by_sid.get(signal.skip_socket or "")
        if asked is not None and asked.entered:  # first: its feed begins before those of the others
            self._delivery.admit(asked, signal.room_id, signal.seq)
        first = signal.seq if signal.after is None else signal.after + 1
        for connection in self._others(signal.user_id, signal.skip_socket):
            if connection.held or (known and signal.room_id in connection.rooms):
                continue  # `ready` has the room, or this socket got `room:added` before
            connection.emit("room:added", {"room": signal.room})
            self._delivery.admit(connection, signal.room_id, first)

    def _presence(self, signal: signals.PresenceChanged) -> None:
        audience = set(self._connections.of_user(signal.user_id))
        for room_id in signal.room_ids:
            if (feed := self._delivery.feeds.get(room_id)) is not None:
                audience |= feed.audience
        status = Presence(
            user_id=signal.user_id,
            status=signal.status,  # type: ignore[arg-type]
            last_seen_at=signal.last_seen_at,
        )
        _tell(audience, "presence", status)

    def _account(self, signal: signals.AccountChanged) -> None:
        for connection in self._connections.of_user(signal.user.id):
            connection.user = signal.user
            connection.ctx.role = signal.role

    def expel(self, user_id: UUID, room_id: UUID) -> None:
        """A membership that ended a while ago: none of the user's sockets is in the room any more."""
        for connection in self._connections.of_user(user_id):
            if room_id in connection.rooms:
                self._delivery.expel(connection, room_id)

    def _ended(self, signal: signals.SessionEnded) -> None:
        self._connections.note_end(signal.session_id or signal.user_id)
        for connection in self._connections.of_user(signal.user_id):
            if signal.session_id is not None and connection.session_id != signal.session_id:
                continue
            if signal.code == "session_revoked":
                connection.emit("auth:revoked", {"reason": signal.reason})
                connection.close(signal.code, "This session was ended.")
            else:
                connection.close(signal.code, signal.reason)


def _tell(connections: Iterable[Connection], event: str, payload: object) -> None:
    frame = None
    for connection in connections:
        frame = frame or frames.event_of(NAMESPACE, event, payload)
        connection.send(frame, hint=True)
