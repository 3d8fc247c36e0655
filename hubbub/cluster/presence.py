"""Presence: the statuses of users across all instances, and the instances themselves."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

ACTIVITY_TTL_S = 120  # for which it is kept that a user sent something

OnChange = Callable[[list[UUID], str | None], Awaitable[None]]


class Instance(NamedTuple):
    """The description that an instance gives of itself."""

    id: str  # `HUBBUB_INSTANCE_ID`
    started_at: str  # RFC 3339
    connections: int  # open sockets
    users: int  # connected users
    rooms: int  # rooms with members that are connected to it
    draining: bool  # whether it shuts down


class Instances(NamedTuple):
    """The known instances. `complete` is false while the shared store is unavailable."""

    known: list[Instance]
    complete: bool


Describe = Callable[[], Instance]


class Presence(Protocol):
    """Statuses of the users that have a socket on any instance.

    `mark_connected`, `mark_disconnected` and `set_status` raise Unavailable while the shared store is
    unavailable. They may be called again.
    """

    def register_instance(self, describe: Describe) -> None:
        """Set the description of this instance. Called before `start`."""

    async def instances(self) -> Instances:
        """Return all live instances that describe themselves: this one first, the others as last stored."""

    def start(self, on_change: OnChange) -> None:
        """Start, without waiting for the shared store. The other methods wait for the first attempt.

        `on_change` is called with users whose status changed without a call on this instance. Its second
        argument is their status, or None if each has its own, which `get` returns.
        """

    async def close(self) -> bool:
        """Stop. Return whether other instances will publish which users of this one went offline."""

    def expect_connected(self, user_id: UUID) -> None:
        """Keep the status that a user with a socket here sets before `mark_connected`, which must follow."""

    async def mark_connected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        """Record users that have a socket here now. Return those that were offline and are now `online`."""

    async def mark_disconnected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        """Record users that have no socket here any more. Return those that are on no instance now."""

    async def set_status(self, user_id: UUID, status: str) -> bool:
        """Set a connected user's status to `online`, `away` or `busy`. Return whether it changed."""

    def set_status_immediate(self, user_id: UUID, status: str) -> bool | None:
        """Do what `set_status` does if the statuses are in memory; else nothing, and return None."""

    async def mark_active(self, user_ids: Iterable[UUID]) -> None:
        """Record that these users sent something now. It is kept for 2 minutes. Raises Unavailable."""

    async def idle_seconds(self, user_ids: Iterable[UUID]) -> dict[UUID, float]:
        """Return since how many seconds users sent nothing, by local clocks. A missing one is unknown."""

    async def get(self, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        """Return the statuses of the connected users among these. A missing user is offline."""
