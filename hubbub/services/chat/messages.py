"""Messages: send, edit, delete."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.core import clock, tasks
from hubbub.core.errors import (
    Conflict,
    Forbidden,
    Internal,
    InvalidPayload,
    NotFound,
    RateLimited,
)
from hubbub.db import database
from hubbub.queries.chat import search
from hubbub.queries.eventlog import event_log
from hubbub.schemas.base import encode
from hubbub.schemas.chat import messages as wire
from hubbub.schemas.events import MessageDeleted, MessageUpdated
from hubbub.services.chat import attachments, mentions, message_views, notification_jobs, rooms
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.eventlog import event_log as log
from hubbub.services.eventlog.pending_message import PendingMessage, Stored
from hubbub.services.instance.cached_user import CachedMembership, CachedUser
from hubbub.services.users import users

OnResult = Callable[[bytes | Exception], None]


async def send(ctx: Context, command: wire.SendMessage) -> wire.MessageResponse:
    """Store and publish a message. A repeated `client_id` stores nothing new.

    Returns the message after its commit; one that was stored before, as it is now. Raises NotMember or
    NotFound (the room), InvalidPayload, RateLimited, Conflict (a `client_id` used in another room),
    Unavailable.
    """
    pending = _fast_path(ctx, command) or await _validated(ctx, command)
    stored = await ctx.container.message_writer.append(pending)
    _on_stored(ctx, pending, stored)
    if stored.existing_id is None:
        return wire.MessageResponse(message=pending.to_view(stored.seq))
    return await _load_stored(ctx, stored.existing_id, command.room_id)


def send_pipelined(
    ctx: Context, command: wire.SendMessage, on_result: OnResult
) -> Callable[[], Awaitable[None]] | None:
    """FAST PATH: send a message of a socket, whose next message need not wait for this one's commit.

    After this returned None, or after the returned function has finished, the message has its position in the
    queue. `on_result` receives the JSON of the ack, or the error. Both raise what `send` raises before that.
    """
    pending = _fast_path(ctx, command)
    if pending is None:
        return partial(_validate_and_enqueue, ctx, command, on_result)
    _enqueue(ctx, pending, on_result)
    return None


async def _validate_and_enqueue(ctx: Context, command: wire.SendMessage, on_result: OnResult) -> None:
    _enqueue(ctx, await _validated(ctx, command), on_result)


def _enqueue(ctx: Context, pending: PendingMessage, on_result: OnResult) -> None:
    def on_done(_: PendingMessage) -> None:
        result = pending.result
        if not isinstance(result, Stored):
            on_result(result or Internal())
            return
        _on_stored(ctx, pending, result)
        if result.existing_id is None:
            on_result(b'{"message":%b}' % pending.json(result.seq).encode())
        else:
            tasks.spawn(
                _respond_to_duplicate(ctx, result.existing_id, pending.membership.room_id, on_result),
                name="ack of a repeated message",
            )

    pending.on_done = on_done
    ctx.container.message_writer.enqueue(pending)


async def _respond_to_duplicate(ctx: Context, message_id: UUID, room_id: UUID, on_result: OnResult) -> None:
    try:
        response = await _load_stored(ctx, message_id, room_id)
    except Exception as error:  # noqa: BLE001 - passed to the caller
        on_result(error)
    else:
        on_result(encode(response))


def _fast_path(ctx: Context, command: wire.SendMessage) -> PendingMessage | None:
    """Return a message that needs no lookup: its sender is connected, and it has no reply and no mention."""
    cached_user = ctx.container.membership_cache.get(ctx.user_id)
    if cached_user is None or not command.body or command.attachments:
        return None
    membership = cached_user.membership(command.room_id)
    if membership is None or command.reply_to is not None or mentions.has_at_sign(command.body):
        return None
    charged_to = _acquire_rate_limit(ctx, cached_user, command.client_id)
    pending = PendingMessage(
        cached_user.user, membership, command.client_id, command.body, None, [], charged_to
    )
    if membership.kind == "direct":
        pending.jobs = notification_jobs.of(pending)
    return pending


async def _validated(ctx: Context, command: wire.SendMessage) -> PendingMessage:
    """Return any other message after all checks. Raises as `send`."""
    membership = await rooms.access(ctx, command.room_id, allow_stale=True)
    if not command.body and not command.attachments:
        raise InvalidPayload(fields=(("body", "Must have 1 to 8000 characters."),))
    uploads = await attachments.load_own(ctx, command)
    cached_user = ctx.container.membership_cache.get(ctx.user_id)
    charged_to = _acquire_rate_limit(ctx, cached_user, command.client_id)
    if command.reply_to is not None:
        await _check_reply(command.room_id, command.reply_to)
    pending = PendingMessage(
        sender=await users.me(ctx),
        membership=membership,
        client_id=command.client_id,
        body=command.body,
        reply_to=command.reply_to,
        mentions=await mentions.find(command.room_id, command.body),
        charged_to=charged_to,
        attachments=uploads,
    )
    pending.jobs = notification_jobs.of(pending)
    return pending


def _acquire_rate_limit(ctx: Context, cached_user: CachedUser | None, client_id: UUID) -> CachedUser | None:
    """Charge the sender's rate limit. Returns the charged user, for the refund of a repetition."""
    if cached_user is None or cached_user.has_recent_client_id(client_id):
        return None
    if wait_ms := cached_user.acquire_message(ctx.container.membership_cache.message_rate):
        raise RateLimited("Too many messages in a short time.", retry_after_ms=wait_ms)
    return cached_user


def _on_stored(ctx: Context, pending: PendingMessage, stored: Stored) -> None:
    """Remember the `client_id`, whose immediate repetition costs nothing, and refund a repetition."""
    if (cached_user := ctx.container.membership_cache.get(ctx.user_id)) is not None:
        cached_user.add_recent_client_id(pending.client_id)
    if stored.existing_id is not None and pending.charged_to is not None:
        pending.charged_to.refund_message()


async def _check_reply(room_id: UUID, message_id: UUID) -> None:
    async with database.guard():
        exists = await models.Message.exists(id=message_id, room_id=room_id)
    if not exists:
        raise NotFound(
            "The message that is replied to is not in this room.", fields=(("reply_to", "Not found."),)
        )


async def _load_stored(ctx: Context, message_id: UUID, room_id: UUID) -> wire.MessageResponse:
    async with database.guard():
        row = await models.Message.get(id=message_id).select_related("sender")
    if row.room_id != room_id:
        raise Conflict("This client_id belongs to a message in another room.")
    return await message_views.to_response(ctx, row)


async def access(ctx: Context, message_id: UUID) -> tuple[models.Message, CachedMembership]:
    """Return a message in a room of the caller. The only access to a message by its id.

    Raises NotFound, NotMember.
    """
    async with database.guard():
        row = await models.Message.filter(id=message_id).select_related("sender").first()
    if row is None:
        raise NotFound("Message not found.")
    return row, await rooms.access(ctx, row.room_id)


async def get(ctx: Context, command: wire.MessageRef) -> wire.MessageResponse:
    """Return a message in a room of the caller. Raises NotFound, NotMember."""
    row, _ = await access(ctx, command.message_id)
    return await message_views.to_response(ctx, row)


async def edit(ctx: Context, command: wire.EditMessage) -> wire.MessageResponse:
    """Replace the body of the caller's own message. The same body changes nothing."""
    row, _ = await access(ctx, command.message_id)
    if row.sender_id != ctx.user_id:
        raise Forbidden("Only the sender can edit a message.")
    mentioned_ids = await mentions.find(row.room_id, command.body)
    async with ctx.unit() as unit:
        head = await unit.lock(row.room_id)
        await rooms.require_role(ctx, row.room_id)
        row = await _reload(command.message_id)
        if row.body != command.body:
            row.body = command.body
            await _store_body(ctx, unit, head, row, mentioned_ids)
        return await message_views.to_response(ctx, row)


async def _reload(message_id: UUID) -> models.Message:
    """Return the message under its room's lock. Raises NotFound if it was deleted."""
    row = await models.Message.filter(id=message_id).select_related("sender").first()
    if row is None or row.deleted_at is not None:
        raise NotFound("The message was deleted.")
    return row


async def _store_body(
    ctx: Context, unit: UnitOfWork, head: log.LockedHead, row: models.Message, mentioned_ids: list[UUID]
) -> None:
    before = msgspec.json.decode(row.mentions, type=set[UUID])
    if jobs := notification_jobs.of_edit(row.room_id, row.id, {*mentioned_ids} - before - {row.sender_id}):
        await unit.enqueue_all(jobs)
    row.edited_at = clock.now()
    row.mentions = encode(mentioned_ids).decode()
    await row.save(update_fields=["body", "edited_at", "mentions"])
    await models.Mention.filter(message_id=row.id).delete()
    message = await message_views.load_view(row, None, ctx.container.url_signer)
    if mention_rows := mentions.to_rows(message):
        await event_log.insert_mentions(unit.tx, mention_rows)
    await search.replace(unit.tx, row.id, row.room_id, row.body)
    await unit.append(head, MessageUpdated(message=message), at=row.edited_at)


async def delete(ctx: Context, command: wire.MessageRef) -> wire.MessageResponse:
    """Empty a message; sender, owner and moderators only. Deleting again changes nothing.

    The body is also removed from the log: entries that contained it are emptied, so that it can't be synced.
    """
    row, membership = await access(ctx, command.message_id)
    if row.sender_id != ctx.user_id and membership.role not in ("owner", "moderator"):
        raise Forbidden("Only the sender, the owner and the moderators can delete a message.")
    async with ctx.unit() as unit:
        head = await unit.lock(row.room_id)
        roles = () if row.sender_id == ctx.user_id else ("owner", "moderator")
        await rooms.require_role(ctx, row.room_id, *roles)
        row = await models.Message.get(id=row.id).select_related("sender")
        if row.deleted_at is None:
            await _redact(ctx, unit, head, row)
        return await message_views.to_response(ctx, row)


async def _redact(ctx: Context, unit: UnitOfWork, head: log.LockedHead, row: models.Message) -> None:
    row.body, row.mentions, row.attachments = "", "[]", "[]"
    row.deleted_at = clock.now()
    await row.save(update_fields=["body", "mentions", "attachments", "deleted_at"])
    await models.Mention.filter(message_id=row.id).delete()
    await models.Reaction.filter(message_id=row.id).delete()
    await search.remove(unit.tx, row.id)
    await attachments.release(unit.tx, row.id, row.deleted_at)
    await log.redact(unit.tx, await message_views.load_view(row, None, ctx.container.url_signer))
    # Clients take `deleted_at` from the entry, so both have the same time.
    await unit.append(head, MessageDeleted(message_id=row.id), at=row.deleted_at)
