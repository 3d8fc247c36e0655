"""The unique keys of jobs that follow from a message: the room, then the message."""

from uuid import UUID


def notification_key_prefix(room_id: UUID) -> str:
    """Return what the keys of all jobs about the notifications of a room begin with."""
    return f"notify:{room_id.hex}:"


def notification_key(room_id: UUID, message_id: UUID, edit_id: UUID | None = None) -> str:
    """Return the key of the job that creates the notifications of a message, or of one edit of it.

    An edit has its own key, since a job that runs may have read the mentions before the edit.
    """
    key = f"{notification_key_prefix(room_id)}{message_id.hex}"
    return key if edit_id is None else f"{key}:{edit_id.hex}"
