"""In-memory cache of the connected users and their memberships. Evicts users who disconnected.

Ordinary messages and reconnects cost no query. Bus signals update the cache. The reconciler compares it with
the database about once a second, and a write compares the room's `member_version` under the room's lock
(`services/eventlog/batches.py`).
"""

from collections.abc import Iterator
from uuid import UUID

from hubbub.cluster import bus as signals
from hubbub.core import clock
from hubbub.queries.sync.change_counters import KnownUser
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.events import ReadHint
from hubbub.services.instance.cached_user import CachedMembership, CachedRoom, CachedUser
from hubbub.services.instance.session_cache import AuthenticatedSession, Disconnection

DISCONNECTED_TTL_S = 60.0  # how long a user without a socket stays cached
MAX_DISCONNECTED_USERS = 20_000  # cached users without a socket
UNCERTAIN_AFTER_LOSS_S = 10.0  # further losses are likely within this time after one
_ROLES = {role: role for role in ("owner", "moderator", "member")}
_KINDS = {kind: kind for kind in ("public", "private", "direct")}  # one text of each for all
MAX_RECONCILIATION_AGE_S = 3.0  # several times the interval of the reconciler


class MembershipCache:
    """The users who have a socket on this instance, or had one at most a minute ago."""

    def __init__(self, message_rate: Rate | None, bus: signals.Bus) -> None:
        self.message_rate = message_rate  # limit of messages per user; None: unlimited
        self._bus = bus  # cached users are subscribed to
        self._users: dict[UUID, CachedUser] = {}  # all cached users
        self._disconnected_at: dict[UUID, float] = {}  # monotonic; users without a socket, longest first
        self.rooms: dict[UUID, CachedRoom] = {}  # rooms that have a cached member
        self.reconciled_at = clock.monotonic()  # monotonic time of the last comparison with the database
        self._signals_lost_at = float("-inf")  # monotonic time of the last possible loss of signals
        self.signal_count = 0  # signals about memberships of any user, and changes of the epoch

    def __len__(self) -> int:
        """Return the number of users with a socket."""
        return len(self._users) - len(self._disconnected_at)

    @property
    def recently_reconciled(self) -> bool:
        """Whether the cache was compared with the database within 3 s. False after a suspended process."""
        return clock.monotonic() - self.reconciled_at < MAX_RECONCILIATION_AGE_S

    @property
    def up_to_date(self) -> bool:
        """Whether the cache was reconciled recently and no signal was lost in the last 10 s."""
        return self.recently_reconciled and clock.monotonic() - self._signals_lost_at > UNCERTAIN_AFTER_LOSS_S

    def record_signal_loss(self) -> None:
        """Record that signals were lost, or may have been."""
        self._signals_lost_at = clock.monotonic()

    def get(self, user_id: UUID) -> CachedUser | None:
        """Return the user if their memberships are loaded, else None."""
        cached = self._users.get(user_id)
        return cached if cached is not None and cached.loaded else None

    def get_any(self, user_id: UUID) -> CachedUser | None:
        """Return the cached user, even if their memberships are not loaded."""
        return self._users.get(user_id)

    def is_connected(self, user_id: UUID) -> bool:
        """Return whether the user has a socket on this instance."""
        return user_id in self._users and user_id not in self._disconnected_at

    # Sockets.

    def add_socket(self, authenticated: AuthenticatedSession) -> CachedUser:
        """Count one more socket of this user. Each call is paired with one of `remove_socket`."""
        user = authenticated.user
        cached = self._users.get(user.id)
        if cached is None:
            cached = CachedUser(user, authenticated.version, authenticated.read_version)
            self._users[user.id] = cached
            self._bus.subscribe_user(user.id)  # until the user is evicted
        self._disconnected_at.pop(user.id, None)
        cached.socket_count += 1
        # The older version counts, so that the next comparison finds changes since the authentication.
        cached.version = min(cached.version, authenticated.version)
        cached.change_count += 1
        cached.add_session(authenticated)
        return cached

    def remove_socket(self, user_id: UUID, session_id: UUID, *, received_rooms: bool = True) -> None:
        """Count one socket less; one that `received_rooms` may reconnect with its cursors.

        A user without sockets is evicted after a minute.
        """
        cached = self._users.get(user_id)
        if cached is None:
            return
        cached.socket_count -= 1
        if received_rooms and (session := cached.session(session_id)) is not None:
            session.record_disconnect()
        if cached.socket_count > 0:
            return
        if cached.loaded and cached.sessions:
            self._disconnected_at[user_id] = clock.monotonic()
        else:
            self._evict(cached)

    def evict_expired(self) -> None:
        """Evict users without a socket: after a minute, and the longest disconnected ones above the limit."""
        now = clock.monotonic()
        for user_id, disconnected_at in list(self._disconnected_at.items()):
            if (
                now - disconnected_at < DISCONNECTED_TTL_S
                and len(self._disconnected_at) <= MAX_DISCONNECTED_USERS
            ):
                break
            self._evict(self._users[user_id])

    def reset(self) -> None:
        """Drop everything except the open sockets.

        Called when the epoch changed: the data belongs to the old one.
        """
        self.signal_count += 1  # so does what is being read
        self.evict_disconnected()
        for cached in self._users.values():
            for room_id in list(cached.rooms):
                self._drop_membership(cached, room_id)
            cached.end_session(None)
            cached.forget_client_ids()
            cached.loaded = False
            cached.change_count += 1

    def mark_all_stale(self) -> None:
        """Evict users without a socket, and let the reconciler compare all others with the database."""
        self.signal_count += 1
        self.evict_disconnected()
        for cached in self._users.values():
            cached.forget_client_ids()
            cached.version = -1

    def evict_disconnected(self) -> None:
        """Evict all users without a socket."""
        for user_id in list(self._disconnected_at):
            self._evict(self._users[user_id])

    def _evict(self, cached: CachedUser) -> None:
        for room_id in list(cached.rooms):
            self._drop_membership(cached, room_id)
        del self._users[cached.user.id]
        self._bus.unsubscribe_user(cached.user.id)
        self._disconnected_at.pop(cached.user.id, None)

    def record_reconnect(self, user_id: UUID, session_id: UUID) -> Disconnection | None:
        """Return since when a reconnecting socket of this session may have missed events; None: unknown."""
        cached = self._users.get(user_id)
        session = cached.session(session_id) if cached is not None else None
        return (
            session.record_reconnect(cached.read_state_changed_at)
            if cached is not None and session is not None
            else None
        )

    # Memberships.

    def known_users(self) -> Iterator[KnownUser]:
        """Yield all cached users with the counters to compare."""
        for user_id, cached in self._users.items():
            yield KnownUser(user_id, cached.version, cached.read_version)

    def set_membership(self, user_id: UUID, membership: CachedMembership, member_count: int) -> None:
        """Store a membership as the database has it. Does nothing for a user who is not cached."""
        cached = self._users.get(user_id)
        if cached is None:
            return
        room = self.rooms.get(membership.room_id)
        if room is None:
            room = self.rooms[membership.room_id] = CachedRoom(
                membership.room_id, _KINDS.get(membership.kind, membership.kind), member_count
            )
        # The members of a room share its id and texts, which each row brings anew.
        membership.room_id, membership.kind = room.id, room.kind
        membership.role = _ROLES.get(membership.role, membership.role)
        room.cached_count += cached.membership(room.id) is None
        cached.rooms[room.id] = membership
        room.member_count = member_count

    def remove_membership(self, user_id: UUID, room_id: UUID) -> None:
        """Remove a membership that ended."""
        if (cached := self._users.get(user_id)) is not None:
            cached.change_count += 1
            self._drop_membership(cached, room_id)

    def end_membership(self, user_id: UUID, room_id: UUID, seq: int) -> bool:
        """Remove the membership that entry `seq` ended; return False if the user has joined again since."""
        cached = self._users.get(user_id)
        membership = cached.membership(room_id) if cached is not None else None
        if cached is None or membership is None:
            return True
        if membership.joined_seq > seq:
            return False
        self.remove_membership(user_id, room_id)
        cached.version = -1  # the user may have joined again unnoticed: compare
        return True

    def set_member_count(self, room_id: UUID, member_count: int) -> None:
        """Store the number of members of a room.

        It is read once a second, which is exact enough for audiences.
        """
        if (room := self.rooms.get(room_id)) is not None:
            room.member_count = member_count

    def _drop_membership(self, cached: CachedUser, room_id: UUID) -> None:
        if cached.rooms.pop(room_id, None) is None:
            return
        room = self.rooms[room_id]
        room.cached_count -= 1
        if not room.cached_count:
            del self.rooms[room_id]

    # Signals of the bus.

    def already_cached(self, signal: signals.MemberJoined) -> bool:
        """Return whether the membership is cached: the database was read before the signal arrived."""
        membership = self._membership(signal.user_id, signal.room_id)
        return membership is not None and membership.joined_seq >= signal.seq

    def _membership(self, user_id: UUID, room_id: UUID) -> CachedMembership | None:
        cached = self._users.get(user_id)
        return cached.membership(room_id) if cached is not None else None

    def on_signal(self, signal: signals.Signal) -> None:
        """Apply a signal to the cache.

        It is the first listener of the bus, so that the others see its result.
        """
        match signal:
            case signals.MemberJoined():
                self.signal_count += 1
                self._on_member_joined(signal)
            case signals.MemberChanged():
                self.signal_count += 1
                self._on_member_changed(signal)
            case signals.UserHint(event=ReadHint.event_name):
                self._on_read(signal.user_id)
            case signals.SessionEnded():
                self._on_session_ended(signal)
            case signals.AccountChanged():
                self._on_account_changed(signal)
            case signals.SignalsLost():
                self.signal_count += 1
                self.record_signal_loss()

    def _on_member_joined(self, signal: signals.MemberJoined) -> None:
        cached = self._users.get(signal.user_id)
        if cached is None or signal.room.my is None or self.already_cached(signal):
            return
        own = signal.room.my
        cached.change_count += 1
        membership = CachedMembership(
            signal.room_id, signal.room.kind, own.role, own.muted, signal.version, joined_seq=signal.seq
        )
        self.set_membership(signal.user_id, membership, signal.room.member_count)

    def _on_member_changed(self, signal: signals.MemberChanged) -> None:
        cached = self._users.get(signal.user_id)
        membership = self._membership(signal.user_id, signal.room_id)
        if signal.ended:
            if membership is None or signal.seq is None or membership.joined_seq <= signal.seq:
                self.remove_membership(signal.user_id, signal.room_id)
        elif cached is not None and membership is not None:
            self._update_membership(cached, membership, signal)

    def _update_membership(
        self, cached: CachedUser, membership: CachedMembership, signal: signals.MemberChanged
    ) -> None:
        cached.change_count += 1
        membership.role = signal.role or membership.role
        if signal.muted is not None:
            membership.muted = signal.muted
            cached.read_state_changed_at = clock.monotonic()

    def _on_read(self, user_id: UUID) -> None:
        if (cached := self._users.get(user_id)) is not None:
            cached.read_version += 1  # like the row, so that the reconciler finds no difference
            cached.read_state_changed_at = clock.monotonic()

    def _on_session_ended(self, signal: signals.SessionEnded) -> None:
        cached = self._users.get(signal.user_id)
        if cached is None:
            return
        cached.end_session(signal.session_id)
        if not cached.sessions and signal.user_id in self._disconnected_at:
            self._evict(cached)

    def _on_account_changed(self, signal: signals.AccountChanged) -> None:
        if (cached := self._users.get(signal.user.id)) is not None:
            cached.user = signal.user
            for session in cached.sessions:
                session.role = signal.role
