"""Entries as they are stored, published between instances and read back; the command `sync`."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View


class Entry(msgspec.Struct, frozen=True):
    """One durable event of a room.

    `payload` is the complete wire payload as JSON text, encoded once and sent unchanged from then on.
    `subject` is the user whose membership it begins, ends or changes, else None.
    """

    room_id: UUID
    seq: int
    event: str
    payload: str
    subject: UUID | None = None


class Sync(Command):
    """`rooms` has the last seq that the client received of each room."""

    rooms: Annotated[dict[UUID, Annotated[int, Meta(ge=0)]], Meta(max_length=500)]
    epoch: str | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] | None = None


class SyncEntry(View):
    event: str
    payload: msgspec.Raw


class RoomEntries(View):
    """The entries of a room. With `complete: false`, sync again from the last one."""

    entries: list[SyncEntry]
    first_seq: int
    last_seq: int
    complete: bool


class RoomGone(View):
    """The user is no longer a member of this room."""

    gone: bool = True


class RoomReset(View):
    """The client's entries are not of this log: drop them and load the room again."""

    last_seq: int
    first_seq: int | UnsetType = UNSET  # not of another epoch
    reset: bool = True


class RoomError(View):
    """This room could not be read; the others could."""

    error: dict[str, str]


class SyncResponse(View):
    epoch: str
    rooms: dict[UUID, RoomEntries | RoomGone | RoomReset | RoomError]
