"""Memberships that were read with the session of a user who was not cached."""

from collections.abc import Callable

import pytest

from hubbub.cluster.bus import MemberChanged, SignalsLost
from hubbub.cluster.memory import MemoryBus
from hubbub.queries.sync.change_counters import MembershipRow
from hubbub.schemas.users.users import User
from hubbub.services.instance import loaded_memberships
from hubbub.services.instance.loaded_memberships import LoadedMemberships
from hubbub.services.instance.membership_cache import MembershipCache
from tests.services.instance.test_membership_cache import ROOM, connected, new_user


def loaded(residents: MembershipCache) -> LoadedMemberships:
    row = MembershipRow(ROOM, "private", "member", muted=False, joined_seq=1, version=1, member_count=2)
    return LoadedMemberships(residents.signal_count, [row])


def test_memberships_that_were_read_with_the_session_are_adopted() -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    read = loaded(residents)

    resident = residents.add_socket(connected(user))
    loaded_memberships.adopt(residents, resident, None)
    assert not resident.loaded
    loaded_memberships.adopt(residents, resident, read)

    assert (resident.loaded, list(resident.rooms), len(residents.rooms)) == (True, [ROOM], 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda it, user: it.on_signal(MemberChanged(user.id, ROOM, ended=True)),
        lambda it, user: it.on_signal(MemberChanged(user.id, ROOM, role="owner")),
        lambda it, _: it.on_signal(SignalsLost()),
        lambda it, _: it.reset(),
        lambda it, _: it.mark_all_stale(),
        lambda it, user: it.add_socket(connected(user)),
    ],
    ids=["ended", "changed", "lost", "epoch", "claim", "cached"],
)
def test_memberships_that_may_be_outdated_are_not_adopted(
    change: Callable[[MembershipCache, User], object],
) -> None:
    residents, user = MembershipCache(None, MemoryBus()), new_user()
    read = loaded(residents)
    change(residents, user)

    resident = residents.add_socket(connected(user))
    loaded_memberships.adopt(residents, resident, read)

    assert not resident.loaded
    assert dict(resident.rooms) == {}
