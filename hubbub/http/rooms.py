"""/rooms: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.http.request import context, data, listing, query, read
from hubbub.schemas import rooms as wire
from hubbub.services import members, rooms

routes = web.RouteTableDef()


@routes.get("/api/v1/rooms")
async def list_own(request: web.Request) -> web.Response:
    found = await rooms.list_own(context(request), query(request, wire.ListRooms))
    return listing(found.rooms, next_cursor=found.next_cursor)


@routes.post("/api/v1/rooms")
async def create(request: web.Request) -> web.Response:
    made = await rooms.create(context(request), await read(request, wire.CreateRoom))
    return data(made.room, status=201, location=f"/api/v1/rooms/{made.room.id}")


@routes.get("/api/v1/rooms/{room_id}")
async def get(request: web.Request) -> web.Response:
    found = await rooms.get(context(request), query(request, wire.RoomOnly, **request.match_info))
    return data(found.room)


@routes.patch("/api/v1/rooms/{room_id}")
async def update(request: web.Request) -> web.Response:
    changed = await rooms.update(context(request), await read(request, wire.UpdateRoom, **request.match_info))
    return data(changed.room)


@routes.get("/api/v1/rooms/{room_id}/members")
async def list_members(request: web.Request) -> web.Response:
    found = await members.members(context(request), query(request, wire.ListMembers, **request.match_info))
    return listing(found.members, next_cursor=found.next_cursor)
