"""/rooms/{id}/messages, /messages and search: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.http.request import context, data, listing, query, read
from hubbub.schemas import messages as wire
from hubbub.services import history, messages, reactions

routes = web.RouteTableDef()


@routes.get("/api/v1/rooms/{room_id}/messages")
async def read_history(request: web.Request) -> web.Response:
    page = await history.history(context(request), query(request, wire.ReadHistory))
    return listing(page.messages, has_more=page.has_more)


@routes.post("/api/v1/rooms/{room_id}/messages")
async def send(request: web.Request) -> web.Response:
    sent = await messages.send(context(request), await read(request, wire.SendMessage))
    return data(sent.message, status=201, location=f"/api/v1/messages/{sent.message.id}")


@routes.get("/api/v1/messages/search")
async def search(request: web.Request) -> web.Response:
    found = await history.find(context(request), query(request, wire.Search))
    return listing(found.messages, next_cursor=found.next_cursor)


@routes.get("/api/v1/messages/{message_id}")
async def get(request: web.Request) -> web.Response:
    return data((await messages.get(context(request), query(request, wire.MessageOnly))).message)


@routes.patch("/api/v1/messages/{message_id}")
async def edit(request: web.Request) -> web.Response:
    return data((await messages.edit(context(request), await read(request, wire.EditMessage))).message)


@routes.delete("/api/v1/messages/{message_id}")
async def delete(request: web.Request) -> web.Response:
    return data((await messages.delete(context(request), query(request, wire.MessageOnly))).message)


@routes.put("/api/v1/messages/{message_id}/reactions/{emoji}")
async def react(request: web.Request) -> web.Response:
    return data((await reactions.add(context(request), query(request, wire.React))).message)


@routes.delete("/api/v1/messages/{message_id}/reactions/{emoji}")
async def unreact(request: web.Request) -> web.Response:
    return data((await reactions.remove(context(request), query(request, wire.React))).message)
