"""/rooms/{id}/messages and search: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.core.errors import InvalidPayload
from hubbub.http.request import context, data, listing, query, read
from hubbub.schemas import messages as wire
from hubbub.schemas.base import parse
from hubbub.services import history, messages

routes = web.RouteTableDef()


@routes.get("/api/v1/rooms/{room_id}/messages")
async def read_history(request: web.Request) -> web.Response:
    page = await history.history(context(request), query(request, wire.ReadHistory, **request.match_info))
    return listing(page.messages, has_more=page.has_more)


@routes.post("/api/v1/rooms/{room_id}/messages")
async def send(request: web.Request) -> web.Response:
    sent = await messages.send(context(request), await read(request, wire.SendMessage, **request.match_info))
    return data(sent.message, status=201, location=f"/api/v1/messages/{sent.message.id}")


@routes.get("/api/v1/messages/search")
async def search(request: web.Request) -> web.Response:
    if "q" not in request.query:
        raise InvalidPayload(fields=(("q", "Say what to search for."),))
    found = await history.find(context(request), query(request, wire.Search, query=request.query["q"]))
    return listing(found.messages, next_cursor=found.next_cursor)


@routes.get("/api/v1/messages/{message_id}")
async def get(request: web.Request) -> web.Response:
    command = parse(wire.MessageOnly, dict(request.match_info))
    return data((await messages.get(context(request), command)).message)
