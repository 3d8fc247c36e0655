"""The events that the server sends on /notifications, and the entries that `sync` returns there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import View
from hubbub.schemas.chat.rooms import CappedCount
from hubbub.schemas.events import (
    SOCKET_EVENTS,
    ConnectionEvent,
    EventSpec,
    HintEvent,
    Kind,
    OutgoingEvent,
    spec,
)
from hubbub.schemas.notifications.notifications import Notification
from hubbub.schemas.users.users import User


class InboxReady(ConnectionEvent):
    """The socket receives the notifications after `last_seq`. It is the first event."""

    event_name = "ready"
    user: User
    session_id: UUID
    server_time: str
    epoch: str
    last_seq: int
    unread: CappedCount
    protocol: int = 1


class NotificationNew(OutgoingEvent):
    """A notification was added to the inbox. `unread` is the count after it, and absent in `sync`."""

    event_name = "notification:new"
    kind = Kind.ENTRY
    seq: Annotated[int, Meta(description="Its place in the inbox: 1, 2, 3, …")]
    at: str
    notification: Notification
    unread: CappedCount | UnsetType = UNSET


class NotificationReadHint(HintEvent):
    """Notifications were read on another device: those with `ids`, or all up to `up_to_seq`."""

    event_name = "notification:read"
    unread: CappedCount
    ids: list[UUID] | UnsetType = UNSET
    up_to_seq: int | UnsetType = UNSET


class InboxEntry(View):
    """An entry of an inbox as `sync` returns it."""

    payload: NotificationNew
    event: Literal["notification:new"] = "notification:new"


class InboxEntries(View):
    """The entries after a seq. If `complete` is false, call `sync` again from the last one."""

    entries: list[InboxEntry]
    last_seq: int
    complete: bool
    unread: CappedCount


_STRUCTS: tuple[type[OutgoingEvent], ...] = (
    NotificationNew,
    NotificationReadHint,
    InboxReady,
    *SOCKET_EVENTS,
)

# All events that the server sends on /notifications, by name.
INBOX_EVENTS: Mapping[str, EventSpec] = MappingProxyType({each.event_name: spec(each) for each in _STRUCTS})
