"""/rooms: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.http.request import context, list_response, no_content, ok, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.chat import rooms as wire
from hubbub.services.chat import members, read_state, rooms

routes = Routes()


@routes.get(
    "/api/v1/rooms",
    name="rooms.list",
    tag="rooms",
    summary="List the caller's rooms",
    description="Sorted by the newest entry, the latest first. Each has unread counts and the last message.",
    query=wire.ListRooms,
    response=list[wire.Room],
    meta=("next_cursor",),
)
async def list_own(request: web.Request) -> web.Response:
    found = await rooms.list_own(context(request), query(request, wire.ListRooms))
    return list_response(found.rooms, next_cursor=found.next_cursor)


@routes.post(
    "/api/v1/rooms",
    name="rooms.create",
    tag="rooms",
    summary="Create a room",
    description=(
        "The caller becomes its owner. For a direct room that exists, that room is returned. A "
        "public room needs a unique name."
    ),
    body=wire.CreateRoom,
    response=wire.Room,
    status=201,
    errors=("conflict", "not_found", "rate_limited"),
)
async def create(request: web.Request) -> web.Response:
    created = await rooms.create(context(request), await read(request, wire.CreateRoom))
    return ok(created.room, status=201, location=f"/api/v1/rooms/{created.room.id}")


@routes.get(
    "/api/v1/rooms/public",
    name="rooms.list_public",
    tag="rooms",
    summary="List public rooms",
    description=(
        "Those that every user may join, also without being a member, whose name contains each word of `q`. "
        "Archived ones are left out."
    ),
    query=wire.BrowseRooms,
    response=list[wire.Room],
    meta=("next_cursor",),
)
async def list_public(request: web.Request) -> web.Response:
    found = await rooms.browse(context(request), query(request, wire.BrowseRooms))
    return list_response(found.rooms, next_cursor=found.next_cursor)


@routes.get(
    "/api/v1/rooms/{room_id}",
    name="rooms.get",
    tag="rooms",
    summary="Get a room",
    description="A room of the caller, or a public one. `my` is null if the caller is not a member.",
    query=wire.RoomRef,
    response=wire.Room,
    errors=("not_a_member",),
)
async def get(request: web.Request) -> web.Response:
    return ok((await rooms.get(context(request), query(request, wire.RoomRef))).room)


@routes.patch(
    "/api/v1/rooms/{room_id}",
    name="rooms.update",
    tag="rooms",
    summary="Update the name or the topic of a room",
    description="Needs the role owner or moderator. All members receive an entry in the log.",
    body=wire.UpdateRoom,
    response=wire.Room,
    errors=("conflict", "forbidden", "not_a_member"),
)
async def update(request: web.Request) -> web.Response:
    return ok((await rooms.update(context(request), await read(request, wire.UpdateRoom))).room)


@routes.post(
    "/api/v1/rooms/{room_id}/join",
    name="rooms.join",
    tag="rooms",
    summary="Join a public room",
    description="Has no effect for members. Private rooms are not found.",
    body=wire.RoomRef,
    response=wire.Room,
)
async def join(request: web.Request) -> web.Response:
    command = await read(request, wire.RoomRef)
    joined = await members.join(context(request), wire.JoinRoom(room_id=command.room_id))
    return ok(joined.room)


@routes.post(
    "/api/v1/rooms/{room_id}/leave",
    name="rooms.leave",
    tag="rooms",
    summary="Leave a room",
    description="Ends the caller's membership. A direct room can't be left.",
    body=wire.RoomRef,
    errors=("forbidden", "not_a_member"),
)
async def leave(request: web.Request) -> web.Response:
    await members.leave(context(request), await read(request, wire.RoomRef))
    return no_content()


@routes.post(
    "/api/v1/rooms/{room_id}/read",
    name="rooms.mark_read",
    tag="rooms",
    summary="Advance the caller's read mark",
    description=(
        "It never goes back: a lower `seq` changes nothing. The response has the counts that follow from it."
    ),
    body=wire.ReadRoom,
    response=wire.ReadState,
    errors=("not_a_member",),
)
async def mark_read(request: web.Request) -> web.Response:
    return ok(await read_state.mark_read(context(request), await read(request, wire.ReadRoom)))


@routes.get(
    "/api/v1/rooms/{room_id}/members",
    name="members.list",
    tag="members",
    summary="List the members of a room",
    description="With role and presence. Only for members.",
    query=wire.ListMembers,
    response=list[wire.Member],
    meta=("next_cursor",),
    errors=("not_a_member",),
)
async def list_members(request: web.Request) -> web.Response:
    found = await members.list_members(context(request), query(request, wire.ListMembers))
    return list_response(found.members, next_cursor=found.next_cursor)


@routes.post(
    "/api/v1/rooms/{room_id}/members",
    name="members.invite",
    tag="members",
    summary="Add a user to a room",
    description="Needs the role owner or moderator. Has no effect if the user is a member.",
    body=wire.RoomUserRef,
    errors=("forbidden", "not_a_member", "rate_limited"),
)
async def invite(request: web.Request) -> web.Response:
    await members.invite(context(request), await read(request, wire.RoomUserRef))
    return no_content()


@routes.patch(
    "/api/v1/rooms/{room_id}/members/{user_id}",
    name="members.set_role",
    tag="members",
    summary="Change the role of a member",
    description="Needs the role owner. A new owner makes the previous one a moderator.",
    body=wire.SetRole,
    response=wire.RoleResponse,
    errors=("forbidden", "not_a_member"),
)
async def set_role(request: web.Request) -> web.Response:
    return ok(await members.set_role(context(request), await read(request, wire.SetRole)))


@routes.delete(
    "/api/v1/rooms/{room_id}/members/{user_id}",
    name="members.remove",
    tag="members",
    summary="Remove a member from a room",
    description=(
        "Needs the role owner or moderator, above the role of the member. Sockets of the user leave "
        "the room within a second."
    ),
    query=wire.RoomUserRef,
    errors=("forbidden", "not_a_member"),
)
async def remove(request: web.Request) -> web.Response:
    await members.remove(context(request), query(request, wire.RoomUserRef))
    return no_content()
