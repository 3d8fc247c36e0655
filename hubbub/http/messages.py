"""/rooms/{id}/messages, /messages and search: the same operations as the events of /chat."""

from aiohttp import web

from hubbub.http.request import context, data, listing, query, read
from hubbub.http.routes import Routes
from hubbub.schemas import messages as wire
from hubbub.services import history, messages, reactions

routes = Routes()


@routes.get(
    "/api/v1/rooms/{room_id}/messages",
    says="Messages of a room, ascending",
    query=wire.ReadHistory,
    shows=list[wire.Message],
    meta=("has_more",),
    may=("not_a_member",),
)
async def read_history(request: web.Request) -> web.Response:
    page = await history.history(context(request), query(request, wire.ReadHistory))
    return listing(page.messages, has_more=page.has_more)


@routes.post(
    "/api/v1/rooms/{room_id}/messages",
    says="Send a message",
    body=wire.SendMessage,
    shows=wire.Message,
    status=201,
    may=("conflict", "not_a_member", "rate_limited"),
)
async def send(request: web.Request) -> web.Response:
    sent = await messages.send(context(request), await read(request, wire.SendMessage))
    return data(sent.message, status=201, location=f"/api/v1/messages/{sent.message.id}")


@routes.get(
    "/api/v1/messages/search",
    says="Find messages by their words",
    query=wire.Search,
    shows=list[wire.Message],
    meta=("next_cursor",),
    may=("not_a_member", "not_found"),
)
async def search(request: web.Request) -> web.Response:
    found = await history.find(context(request), query(request, wire.Search))
    return listing(found.messages, next_cursor=found.next_cursor)


@routes.get(
    "/api/v1/messages/{message_id}",
    says="A message",
    query=wire.MessageOnly,
    shows=wire.Message,
    may=("not_a_member",),
)
async def get(request: web.Request) -> web.Response:
    return data((await messages.get(context(request), query(request, wire.MessageOnly))).message)


@routes.patch(
    "/api/v1/messages/{message_id}",
    says="Edit a message",
    body=wire.EditMessage,
    shows=wire.Message,
    may=("forbidden", "not_a_member"),
)
async def edit(request: web.Request) -> web.Response:
    return data((await messages.edit(context(request), await read(request, wire.EditMessage))).message)


@routes.delete(
    "/api/v1/messages/{message_id}",
    says="Delete a message",
    query=wire.MessageOnly,
    shows=wire.Message,
    may=("forbidden", "not_a_member"),
)
async def delete(request: web.Request) -> web.Response:
    return data((await messages.delete(context(request), query(request, wire.MessageOnly))).message)


@routes.put(
    "/api/v1/messages/{message_id}/reactions/{emoji}",
    says="React to a message",
    query=wire.React,
    shows=wire.Message,
    may=("conflict", "not_a_member"),
)
async def react(request: web.Request) -> web.Response:
    return data((await reactions.add(context(request), query(request, wire.React))).message)


@routes.delete(
    "/api/v1/messages/{message_id}/reactions/{emoji}",
    says="Take a reaction back",
    query=wire.React,
    shows=wire.Message,
    may=("not_a_member",),
)
async def unreact(request: web.Request) -> web.Response:
    return data((await reactions.remove(context(request), query(request, wire.React))).message)
