"""What an instance knows by heart, and how signals keep it true."""

from uuid import UUID, uuid4

import pytest

from hubbub.cluster.bus import MemberChanged, SessionEnded, SignalsLost, UserHint
from hubbub.cluster.memory import MemoryBus
from hubbub.core import clock
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.users.users import User
from hubbub.services.instance import membership_cache as module
from hubbub.services.instance.cached_user import CachedMembership, CachedUser
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.instance.session_cache import AuthenticatedSession

ROOM = uuid4()


def someone() -> User:
    return User(id=uuid4(), username="ada", display_name="Ada", avatar_url=None)


SESSION = uuid4()


def admitted(user: User, session_id: UUID = SESSION, version: int = 0) -> AuthenticatedSession:
    now = clock.now()
    return AuthenticatedSession(user, session_id, "user", now, now, version)


def settled(residents: MembershipCache, user: User, room_id: UUID = ROOM) -> CachedUser:
    resident = residents.enter(admitted(user))
    residents.learn(user.id, CachedMembership(room_id, "private", "member", muted=False, version=0), 2)
    resident.loaded = True
    return resident


def test_somebody_is_known_from_the_end_of_loading_to_a_minute_after_the_last_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    residents, user = MembershipCache(Rate(30, 10), MemoryBus()), someone()
    residents.enter(admitted(user))
    assert residents.get(user.id) is None, "their rooms are not known yet"
    settled(residents, user)

    residents.leave(user.id, SESSION)
    assert residents.present(user.id)
    residents.leave(user.id, SESSION)
    residents.tidy()

    assert not residents.present(user.id)
    assert len(residents) == 0
    assert residents.get(user.id) is not None, "they may be back in a moment"
    monkeypatch.setattr(module, "LINGER_S", 0.0)
    residents.tidy()
    assert residents.get(user.id) is None
    assert residents.rooms == {}


def test_whoever_left_before_their_rooms_were_known_is_forgotten_at_once() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    residents.enter(admitted(user))

    residents.leave(user.id, SESSION)

    assert list(residents.seen()) == []


class Topics(MemoryBus):
    """Knows which users' signals are received."""

    def __init__(self) -> None:
        super().__init__()
        self.users: list[UUID] = []

    def follow_user(self, user_id: UUID) -> None:
        self.users.append(user_id)

    def unfollow_user(self, user_id: UUID) -> None:
        self.users.remove(user_id)


def test_a_user_is_subscribed_for_as_long_as_anything_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, user = Topics(), someone()
    residents = MembershipCache(None, bus)
    settled(residents, user)
    residents.leave(user.id, SESSION)
    residents.tidy()
    assert bus.users == [user.id]

    settled(residents, user)
    residents.leave(user.id, SESSION)
    monkeypatch.setattr(module, "LINGER_S", 0.0)
    residents.tidy()
    assert bus.users == []

    settled(residents, user)
    residents.leave(user.id, SESSION)
    residents.hear(SessionEnded(user.id, SESSION, "session_revoked", "logged_out"))
    assert bus.users == []


@pytest.mark.parametrize(("seq", "member"), [(6, True), (7, False), (9, False), (None, False)])
def test_a_late_signal_ends_no_younger_membership(seq: int | None, member: bool) -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    resident = settled(residents, user)
    resident.rooms[ROOM].since = 7

    residents.hear(MemberChanged(user.id, ROOM, ended=True, seq=seq))

    assert (ROOM in resident.rooms) == member


def test_memory_is_not_certain_after_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    residents = MembershipCache(None, MemoryBus())
    seen = [residents.certain]

    residents.hear(SignalsLost())
    seen.append(residents.certain)
    monkeypatch.setattr(module, "DOUBT_S", 0.0)
    seen.append(residents.certain)
    residents.checked_at = clock.monotonic() - 60
    seen.append(residents.certain)

    assert seen == [True, False, True, False]


def test_of_too_many_who_left_the_first_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGERING", 2)
    residents, people = MembershipCache(None, MemoryBus()), [someone() for _ in range(4)]
    for user in people:
        settled(residents, user)
        residents.leave(user.id, SESSION)

    residents.tidy()

    assert [residents.get(user.id) is not None for user in people] == [False, False, True, True]


def test_the_end_of_the_last_session_is_the_end_of_what_is_remembered() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    settled(residents, user)
    residents.leave(user.id, SESSION)

    residents.hear(SessionEnded(user.id, uuid4(), "session_revoked", "another one"))
    assert residents.get(user.id) is not None
    residents.hear(SessionEnded(user.id, SESSION, "session_revoked", "logged_out"))

    assert residents.get(user.id) is None
    assert residents.rooms == {}


def test_who_is_in_again_is_not_thrown_out_by_an_old_entry() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    resident = settled(residents, user)
    resident.rooms[ROOM].since = 7

    assert not residents.ended(user.id, ROOM, 5)
    assert ROOM in resident.rooms
    assert residents.ended(user.id, ROOM, 9)
    assert ROOM not in resident.rooms
    assert resident.version == -1, "whether they are in again is to be found"


def test_what_changed_since_somebody_was_admitted_is_still_to_be_found() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    resident = residents.enter(admitted(user, version=5))

    residents.enter(admitted(user, uuid4(), version=3))

    assert resident.version == 3


def test_a_short_absence_knows_whether_anything_was_read_meanwhile() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    settled(residents, user)
    residents.hear(UserHint(user.id, "read", {}))
    residents.leave(user.id, SESSION)

    residents.enter(admitted(user))
    absence = residents.came_back(user.id, SESSION)
    residents.leave(user.id, SESSION)
    residents.hear(UserHint(user.id, "read", {}))
    residents.enter(admitted(user))
    another = residents.came_back(user.id, SESSION)

    assert absence is not None
    assert not absence.marked
    assert another is not None
    assert another.marked
    assert residents.came_back(user.id, uuid4()) is None


def test_an_ended_membership_is_forgotten_and_noticed() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    resident = settled(residents, user)
    before = resident.changes

    residents.hear(MemberChanged(user.id, ROOM, ended=True))
    residents.hear(MemberChanged(user.id, ROOM, ended=True))

    assert resident.rooms == {}
    assert resident.changes > before, "a reading that began before this is old"


def test_muting_leaves_the_role_and_a_role_leaves_the_muting() -> None:
    residents, user = MembershipCache(None, MemoryBus()), someone()
    resident = settled(residents, user)

    residents.hear(MemberChanged(user.id, ROOM, muted=True))
    residents.hear(MemberChanged(user.id, ROOM, role="moderator"))

    assert (resident.rooms[ROOM].role, resident.rooms[ROOM].muted) == ("moderator", True)


def test_signals_about_strangers_are_nothing() -> None:
    residents = MembershipCache(None, MemoryBus())

    residents.hear(MemberChanged(uuid4(), ROOM, role="owner"))
    residents.hear(MemberChanged(uuid4(), ROOM, ended=True))
    residents.leave(uuid4(), SESSION)
    residents.counted(ROOM, 5)

    assert residents.rooms == {}
