"""The event table of /chat: name, payload and operation of each event."""

from hubbub.realtime.sockets.dispatch import Events
from hubbub.schemas.chat import messages, rooms
from hubbub.schemas.eventlog import entries
from hubbub.schemas.users import users
from hubbub.services.chat import history, members, reactions, read_state
from hubbub.services.chat import messages as message_ops
from hubbub.services.chat import rooms as room_ops
from hubbub.services.chat import typing as typing_ops
from hubbub.services.presence import presence as presence_ops

NAMESPACE = "/chat"

events = Events()

events.add("room:list", rooms.ListRooms, room_ops.list_own)
events.add("room:browse", rooms.BrowseRooms, room_ops.browse)
events.add("room:create", rooms.CreateRoom, room_ops.create)
events.add("room:update", rooms.UpdateRoom, room_ops.update)
events.add("room:join", rooms.JoinRoom, members.join)
events.add("room:leave", rooms.RoomRef, members.leave)
events.add("room:invite", rooms.RoomUserRef, members.invite)
events.add("room:remove", rooms.RoomUserRef, members.remove)
events.add("room:set_role", rooms.SetRole, members.set_role)
events.add("room:members", rooms.ListMembers, members.list_members)
events.add("room:read", rooms.ReadRoom, read_state.mark_read)
events.add("room:mark_unread", rooms.ReadRoom, read_state.mark_unread)
events.add("room:mute", rooms.MuteRoom, read_state.mute)
events.add(
    "message:send",
    messages.SendMessage,
    message_ops.send,
    own_limit=True,
    pipelined=message_ops.send_pipelined,
)
events.add("message:edit", messages.EditMessage, message_ops.edit)
events.add("message:delete", messages.MessageRef, message_ops.delete)
events.add("message:history", messages.ReadHistory, history.read)
events.add("message:search", messages.Search, history.find)
events.add("reaction:add", messages.AddReaction, reactions.add)
events.add("reaction:remove", messages.RemoveReaction, reactions.remove)
events.add("sync", entries.Sync, history.sync)
events.add("typing:start", rooms.RoomRef, typing_ops.start, immediate=typing_ops.start_immediate)
events.add("typing:stop", rooms.RoomRef, typing_ops.stop, immediate=typing_ops.stop_immediate)
events.add(
    "presence:set",
    users.SetPresence,
    presence_ops.set_status,
    immediate=presence_ops.set_status_immediate,
)
events.add("presence:get", users.GetPresence, presence_ops.get)
