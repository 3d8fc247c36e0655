"""A cached user: memberships, sessions, and exactly the newest 64 client_ids, in 16 bytes each."""

import gc
import random
import sys
from uuid import UUID, uuid4

import pytest

from hubbub.core import clock
from hubbub.schemas.users.users import User
from hubbub.services.instance.cached_user import MAX_RECENT_CLIENT_IDS, CachedMembership, CachedUser
from hubbub.services.instance.session_cache import AuthenticatedSession

MAX_BYTES = 1100  # of the ids of one user
MAX_IDLE_BYTES = 300  # of a user in one room who never sent anything, without the texts of the profile


@pytest.fixture
def cached_user() -> CachedUser:
    user = User(id=uuid4(), username="ada", display_name="Ada", avatar_url=None)
    return CachedUser(user, version=0, read_version=0)


def test_the_newest_are_remembered_and_older_ones_forgotten(cached_user: CachedUser) -> None:
    ids = [uuid4() for _ in range(3 * MAX_RECENT_CLIENT_IDS)]
    for number, client_id in enumerate(ids, 1):
        assert not cached_user.has_recent_client_id(client_id)
        cached_user.add_recent_client_id(client_id)
        first_kept = max(0, number - MAX_RECENT_CLIENT_IDS)
        assert all(cached_user.has_recent_client_id(each) for each in ids[first_kept:number])
        assert not any(cached_user.has_recent_client_id(each) for each in ids[:first_kept])

    assert sys.getsizeof(cached_user._recent_client_ids) <= MAX_BYTES


def test_a_repetition_displaces_no_other(cached_user: CachedUser) -> None:
    ids = [uuid4() for _ in range(MAX_RECENT_CLIENT_IDS)]
    for client_id in ids:
        cached_user.add_recent_client_id(client_id)

    for client_id in ids * 2:
        cached_user.add_recent_client_id(client_id)

    assert all(cached_user.has_recent_client_id(each) for each in ids)


def test_ids_of_few_different_bytes_are_compared_as_a_whole(cached_user: CachedUser) -> None:
    """A client chooses its ids. One that lies across two stored ones is not a stored one."""
    seed = random.randrange(1 << 30)
    generator = random.Random(seed)

    def few() -> UUID:
        return UUID(
            bytes=bytes(generator.choice((0, 1)) for _ in range(16))
            if generator.random() < 0.5
            else bytes(16 - (at := generator.randrange(16))) + b"\x01" * at
        )

    model: list[UUID] = []
    for _ in range(2000):
        client_id = few()
        assert cached_user.has_recent_client_id(client_id) == (client_id in model), seed
        cached_user.add_recent_client_id(client_id)
        if client_id not in model:
            model = [*model[-(MAX_RECENT_CLIENT_IDS - 1) :], client_id]


def test_forgetting_forgets_all(cached_user: CachedUser) -> None:
    client_id = uuid4()
    cached_user.add_recent_client_id(client_id)

    cached_user.forget_client_ids()

    assert not cached_user.has_recent_client_id(client_id)


def test_memberships_are_those_of_a_dictionary(cached_user: CachedUser) -> None:
    """One membership is kept without a dictionary, several are kept in one."""
    seed = random.randrange(1 << 30)
    generator, model = random.Random(seed), dict[UUID, CachedMembership]()
    room_ids = [uuid4() for _ in range(4)]

    for _ in range(500):
        room_id = generator.choice(room_ids)
        if generator.random() < 0.5:
            membership = CachedMembership(UUID(str(room_id)), "private", "member", muted=False, version=1)
            cached_user.rooms[room_id] = model[room_id] = membership
        else:
            assert cached_user.rooms.pop(room_id, None) is model.pop(room_id, None), seed
        assert (dict(cached_user.rooms), len(cached_user.rooms)) == (model, len(model)), seed
        assert [cached_user.membership(each) is model.get(each) for each in room_ids] == [True] * 4, seed

    assert set(cached_user.rooms) == set(model), seed


def test_sessions_are_added_once_and_end_alone(cached_user: CachedUser) -> None:
    now, ids = clock.now(), [uuid4() for _ in range(3)]
    for session_id in [*ids, ids[1]]:
        cached_user.add_session(AuthenticatedSession(cached_user.user, session_id, "user", now, now))
    assert [each.id for each in cached_user.sessions] == ids

    cached_user.end_session(ids[0])
    cached_user.end_session(uuid4())
    assert [each.id for each in cached_user.sessions] == ids[1:]
    assert (cached_user.session(ids[0]), cached_user.session(ids[2])) == (None, cached_user.sessions[1])

    cached_user.end_session(None)
    assert cached_user.sessions == ()


def test_the_state_of_an_idle_user_is_small_and_not_tracked(cached_user: CachedUser) -> None:
    """The state of one user in one room with one session, without the texts of the profile."""
    now, session_id = clock.now(), uuid4()
    cached_user.add_session(AuthenticatedSession(cached_user.user, session_id, "user", now, now))
    room_id = uuid4()
    cached_user.rooms[room_id] = CachedMembership(room_id, "private", "member", muted=False, version=1)
    parts = [cached_user, cached_user.user, *cached_user.sessions, cached_user.membership(room_id)]

    assert not any(map(gc.is_tracked, parts))
    assert sum(map(sys.getsizeof, parts)) <= MAX_IDLE_BYTES
