"""/rooms/{id}/messages, /messages and search: the same operations as the events of /chat."""

from aiohttp import web
from msgspec import UNSET

from hubbub.http.request import context, list_response, ok, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.chat import messages as wire
from hubbub.services.chat import history, messages, reactions

routes = Routes()


@routes.get(
    "/api/v1/rooms/{room_id}/messages",
    name="messages.list",
    tag="messages",
    summary="List the messages of a room",
    description=(
        "Ascending by `seq`. The newest page without parameters, else the page before, after or "
        "around a `seq`. Deleted messages keep their place."
    ),
    query=wire.ReadHistory,
    response=list[wire.Message],
    meta=("has_more?", "has_before?", "has_after?"),
    errors=("not_a_member",),
)
async def list_messages(request: web.Request) -> web.Response:
    page = await history.read(context(request), query(request, wire.ReadHistory))
    if page.has_before is not UNSET:
        return list_response(page.messages, has_before=page.has_before, has_after=page.has_after)
    return list_response(page.messages, has_more=page.has_more)


@routes.post(
    "/api/v1/rooms/{room_id}/messages",
    name="messages.send",
    tag="messages",
    summary="Send a message",
    description=(
        "It is stored when the response arrives. The same `client_id` again returns the stored "
        "message and stores nothing new, so that repeating a request is safe."
    ),
    body=wire.SendMessage,
    response=wire.Message,
    status=201,
    errors=("conflict", "not_a_member", "rate_limited"),
)
async def send(request: web.Request) -> web.Response:
    sent = await messages.send(context(request), await read(request, wire.SendMessage))
    return ok(sent.message, status=201, location=f"/api/v1/messages/{sent.message.id}")


@routes.get(
    "/api/v1/messages/search",
    name="messages.search",
    tag="messages",
    summary="Search messages by words",
    description="In all rooms of the caller, newest first. Case and accents are ignored.",
    query=wire.Search,
    response=list[wire.Message],
    meta=("next_cursor",),
    errors=("not_a_member", "not_found"),
)
async def search(request: web.Request) -> web.Response:
    found = await history.find(context(request), query(request, wire.Search))
    return list_response(found.messages, next_cursor=found.next_cursor)


@routes.get(
    "/api/v1/messages/{message_id}",
    name="messages.get",
    tag="messages",
    summary="Get a message",
    description="Of a room of the caller. A deleted one has an empty body and `deleted_at`.",
    query=wire.MessageRef,
    response=wire.Message,
    errors=("not_a_member",),
)
async def get(request: web.Request) -> web.Response:
    return ok((await messages.get(context(request), query(request, wire.MessageRef))).message)


@routes.patch(
    "/api/v1/messages/{message_id}",
    name="messages.edit",
    tag="messages",
    summary="Edit a message",
    description=(
        "Only by its sender. Members receive an entry, and `edited_at` is set. Deleted messages "
        "can't be edited."
    ),
    body=wire.EditMessage,
    response=wire.Message,
    errors=("forbidden", "not_a_member"),
)
async def edit(request: web.Request) -> web.Response:
    return ok((await messages.edit(context(request), await read(request, wire.EditMessage))).message)


@routes.delete(
    "/api/v1/messages/{message_id}",
    name="messages.delete",
    tag="messages",
    summary="Delete a message",
    description=(
        "By its sender, or by an owner or moderator of the room. Its place in the log stays, without "
        "the body."
    ),
    query=wire.MessageRef,
    response=wire.Message,
    errors=("forbidden", "not_a_member"),
)
async def delete(request: web.Request) -> web.Response:
    return ok((await messages.delete(context(request), query(request, wire.MessageRef))).message)


@routes.put(
    "/api/v1/messages/{message_id}/reactions/{emoji}",
    name="reactions.add",
    tag="reactions",
    summary="React to a message with an emoji",
    description=(
        "Has no effect if the caller reacted with it before. A message has at most 50 different emoji, and "
        "at most 10 of one user."
    ),
    query=wire.AddReaction,
    response=wire.Message,
    errors=("conflict", "not_a_member"),
)
async def add_reaction(request: web.Request) -> web.Response:
    return ok((await reactions.add(context(request), query(request, wire.AddReaction))).message)


@routes.delete(
    "/api/v1/messages/{message_id}/reactions/{emoji}",
    name="reactions.remove",
    tag="reactions",
    summary="Remove the caller's reaction from a message",
    description="Reactions of other users stay. Has no effect if there is none.",
    query=wire.RemoveReaction,
    response=wire.Message,
    errors=("not_a_member",),
)
async def remove_reaction(request: web.Request) -> web.Response:
    return ok((await reactions.remove(context(request), query(request, wire.RemoveReaction))).message)
