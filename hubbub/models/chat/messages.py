"""Messages, their mentions, and their attachments."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.chat.rooms import Room
    from hubbub.models.users.users import User


class Message(Model):
    """A message of a user in a room"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    # Without foreign keys: writers hold the lock of the room, and triggers follow deletions.
    room: fields.ForeignKeyRelation["Room"] = fields.ForeignKeyField(
        "models.Room", related_name="messages", db_constraint=False
    )
    seq = fields.BigIntField()  # the seq of its `message:new`
    sender: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="messages", db_constraint=False
    )
    client_id = fields.UUIDField()  # chosen by the sender, so that resending is idempotent
    body = fields.TextField()  # empty once deleted
    reply_to_id = fields.UUIDField(null=True)
    mentions = fields.TextField(default="[]")  # JSON list of user ids
    attachments = fields.TextField(default="[]")  # JSON list of upload ids
    created_at = fields.DatetimeField()
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)
    if TYPE_CHECKING:
        room_id: UUID
        sender_id: UUID

    class Meta:
        table = "messages"
        # Makes resending a message idempotent.
        unique_together = (("sender", "client_id"), ("room", "seq"))


class Mention(Model):
    """A user whom a message mentions"""

    id = fields.BigIntField(primary_key=True)
    message: fields.ForeignKeyRelation[Message] = fields.ForeignKeyField(
        "models.Message", related_name="named"
    )
    room_id = fields.UUIDField()
    seq = fields.BigIntField()
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="named_in")

    class Meta:
        table = "mentions"
        unique_together = (("message", "user"),)
        indexes = (("user", "room_id", "seq"),)


class Attachment(Model):
    """An upload that a message refers to"""

    id = fields.BigIntField(primary_key=True)
    message: fields.ForeignKeyRelation[Message] = fields.ForeignKeyField(
        "models.Message", related_name="attached"
    )
    room_id = fields.UUIDField()  # of the message, whose members may load the upload
    upload_id = fields.UUIDField()
    position = fields.IntField()  # in the message, from 0
    if TYPE_CHECKING:
        message_id: UUID

    class Meta:
        table = "message_attachments"
        unique_together = (("message", "upload_id"),)
        indexes = (("upload_id",),)
