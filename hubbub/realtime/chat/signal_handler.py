"""Applies signals of the bus to sockets: hints, memberships, and changes of accounts and sessions."""

from collections.abc import Iterable
from uuid import UUID

from hubbub.cluster import bus as signals
from hubbub.realtime.chat.delivery import Delivery
from hubbub.realtime.chat.events import NAMESPACE
from hubbub.realtime.socketio import frames
from hubbub.realtime.sockets.connections import Connection, Connections, UserSockets
from hubbub.schemas import events
from hubbub.schemas.base import encode
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason


class SignalHandler:
    """Handles the signals that concern sockets."""

    def __init__(self, connections: Connections, user_sockets: UserSockets, delivery: Delivery) -> None:
        self._connections = connections  # the sockets of /chat
        self._all_sockets = user_sockets  # those of all namespaces, for signals about accounts and sessions
        self._delivery = delivery  # the feeds of rooms

    def on_signal(self, signal: signals.Signal, *, already_member: bool = False) -> None:
        """Handle a signal, in the order of the bus. Must not block.

        `already_member`: the membership of a MemberJoined was cached before.
        """
        match signal:
            case signals.LogAdvanced():
                self._delivery.on_log_advanced(signal.room_id, signal.seq)
            case signals.SignalsLost():
                self._delivery.check_soon()
            case signals.RoomHint():
                self._on_room_hint(signal)
            case signals.UserHint():
                _emit_encoded(self._user_sockets(signal.user_id, signal.skip_socket), signal)
            case signals.MemberJoined():
                self._on_member_joined(signal, already_member=already_member)
            case signals.MemberChanged(muted=bool(muted)):
                others = self._user_sockets(signal.user_id, signal.skip_socket)
                _emit(others, events.RoomMutedHint(room_id=signal.room_id, muted=muted))
            case signals.PresenceChanged():
                self._on_presence_changed(signal)
            case signals.SessionEnded():
                self._on_session_ended(signal)
            case signals.AccountChanged():
                self._on_account_changed(signal)

    def _user_sockets(self, user_id: object, skip_socket: str | None) -> list[Connection]:
        return [each for each in self._connections.of_user(user_id) if each.sid != skip_socket]  # type: ignore[arg-type]

    def _on_room_hint(self, hint: signals.RoomHint) -> None:
        feed = self._delivery.feeds.get(hint.room_id)
        if feed is not None:
            audience = [
                each
                for each in feed.audience
                if each.user.id != hint.skip_user and each.sid not in hint.skip_sockets
            ]
            _emit_encoded(audience, hint)

    def emit_typing(self, room_id: UUID, user_id: UUID, typing: bool) -> None:  # noqa: FBT001 - as on the wire
        """Send the hint `typing` to the sockets of a room, except the user's own."""
        feed = self._delivery.feeds.get(room_id)
        if feed is not None:
            hint = events.TypingHint(room_id=room_id, user_id=user_id, typing=typing)
            _emit((each for each in feed.audience if each.user.id != user_id), hint)

    def _on_member_joined(self, signal: signals.MemberJoined, *, already_member: bool) -> None:
        joining = self._connections.by_sid.get(signal.skip_socket or "")
        if joining is not None and joining.in_membership_cache:  # first: its feed begins before the others'
            self._delivery.add_member(joining, signal.room_id, signal.seq)
        first_seq = signal.seq if signal.after is None else signal.after + 1
        for connection in self._user_sockets(signal.user_id, signal.skip_socket):
            if connection.awaiting_ready or (already_member and signal.room_id in connection.rooms):
                continue  # `ready` has the room, or this socket got `room:added` before
            connection.emit(events.RoomAddedHint(room=signal.room))
            self._delivery.add_member(connection, signal.room_id, first_seq)

    def _on_presence_changed(self, signal: signals.PresenceChanged) -> None:
        audience = set(self._connections.of_user(signal.user_id))
        for room_id in signal.room_ids:
            if (feed := self._delivery.feeds.get(room_id)) is not None:
                audience.update(feed.audience)
        hint = events.PresenceHint(
            user_id=signal.user_id,
            status=signal.status,  # type: ignore[arg-type]
            last_seen_at=signal.last_seen_at,
        )
        _emit(audience, hint)

    def _on_account_changed(self, signal: signals.AccountChanged) -> None:
        for connection in self._all_sockets.of_user(signal.user.id):
            connection.user = signal.user
            connection.ctx.role = signal.role

    def _on_session_ended(self, signal: signals.SessionEnded) -> None:
        """Close the sockets of a session, or of all sessions of a user, in all namespaces."""
        self._all_sockets.ended_sessions.record(signal.session_id or signal.user_id)
        for connection in self._all_sockets.of_user(signal.user_id):
            if signal.session_id is not None and connection.session_id != signal.session_id:
                continue
            if signal.code is CloseCode.SESSION_REVOKED:
                connection.emit(events.AuthRevoked(reason=SessionEndReason(signal.reason)))
                connection.close(signal.code, "The session was revoked.")
            else:
                connection.close(signal.code, signal.reason)

    def expel(self, user_id: UUID, room_id: UUID) -> None:
        """Remove all sockets of a user from a room whose membership ended earlier."""
        for connection in self._connections.of_user(user_id):
            if room_id in connection.rooms:
                self._delivery.expel(connection, room_id)


def _emit(connections: Iterable[Connection], hint: events.HintEvent) -> None:
    frame = None
    for connection in connections:
        frame = frame or frames.encode_event(NAMESPACE, hint)
        connection.send(frame, hint=True)


def _emit_encoded(connections: Iterable[Connection], hint: signals.RoomHint | signals.UserHint) -> None:
    """Send a hint that was received encoded, from an instance, or from an extension with its own name."""
    frame = None
    for connection in connections:
        frame = frame or frames.event(NAMESPACE, hint.event, encode(hint.payload).decode())
        connection.send(frame, hint=True)
