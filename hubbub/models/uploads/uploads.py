"""Uploads: files of users, what refers to them, and the stored bytes."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Upload(Model):
    """A file that a user uploaded"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="uploads")
    kind = fields.CharField(max_length=16)  # image, document, avatar, resume
    name = fields.CharField(max_length=160)  # as clients see it
    content_type = fields.CharField(max_length=100)
    size = fields.BigIntField()  # bytes of the file itself, without its thumbnails
    width = fields.IntField(null=True)  # pixels of an image
    height = fields.IntField(null=True)
    created_at = fields.DatetimeField()
    unreferenced_since = fields.DatetimeField(null=True)  # null while a row of `upload_references` names it
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "uploads"
        indexes = (("user", "created_at"), ("unreferenced_since",))


class StoredObject(Model):
    """Bytes in the storage, once for all uploads with the same content"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    digest = fields.CharField(max_length=64)  # SHA-256 of the bytes, in hex
    # The digest while new uploads may use the bytes. Null before they are stored and once they are removed.
    stored_digest = fields.CharField(max_length=64, null=True, unique=True)
    size = fields.BigIntField()
    created_at = fields.DatetimeField()
    removed_at = fields.DatetimeField(null=True)  # from when on the bytes may be deleted

    class Meta:
        table = "stored_objects"
        indexes = (("removed_at",),)


class UploadFile(Model):
    """The file of an upload, or one of its thumbnails"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    upload: fields.ForeignKeyRelation[Upload] = fields.ForeignKeyField("models.Upload", related_name="files")
    stored_object: fields.ForeignKeyRelation[StoredObject] = fields.ForeignKeyField(
        "models.StoredObject", related_name="files", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=160)  # in the URL
    content_type = fields.CharField(max_length=100)
    thumbnail_width = fields.IntField(null=True)  # pixels; null for the file itself
    if TYPE_CHECKING:
        upload_id: UUID
        stored_object_id: UUID

    class Meta:
        table = "upload_files"
        unique_together = (("upload", "name"),)
        indexes = (("stored_object",),)


class UploadReference(Model):
    """A reference to an upload, which is not removed as long as there is such a row"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    upload: fields.ForeignKeyRelation[Upload] = fields.ForeignKeyField(
        "models.Upload", related_name="references"
    )
    kind = fields.CharField(max_length=16)  # avatar
    target_id = fields.UUIDField()  # the user of an avatar
    if TYPE_CHECKING:
        upload_id: UUID

    class Meta:
        table = "upload_references"
        unique_together = (("upload", "kind", "target_id"),)
        indexes = (("kind", "target_id"),)
