"""Commands and views of the inbox."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View
from hubbub.schemas.chat.rooms import CappedCount
from hubbub.schemas.users.notification_kinds import KindName
from hubbub.schemas.users.users import User

MAX_PAGE = 100
MAX_SYNC = 500
DEFAULT_PAGE = 50
MAX_SEQ = (1 << 53) - 1


Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class NotificationData(View):
    """What a client needs to open the subject of a notification. The fields depend on the kind."""

    room_id: Annotated[UUID | UnsetType, Meta(description="Of `message.*` and `room.invited`.")] = UNSET
    message_id: Annotated[UUID | UnsetType, Meta(description="Of `message.*`: opens the message.")] = UNSET
    seq: Annotated[int | UnsetType, Meta(description="Seq of the message in its room.")] = UNSET
    session_id: Annotated[UUID | UnsetType, Meta(description="Of `security.new_login`.")] = UNSET
    device_name: Annotated[str | UnsetType, Meta(description="Of `security.new_login`.")] = UNSET
    ip: Annotated[str | UnsetType, Meta(description="IP address of `security.new_login`.")] = UNSET
    at: Annotated[str | UnsetType, Meta(description="Time of `security.new_login`.")] = UNSET
    url: Annotated[
        str | UnsetType | None, Meta(description="Of `system.announcement` and `portfolio.message`.")
    ] = UNSET


class Notification(View):
    """A notification in an inbox. `actor` is the user who caused it, if there is one."""

    id: Annotated[UUID, Meta(description="Names it in `notification:read` and in URLs.")]
    seq: Annotated[int, Meta(description="Its place in the inbox: 1, 2, 3, …")]
    kind: KindName
    title: Annotated[str, Meta(description="One line, in the language of the user.")]
    body: Annotated[str, Meta(description="Text, such as the beginning of the message. It may be empty.")]
    data: Annotated[NotificationData, Meta(description="Ids and URLs of what it is about.")]
    actor: Annotated[User | None, Meta(description="The user who caused it. Null if there is none.")]
    read_at: Annotated[str, Meta(description="Null if it is unread.")] | None
    created_at: Annotated[str, Meta(description="When it was added to the inbox.")]


class ListNotifications(Command):
    before_seq: (
        Annotated[Seq, Meta(description="Returns older ones than this `seq`. Absent: the newest.")] | None
    ) = None
    limit: (
        Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Items on a page: 50 if it is absent.")] | None
    ) = None
    unread_only: Annotated[bool, Meta(description="True leaves out what was read.")] | None = None


class NotificationPage(View):
    notifications: list[Notification]
    unread: CappedCount
    has_more: bool


class ReadNotifications(Command):
    """Either `id` or `up_to_seq`."""

    field_rules = ({"oneOf": [{"required": ["id"]}, {"required": ["up_to_seq"]}]},)

    id: Annotated[UUID, Meta(description="Marks this one as read.")] | UnsetType = UNSET
    up_to_seq: Annotated[Seq, Meta(description="Marks this one and all older ones as read.")] | UnsetType = (
        UNSET
    )


class Unread(View):
    unread: Annotated[
        CappedCount, Meta(description="Notifications that were not read. 1000 means 1000 or more.")
    ]


class NotificationRef(Command):
    notification_id: Annotated[UUID, Meta(description="Id of the notification, not its `seq`.")]


class SyncInbox(Command):
    after_seq: Seq
    limit: Annotated[int, Meta(ge=1, le=MAX_SYNC)] | None = None


class Decision(View):
    """Whether a notification was delivered by a channel, or why it was not."""

    channel: Annotated[str, Meta(description="`in_app` or `email`.")]
    reason: Annotated[str, Meta(description="A word of a closed list, which docs/notifications.md explains.")]
    at: Annotated[str, Meta(description="When it was decided. A later attempt replaces it.")]


def read_fault(command: ReadNotifications) -> str | None:
    """Return why a command that gives both or neither of its fields is invalid."""
    given = sum(value is not UNSET for value in (command.id, command.up_to_seq))
    return None if given == 1 else "Give either id or up_to_seq."


Content = dict[str, Any]  # the column `content`, decoded

decode_content = msgspec.json.Decoder(Content).decode
