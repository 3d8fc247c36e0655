"""Who is there: the status of people across instances."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID


class Presence(Protocol):
    """Statuses of the people who have a socket somewhere.

    It may forget: they are offline then, until they say something.
    """

    async def put(self, user_id: UUID, status: str) -> None:
        """The user is there, with this status: `online`, `away` or `busy`."""

    async def drop(self, user_ids: Iterable[UUID]) -> None:
        """The users have no socket any more."""

    async def get(self, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        """The statuses of those who are there; who is missing is offline."""
