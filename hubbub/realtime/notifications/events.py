"""The event table of /notifications: name, payload and operation of each event."""

from hubbub.realtime.sockets.dispatch import Events
from hubbub.schemas.notifications import notifications as wire
from hubbub.services.notifications import inbox

NAMESPACE = "/notifications"

events = Events()

events.add("notification:list", wire.ListNotifications, inbox.list_page)
events.add("notification:read", wire.ReadNotifications, inbox.mark_read)
events.add("sync", wire.SyncInbox, inbox.sync)
