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
    says="List the caller's rooms, the one with the newest entry first",
    query=wire.ListRooms,
    shows=list[wire.Room],
    meta=("next_cursor",),
)
async def list_own(request: web.Request) -> web.Response:
    found = await rooms.list_own(context(request), query(request, wire.ListRooms))
    return list_response(found.rooms, next_cursor=found.next_cursor)


@routes.post(
    "/api/v1/rooms",
    name="rooms.create",
    tag="rooms",
    says="Create a room; for a direct room, return the existing one",
    body=wire.CreateRoom,
    shows=wire.Room,
    status=201,
    may=("conflict", "not_found", "rate_limited"),
)
async def create(request: web.Request) -> web.Response:
    made = await rooms.create(context(request), await read(request, wire.CreateRoom))
    return ok(made.room, status=201, location=f"/api/v1/rooms/{made.room.id}")


@routes.get(
    "/api/v1/rooms/public",
    name="rooms.list_public",
    tag="rooms",
    says="List public rooms",
    query=wire.BrowseRooms,
    shows=list[wire.Room],
    meta=("next_cursor",),
)
async def browse(request: web.Request) -> web.Response:
    found = await rooms.browse(context(request), query(request, wire.BrowseRooms))
    return list_response(found.rooms, next_cursor=found.next_cursor)


@routes.get(
    "/api/v1/rooms/{room_id}",
    name="rooms.get",
    tag="rooms",
    says="Get a room, with the caller's membership",
    query=wire.RoomRef,
    shows=wire.Room,
    may=("not_a_member",),
)
async def get(request: web.Request) -> web.Response:
    return ok((await rooms.get(context(request), query(request, wire.RoomRef))).room)


@routes.patch(
    "/api/v1/rooms/{room_id}",
    name="rooms.update",
    tag="rooms",
    says="Update the name or the topic of a room",
    body=wire.UpdateRoom,
    shows=wire.Room,
    may=("conflict", "forbidden", "not_a_member"),
)
async def update(request: web.Request) -> web.Response:
    return ok((await rooms.update(context(request), await read(request, wire.UpdateRoom))).room)


@routes.post(
    "/api/v1/rooms/{room_id}/join",
    name="rooms.join",
    tag="rooms",
    says="Join a public room",
    body=wire.RoomRef,
    shows=wire.Room,
)
async def join(request: web.Request) -> web.Response:
    command = await read(request, wire.RoomRef)
    joined = await members.join(context(request), wire.JoinRoom(room_id=command.room_id))
    return ok(joined.room)


@routes.post(
    "/api/v1/rooms/{room_id}/leave",
    name="rooms.leave",
    tag="rooms",
    says="Leave a room",
    body=wire.RoomRef,
    may=("forbidden", "not_a_member"),
)
async def leave(request: web.Request) -> web.Response:
    await members.leave(context(request), await read(request, wire.RoomRef))
    return no_content()


@routes.post(
    "/api/v1/rooms/{room_id}/read",
    name="rooms.mark_read",
    tag="rooms",
    says="Advance the caller's read mark",
    body=wire.ReadRoom,
    shows=wire.ReadState,
    may=("not_a_member",),
)
async def mark_read(request: web.Request) -> web.Response:
    return ok(await read_state.read(context(request), await read(request, wire.ReadRoom)))


@routes.get(
    "/api/v1/rooms/{room_id}/members",
    name="members.list",
    tag="members",
    says="List the members of a room, with presence",
    query=wire.ListMembers,
    shows=list[wire.Member],
    meta=("next_cursor",),
    may=("not_a_member",),
)
async def list_members(request: web.Request) -> web.Response:
    found = await members.members(context(request), query(request, wire.ListMembers))
    return list_response(found.members, next_cursor=found.next_cursor)


@routes.post(
    "/api/v1/rooms/{room_id}/members",
    name="members.invite",
    tag="members",
    says="Add a user to a room",
    body=wire.RoomUser,
    may=("forbidden", "not_a_member", "rate_limited"),
)
async def invite(request: web.Request) -> web.Response:
    await members.invite(context(request), await read(request, wire.RoomUser))
    return no_content()


@routes.patch(
    "/api/v1/rooms/{room_id}/members/{user_id}",
    name="members.set_role",
    tag="members",
    says="Change the role of a member",
    body=wire.SetRole,
    shows=wire.RoleResponse,
    may=("forbidden", "not_a_member"),
)
async def set_role(request: web.Request) -> web.Response:
    return ok(await members.set_role(context(request), await read(request, wire.SetRole)))


@routes.delete(
    "/api/v1/rooms/{room_id}/members/{user_id}",
    name="members.remove",
    tag="members",
    says="Remove a member from a room",
    query=wire.RoomUser,
    may=("forbidden", "not_a_member"),
)
async def remove(request: web.Request) -> web.Response:
    await members.remove(context(request), query(request, wire.RoomUser))
    return no_content()
