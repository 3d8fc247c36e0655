"""Who is there: the status of people across instances."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

OnChange = Callable[[list[UUID], str | None], Awaitable[None]]


class Instance(NamedTuple):
    """What an instance says of itself; `rooms` are those with somebody who is connected to it."""

    id: str
    started_at: str
    connections: int
    users: int
    rooms: int
    draining: bool


class Instances(NamedTuple):
    """Those that are known; not `complete` while what instances share is away."""

    known: list[Instance]
    complete: bool


Describe = Callable[[], Instance]


class Presence(Protocol):
    """Statuses of the people who have a socket somewhere.

    `arrive`, `leave` and `choose` raise Unavailable when what instances share is away; they may be asked
    again.
    """

    def register_instance(self, describe: Describe) -> None:
        """How this instance describes itself; said before `start`."""

    async def instances(self) -> Instances:
        """All that live and describe themselves, this one first; the others as of a moment ago."""

    def start(self, on_change: OnChange) -> None:
        """Begin, without waiting for what instances share. The other methods wait for the first attempt.

        `on_change` is called with users whose status changed without a call on this instance. Its second
        argument is their status, or None if each has its own, which `get` returns.
        """

    async def close(self) -> bool:
        """End. True if others tell, after a while, who was here and is nowhere now."""

    async def mark_connected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        """These have a socket here now. Returns those who were offline: they are `online`."""

    async def mark_disconnected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        """These have no socket here any more. Returns those who are nowhere now."""

    async def set_status(self, user_id: UUID, status: str) -> bool:
        """The user, who is here, wants to be shown as `online`, `away` or `busy`. Whether that is news."""

    async def get(self, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        """The statuses of those who are there; who is missing is offline."""
