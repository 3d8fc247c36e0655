"""/rooms: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.http.request import context, data, listing, nothing, query, read
from hubbub.schemas import rooms as wire
from hubbub.services import members, reads, rooms

routes = web.RouteTableDef()


@routes.get("/api/v1/rooms")
async def list_own(request: web.Request) -> web.Response:
    found = await rooms.list_own(context(request), query(request, wire.ListRooms))
    return listing(found.rooms, next_cursor=found.next_cursor)


@routes.post("/api/v1/rooms")
async def create(request: web.Request) -> web.Response:
    made = await rooms.create(context(request), await read(request, wire.CreateRoom))
    return data(made.room, status=201, location=f"/api/v1/rooms/{made.room.id}")


@routes.get("/api/v1/rooms/public")
async def browse(request: web.Request) -> web.Response:
    found = await rooms.browse(context(request), query(request, wire.BrowseRooms))
    return listing(found.rooms, next_cursor=found.next_cursor)


@routes.get("/api/v1/rooms/{room_id}")
async def get(request: web.Request) -> web.Response:
    return data((await rooms.get(context(request), query(request, wire.RoomOnly))).room)


@routes.patch("/api/v1/rooms/{room_id}")
async def update(request: web.Request) -> web.Response:
    return data((await rooms.update(context(request), await read(request, wire.UpdateRoom))).room)


@routes.post("/api/v1/rooms/{room_id}/join")
async def join(request: web.Request) -> web.Response:
    command = await read(request, wire.RoomOnly)
    joined = await members.join(context(request), wire.JoinRoom(room_id=command.room_id))
    return data(joined.room)


@routes.post("/api/v1/rooms/{room_id}/leave")
async def leave(request: web.Request) -> web.Response:
    await members.leave(context(request), await read(request, wire.RoomOnly))
    return nothing()


@routes.post("/api/v1/rooms/{room_id}/read")
async def mark_read(request: web.Request) -> web.Response:
    return data(await reads.read(context(request), await read(request, wire.ReadRoom)))


@routes.get("/api/v1/rooms/{room_id}/members")
async def list_members(request: web.Request) -> web.Response:
    found = await members.members(context(request), query(request, wire.ListMembers))
    return listing(found.members, next_cursor=found.next_cursor)


@routes.post("/api/v1/rooms/{room_id}/members")
async def invite(request: web.Request) -> web.Response:
    await members.invite(context(request), await read(request, wire.RoomUser))
    return nothing()


@routes.patch("/api/v1/rooms/{room_id}/members/{user_id}")
async def set_role(request: web.Request) -> web.Response:
    return data(await members.set_role(context(request), await read(request, wire.SetRole)))


@routes.delete("/api/v1/rooms/{room_id}/members/{user_id}")
async def remove(request: web.Request) -> web.Response:
    await members.remove(context(request), query(request, wire.RoomUser))
    return nothing()
