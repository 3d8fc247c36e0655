"""/rooms: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.http.request import context, data, listing, nothing, query, read
from hubbub.http.routes import Routes
from hubbub.schemas import rooms as wire
from hubbub.services import members, reads, rooms

routes = Routes()


@routes.get(
    "/api/v1/rooms",
    says="Own rooms, newest entry first",
    query=wire.ListRooms,
    shows=list[wire.Room],
    meta=("next_cursor",),
)
async def list_own(request: web.Request) -> web.Response:
    found = await rooms.list_own(context(request), query(request, wire.ListRooms))
    return listing(found.rooms, next_cursor=found.next_cursor)


@routes.post(
    "/api/v1/rooms",
    says="Make a room, or find the direct one",
    body=wire.CreateRoom,
    shows=wire.Room,
    status=201,
    may=("conflict", "not_found"),
)
async def create(request: web.Request) -> web.Response:
    made = await rooms.create(context(request), await read(request, wire.CreateRoom))
    return data(made.room, status=201, location=f"/api/v1/rooms/{made.room.id}")


@routes.get(
    "/api/v1/rooms/public",
    says="Public rooms",
    query=wire.BrowseRooms,
    shows=list[wire.Room],
    meta=("next_cursor",),
)
async def browse(request: web.Request) -> web.Response:
    found = await rooms.browse(context(request), query(request, wire.BrowseRooms))
    return listing(found.rooms, next_cursor=found.next_cursor)


@routes.get(
    "/api/v1/rooms/{room_id}", says="A room", query=wire.RoomOnly, shows=wire.Room, may=("not_a_member",)
)
async def get(request: web.Request) -> web.Response:
    return data((await rooms.get(context(request), query(request, wire.RoomOnly))).room)


@routes.patch(
    "/api/v1/rooms/{room_id}",
    says="Rename a room, or give it another topic",
    body=wire.UpdateRoom,
    shows=wire.Room,
    may=("conflict", "forbidden", "not_a_member"),
)
async def update(request: web.Request) -> web.Response:
    return data((await rooms.update(context(request), await read(request, wire.UpdateRoom))).room)


@routes.post("/api/v1/rooms/{room_id}/join", says="Join a public room", body=wire.RoomOnly, shows=wire.Room)
async def join(request: web.Request) -> web.Response:
    command = await read(request, wire.RoomOnly)
    joined = await members.join(context(request), wire.JoinRoom(room_id=command.room_id))
    return data(joined.room)


@routes.post(
    "/api/v1/rooms/{room_id}/leave",
    says="Leave a room",
    body=wire.RoomOnly,
    may=("forbidden", "not_a_member"),
)
async def leave(request: web.Request) -> web.Response:
    await members.leave(context(request), await read(request, wire.RoomOnly))
    return nothing()


@routes.post(
    "/api/v1/rooms/{room_id}/read",
    says="Move the read mark forward",
    body=wire.ReadRoom,
    shows=wire.ReadState,
    may=("not_a_member",),
)
async def mark_read(request: web.Request) -> web.Response:
    return data(await reads.read(context(request), await read(request, wire.ReadRoom)))


@routes.get(
    "/api/v1/rooms/{room_id}/members",
    says="Who is in a room",
    query=wire.ListMembers,
    shows=list[wire.Member],
    meta=("next_cursor",),
    may=("not_a_member",),
)
async def list_members(request: web.Request) -> web.Response:
    found = await members.members(context(request), query(request, wire.ListMembers))
    return listing(found.members, next_cursor=found.next_cursor)


@routes.post(
    "/api/v1/rooms/{room_id}/members",
    says="Invite somebody",
    body=wire.RoomUser,
    may=("forbidden", "not_a_member"),
)
async def invite(request: web.Request) -> web.Response:
    await members.invite(context(request), await read(request, wire.RoomUser))
    return nothing()


@routes.patch(
    "/api/v1/rooms/{room_id}/members/{user_id}",
    says="Give a member another role",
    body=wire.SetRole,
    shows=wire.RoleAnswer,
    may=("forbidden", "not_a_member"),
)
async def set_role(request: web.Request) -> web.Response:
    return data(await members.set_role(context(request), await read(request, wire.SetRole)))


@routes.delete(
    "/api/v1/rooms/{room_id}/members/{user_id}",
    says="Remove a member",
    query=wire.RoomUser,
    may=("forbidden", "not_a_member"),
)
async def remove(request: web.Request) -> web.Response:
    await members.remove(context(request), query(request, wire.RoomUser))
    return nothing()
