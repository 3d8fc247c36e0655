"""The membership cache, and the signals that keep it current."""

from uuid import UUID, uuid4

import pytest

from hubbub.cluster.bus import MemberChanged, SessionEnded, SignalsLost, UserHint
from hubbub.cluster.memory import MemoryBus
from hubbub.core import clock
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.events import ReadHint
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.schemas.users.users import User
from hubbub.services.instance import membership_cache as module
from hubbub.services.instance.cached_user import CachedMembership, CachedUser
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.instance.session_cache import AuthenticatedSession

ROOM = uuid4()


def new_user() -> User:
    return User(id=uuid4(), username="ada", display_name="Ada", avatar_url=None)


SESSION = uuid4()


def connected(user: User, session_id: UUID = SESSION, version: int = 0) -> AuthenticatedSession:
    now = clock.now()
    return AuthenticatedSession(user, session_id, "user", now, now, version)


def settled(residents: MembershipCache, user: User, room_id: UUID = ROOM) -> CachedUser:
    resident = residents.add_socket(connected(user))
    residents.set_membership(
        user.id, CachedMembership(room_id, "private", "member", muted=False, version=0), 2
    )
    resident.loaded = True
    return resident


def test_a_user_is_cached_until_a_minute_after_the_last_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    residents, user = MembershipCache(Rate(30, 10), MemoryBus()), new_user()
    residents.add_socket(connected(user))
    assert residents.get(user.id) is None, "their rooms are not known yet"
    settled(residents, user)

    residents.remove_socket(user.id, SESSION)
    assert residents.is_connected(user.id)
    residents.remove_socket(user.id, SESSION)
    residents.evict_expired()

    assert not residents.is_connected(user.id)
    assert len(residents) == 0
    assert residents.get(user.id) is not None, "they may be back in a moment"
    monkeypatch.setattr(module, "DISCONNECTED_TTL_S", 0.0)
    residents.evict_expired()
    assert residents.get(user.id) is None
    assert residents.rooms == {}


def test_a_user_who_disconnects_before_loading_is_removed_at_once() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    residents.add_socket(connected(user))

    residents.remove_socket(user.id, SESSION)

    assert list(residents.known_users()) == []


class Topics(MemoryBus):
    """Records which users' signals are subscribed."""

    def __init__(self) -> None:
        super().__init__()
        self.users: list[UUID] = []

    def subscribe_user(self, user_id: UUID) -> None:
        self.users.append(user_id)

    def unsubscribe_user(self, user_id: UUID) -> None:
        self.users.remove(user_id)


def test_a_cached_user_is_subscribed(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, user = Topics(), new_user()
    residents = MembershipCache(None, bus)
    settled(residents, user)
    residents.remove_socket(user.id, SESSION)
    residents.evict_expired()
    assert bus.users == [user.id]

    settled(residents, user)
    residents.remove_socket(user.id, SESSION)
    monkeypatch.setattr(module, "DISCONNECTED_TTL_S", 0.0)
    residents.evict_expired()
    assert bus.users == []

    settled(residents, user)
    residents.remove_socket(user.id, SESSION)
    residents.on_signal(
        SessionEnded(user.id, SESSION, CloseCode.SESSION_REVOKED, SessionEndReason.LOGGED_OUT)
    )
    assert bus.users == []


@pytest.mark.parametrize(("seq", "member"), [(6, True), (7, False), (9, False), (None, False)])
def test_a_late_signal_ends_no_newer_membership(seq: int | None, member: bool) -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    resident = settled(residents, user)
    resident.rooms[ROOM].joined_seq = 7

    residents.on_signal(MemberChanged(user.id, ROOM, ended=True, seq=seq))

    assert (ROOM in resident.rooms) == member


def test_the_cache_is_not_certain_after_lost_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    residents = MembershipCache(None, MemoryBus())
    seen = [residents.up_to_date]

    residents.on_signal(SignalsLost())
    seen.append(residents.up_to_date)
    monkeypatch.setattr(module, "UNCERTAIN_AFTER_LOSS_S", 0.0)
    seen.append(residents.up_to_date)
    residents.reconciled_at = clock.monotonic() - 60
    seen.append(residents.up_to_date)

    assert seen == [True, False, True, False]


def test_the_oldest_disconnected_users_are_evicted_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DISCONNECTED_USERS", 2)
    residents, users = MembershipCache(None, MemoryBus()), [new_user() for _ in range(4)]
    for user in users:
        settled(residents, user)
        residents.remove_socket(user.id, SESSION)

    residents.evict_expired()

    assert [residents.get(user.id) is not None for user in users] == [False, False, True, True]


def test_the_end_of_the_last_session_removes_the_user() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    settled(residents, user)
    residents.remove_socket(user.id, SESSION)

    residents.on_signal(
        SessionEnded(user.id, uuid4(), CloseCode.SESSION_REVOKED, SessionEndReason.ENDED_BY_USER)
    )
    assert residents.get(user.id) is not None
    residents.on_signal(
        SessionEnded(user.id, SESSION, CloseCode.SESSION_REVOKED, SessionEndReason.LOGGED_OUT)
    )

    assert residents.get(user.id) is None
    assert residents.rooms == {}


def test_an_old_entry_does_not_remove_a_new_membership() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    resident = settled(residents, user)
    resident.rooms[ROOM].joined_seq = 7

    assert not residents.end_membership(user.id, ROOM, 5)
    assert ROOM in resident.rooms
    assert residents.end_membership(user.id, ROOM, 9)
    assert ROOM not in resident.rooms
    assert resident.version == -1, "whether they are in again is to be found"


def test_changes_since_the_connect_can_be_found() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    resident = residents.add_socket(connected(user, version=5))

    residents.add_socket(connected(user, uuid4(), version=3))

    assert resident.version == 3


def test_a_short_disconnection_detects_read_marks() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    settled(residents, user)
    residents.on_signal(UserHint.of(user.id, ReadHint(room_id=ROOM, user_id=user.id, seq=1)))
    residents.remove_socket(user.id, SESSION)

    residents.add_socket(connected(user))
    absence = residents.record_reconnect(user.id, SESSION)
    residents.remove_socket(user.id, SESSION)
    residents.on_signal(UserHint.of(user.id, ReadHint(room_id=ROOM, user_id=user.id, seq=1)))
    residents.add_socket(connected(user))
    another = residents.record_reconnect(user.id, SESSION)

    assert absence is not None
    assert not absence.read_state_changed
    assert another is not None
    assert another.read_state_changed
    assert residents.record_reconnect(user.id, uuid4()) is None


def test_an_ended_membership_is_removed_and_reported() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    resident = settled(residents, user)
    before = resident.change_count

    residents.on_signal(MemberChanged(user.id, ROOM, ended=True))
    residents.on_signal(MemberChanged(user.id, ROOM, ended=True))

    assert resident.rooms == {}
    assert resident.change_count > before, "a reading that began before this is old"


def test_mute_and_role_are_independent() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    resident = settled(residents, user)

    residents.on_signal(MemberChanged(user.id, ROOM, muted=True))
    residents.on_signal(MemberChanged(user.id, ROOM, role="moderator"))

    assert (resident.rooms[ROOM].role, resident.rooms[ROOM].muted) == ("moderator", True)


def test_signals_about_other_users_are_ignored() -> None:
    residents = MembershipCache(None, MemoryBus())

    residents.on_signal(MemberChanged(uuid4(), ROOM, role="owner"))
    residents.on_signal(MemberChanged(uuid4(), ROOM, ended=True))
    residents.remove_socket(uuid4(), SESSION)
    residents.set_member_count(ROOM, 5)

    assert residents.rooms == {}
