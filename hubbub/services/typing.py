"""Typing: a hint that is told at most every 2 s, and that ends by itself."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.cluster.bus import RoomHint
from hubbub.core import clock
from hubbub.schemas.rooms import Nothing, RoomOnly
from hubbub.services import rooms

if TYPE_CHECKING:
    from hubbub.cluster.bus import Bus
    from hubbub.services.context import Context

EVERY_S = 2.0
ENDS_S = 6.0


@dataclass(slots=True)
class _Typist:
    told_at: float
    ends: asyncio.TimerHandle


class Typists:
    """Who types on this instance. An entry ends by itself after 6 s, so there are no more than typists."""

    def __init__(self, bus: "Bus", ends_s: float = ENDS_S) -> None:
        self._bus = bus
        self._ends_s = ends_s
        self._typing: dict[tuple[UUID, UUID], _Typist] = {}

    def start(self, room_id: UUID, user_id: UUID) -> None:
        """The user types; told unless it was told in the last 2 s."""
        key = (room_id, user_id)
        now = clock.monotonic()
        typist = self._typing.get(key)
        told_at = typist.told_at if typist is not None else None
        if typist is not None:
            typist.ends.cancel()
        if told_at is None or now - told_at >= EVERY_S:
            self._tell(room_id, user_id, typing=True)
            told_at = now
        ends = asyncio.get_running_loop().call_later(self._ends_s, self.stop, room_id, user_id)
        self._typing[key] = _Typist(told_at, ends)

    def stop(self, room_id: UUID, user_id: UUID) -> None:
        """The user stopped, or said nothing for 6 s."""
        typist = self._typing.pop((room_id, user_id), None)
        if typist is not None:
            typist.ends.cancel()
            self._tell(room_id, user_id, typing=False)

    def gone(self, user_id: UUID) -> None:
        """The user's last socket here is gone."""
        for room_id, typist in [key for key in self._typing if key[1] == user_id]:
            self.stop(room_id, typist)

    def _tell(self, room_id: UUID, user_id: UUID, *, typing: bool) -> None:
        payload: dict[str, object] = {"room_id": str(room_id), "user_id": str(user_id), "typing": typing}
        self._bus.publish(RoomHint(room_id, "typing", payload, skip_user=user_id))


async def start(ctx: "Context", command: RoomOnly) -> Nothing:
    """Tell the room that the caller types."""
    await rooms.access(ctx, command.room_id)
    ctx.parts.typists.start(command.room_id, ctx.user_id)
    return Nothing()


async def stop(ctx: "Context", command: RoomOnly) -> Nothing:
    """Tell the room that the caller stopped."""
    await rooms.access(ctx, command.room_id)
    ctx.parts.typists.stop(command.room_id, ctx.user_id)
    return Nothing()
