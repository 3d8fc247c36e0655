"""What an instance knows by heart: the users who are connected to it, and their standing in their rooms.

Ordinary messages and reconnects cost no query. The bus keeps it true; about once a second it is compared with
the database (`truth`), and a write compares the room's `member_version` under the room's lock (`appender`).
"""

from collections.abc import Iterator
from uuid import UUID

from hubbub.cluster import bus as signals
from hubbub.core import clock
from hubbub.queries.sync.change_counters import KnownUser
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.schemas.events import ReadHint
from hubbub.services.instance.cached_user import CachedMembership, CachedRoom, CachedUser
from hubbub.services.instance.session_cache import AuthenticatedSession, CachedSession, Disconnection

DISCONNECTED_TTL_S = 60.0  # how long somebody without a socket is remembered
MAX_DISCONNECTED_USERS = 20_000  # how many are
UNCERTAIN_AFTER_LOSS_S = 10.0  # after a loss: others are probable
MAX_RECONCILIATION_AGE_S = 3.0  # without a comparison with the database; it comes several times as often


class MembershipCache:
    """The users who are connected here, or were a moment ago."""

    def __init__(self, message_rate: Rate | None, bus: signals.Bus) -> None:
        self._message_rate = message_rate
        self._bus = bus
        self._users: dict[UUID, CachedUser] = {}
        self._disconnected_at: dict[UUID, float] = {}  # without a socket since then, in the order of going
        self.rooms: dict[UUID, CachedRoom] = {}
        self.reconciled_at = clock.monotonic()
        self._signals_lost_at = float("-inf")  # when signals were, or may have been, lost

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._users) - len(self._disconnected_at)

    @property
    def recently_reconciled(self) -> bool:
        """Whether this was compared with the database a moment ago, and the process did not stand still."""
        return clock.monotonic() - self.reconciled_at < MAX_RECONCILIATION_AGE_S

    @property
    def up_to_date(self) -> bool:
        """Whether, besides, no signal was lost lately: what was received by now is all there is."""
        return self.recently_reconciled and clock.monotonic() - self._signals_lost_at > UNCERTAIN_AFTER_LOSS_S

    def record_signal_loss(self) -> None:
        """Signals were lost, or may have been."""
        self._signals_lost_at = clock.monotonic()

    def get(self, user_id: UUID) -> CachedUser | None:
        """The user, if their memberships are known."""
        cached = self._users.get(user_id)
        return cached if cached is not None and cached.loaded else None

    def get_any(self, user_id: UUID) -> CachedUser | None:
        """The user, however much is known of them."""
        return self._users.get(user_id)

    def is_connected(self, user_id: UUID) -> bool:
        """Whether the user has a socket here."""
        return user_id in self._users and user_id not in self._disconnected_at

    # Coming and going.

    def add_socket(self, authenticated: AuthenticatedSession) -> CachedUser:
        """One more socket of this user; must be paired with `leave`."""
        user = authenticated.user
        cached = self._users.get(user.id)
        if cached is None:
            cached = CachedUser(
                user, SingleKeyLimiter(self._message_rate), authenticated.version, authenticated.read_version
            )
            self._users[user.id] = cached
            self._bus.subscribe_user(user.id)  # for as long as anything is remembered
        self._disconnected_at.pop(user.id, None)
        cached.socket_count += 1
        # What changed between the admission and now is still to be found, by a comparison that begins now.
        cached.version = min(cached.version, authenticated.version)
        cached.change_count += 1
        if authenticated.session_id not in cached.sessions:
            cached.sessions[authenticated.session_id] = CachedSession(
                authenticated.role, authenticated.created_at
            )
        return cached

    def remove_socket(self, user_id: UUID, session_id: UUID) -> None:
        """One socket less. The last one takes the user's knowledge with it, in a while."""
        cached = self._users.get(user_id)
        if cached is None:
            return
        cached.socket_count -= 1
        if (session := cached.sessions.get(session_id)) is not None:
            session.record_disconnect()
        if cached.socket_count > 0:
            return
        if cached.loaded and cached.sessions:
            self._disconnected_at[user_id] = clock.monotonic()
        else:
            self._evict(cached)

    def evict_expired(self) -> None:
        """Forget who is gone for long."""
        now = clock.monotonic()
        for user_id, disconnected_at in list(self._disconnected_at.items()):
            if (
                now - disconnected_at < DISCONNECTED_TTL_S
                and len(self._disconnected_at) <= MAX_DISCONNECTED_USERS
            ):
                break
            self._evict(self._users[user_id])

    def reset(self) -> None:
        """Forget everything but which sockets there are: it was read in a history that is no more."""
        self.evict_disconnected()
        for cached in self._users.values():
            for room_id in list(cached.rooms):
                self._drop_membership(cached, room_id)
            cached.sessions.clear()
            cached.recent_client_ids.clear()
            cached.loaded = False
            cached.change_count += 1

    def mark_all_stale(self) -> None:
        """Forget who has no socket here, and have everything else compared with the database."""
        self.evict_disconnected()
        for cached in self._users.values():
            cached.recent_client_ids.clear()
            cached.version = -1

    def evict_disconnected(self) -> None:
        """Forget who has no socket here."""
        for user_id in list(self._disconnected_at):
            self._evict(self._users[user_id])

    def _evict(self, cached: CachedUser) -> None:
        for room_id in list(cached.rooms):
            self._drop_membership(cached, room_id)
        del self._users[cached.user.id]
        self._bus.unsubscribe_user(cached.user.id)
        self._disconnected_at.pop(cached.user.id, None)

    def record_reconnect(self, user_id: UUID, session_id: UUID) -> Disconnection | None:
        """Since when a socket of this session that comes back may have missed something; None: not known."""
        cached = self._users.get(user_id)
        session = cached.sessions.get(session_id) if cached is not None else None
        return (
            session.record_reconnect(cached.read_state_changed_at)
            if cached is not None and session is not None
            else None
        )

    # What is known.

    def known_users(self) -> Iterator[KnownUser]:
        """Everybody, with the counters to compare."""
        for user_id, cached in self._users.items():
            yield KnownUser(user_id, cached.version, cached.read_version)

    def set_membership(self, user_id: UUID, membership: CachedMembership, member_count: int) -> None:
        """A membership as the database has it."""
        cached = self._users.get(user_id)
        if cached is None:
            return
        cached.rooms[membership.room_id] = membership
        room = self.rooms.setdefault(membership.room_id, CachedRoom(membership.kind, member_count))
        room.member_count = member_count
        room.users.add(user_id)

    def remove_membership(self, user_id: UUID, room_id: UUID) -> None:
        """The membership is over."""
        if (cached := self._users.get(user_id)) is not None:
            cached.change_count += 1
            self._drop_membership(cached, room_id)

    def end_membership(self, user_id: UUID, room_id: UUID, seq: int) -> bool:
        """The entry `seq` ended a membership of the user: are they out, or in again since?"""
        cached = self._users.get(user_id)
        membership = cached.rooms.get(room_id) if cached is not None else None
        if cached is None or membership is None:
            return True
        if membership.joined_seq > seq:
            return False
        self.remove_membership(user_id, room_id)
        cached.version = -1  # they may be in again for all that is known here: to be compared
        return True

    def set_member_count(self, room_id: UUID, member_count: int) -> None:
        """How many members a room has now; asked for once a second, which is exact enough for audiences."""
        if (room := self.rooms.get(room_id)) is not None:
            room.member_count = member_count

    def _drop_membership(self, cached: CachedUser, room_id: UUID) -> None:
        cached.rooms.pop(room_id, None)
        room = self.rooms.get(room_id)
        if room is not None:
            room.users.discard(cached.user.id)
            if not room.users:
                del self.rooms[room_id]

    # What the bus says.

    def already_cached(self, signal: signals.MemberJoined) -> bool:
        """Whether this membership is known already: the database was quicker than the signal."""
        membership = self._membership(signal.user_id, signal.room_id)
        return membership is not None and membership.joined_seq >= signal.seq

    def _membership(self, user_id: UUID, room_id: UUID) -> CachedMembership | None:
        cached = self._users.get(user_id)
        return cached.rooms.get(room_id) if cached is not None else None

    def on_signal(self, signal: signals.Signal) -> None:
        """Keep what is known true. First listener of the bus: the others may rely on it."""
        match signal:
            case signals.MemberJoined():
                self._on_member_joined(signal)
            case signals.MemberChanged():
                self._on_member_changed(signal)
            case signals.UserHint(event=ReadHint.event_name):
                self._on_read(signal.user_id)
            case signals.SessionEnded():
                self._on_session_ended(signal)
            case signals.AccountChanged():
                self._on_account_changed(signal)
            case signals.SignalsLost():
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
            cached.read_version += 1  # as in the database: then there is nothing to find
            cached.read_state_changed_at = clock.monotonic()

    def _on_session_ended(self, signal: signals.SessionEnded) -> None:
        cached = self._users.get(signal.user_id)
        if cached is None:
            return
        for session_id in [signal.session_id] if signal.session_id else list(cached.sessions):
            cached.sessions.pop(session_id, None)
        if not cached.sessions and signal.user_id in self._disconnected_at:
            self._evict(cached)

    def _on_account_changed(self, signal: signals.AccountChanged) -> None:
        if (cached := self._users.get(signal.user.id)) is not None:
            cached.user = signal.user
            for session in cached.sessions.values():
                session.role = signal.role
