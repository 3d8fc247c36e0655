"""Puts memberships that were read from the database into the cache."""

from collections.abc import Iterable
from typing import NamedTuple

from hubbub.queries.sync.change_counters import MembershipRow
from hubbub.services.instance.cached_user import CachedMembership, CachedUser
from hubbub.services.instance.membership_cache import MembershipCache


class LoadedMemberships(NamedTuple):
    """All memberships of a user who was not cached when they were read."""

    signal_count: int  # of the cache, before they were read
    rows: list[MembershipRow]


def adopt(cache: MembershipCache, cached: CachedUser, loaded: LoadedMemberships | None) -> None:
    """Use memberships that were read before the user was cached, unless they may have changed since."""
    is_new = cached.socket_count == 1 and not cached.loaded
    if loaded is not None and is_new and loaded.signal_count == cache.signal_count:
        store(cache, cached, loaded.rows)


def store(cache: MembershipCache, cached: CachedUser, rows: Iterable[MembershipRow]) -> None:
    """Store all memberships of a user, as the database has them."""
    for row in rows:
        membership = CachedMembership(row.room_id, row.kind, row.role, row.muted, row.version, row.joined_seq)
        cache.set_membership(cached.user.id, membership, row.member_count)
    cached.loaded = True
