"""The log of each room."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.chat.rooms import Room


class _MessageUpdatesIndex(Index):
    """The updates of a message: found when it is deleted, to be emptied."""

    def __init__(self) -> None:
        super().__init__(fields=("message_id",), name="idx_entries_updates")
        self.extra = " WHERE event = 'message:updated'"


class Entry(Model):
    """One durable event of a room, as it was announced"""

    id = fields.BigIntField(primary_key=True)
    room: fields.ForeignKeyRelation["Room"] = fields.ForeignKeyField("models.Room", related_name="entries")
    seq = fields.BigIntField()  # 1, 2, 3, … without gaps
    event = fields.CharField(max_length=32)
    at = fields.DatetimeField()
    actor_id = fields.UUIDField(null=True)
    message_id = fields.UUIDField(null=True)
    payload = fields.TextField()  # JSON, byte for byte as clients receive it
    if TYPE_CHECKING:
        room_id: UUID

    class Meta:
        table = "entries"
        unique_together = (("room", "seq"),)
        indexes = (_MessageUpdatesIndex(),)
