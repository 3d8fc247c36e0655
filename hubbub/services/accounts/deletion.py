"""Deletes accounts: all data is removed; messages in rooms stay, without a name."""

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.cluster.bus import JobsWaiting, SessionEnded
from hubbub.core import clock
from hubbub.db import database, locking
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action
from hubbub.queries.eventlog import log_entries
from hubbub.queries.portfolio import versions as portfolio_versions
from hubbub.queries.sync import change_counters
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import EraseAccount
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.services.accounts import user_data
from hubbub.services.accounts.user_data import Deletion
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.chat import members
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.jobs import kinds, queue
from hubbub.services.mail import mailer, one_time_tokens
from hubbub.services.uploads import sweep
from hubbub.services.users import admin_guard, users, validation

if TYPE_CHECKING:
    from hubbub.services.context import Container

DELETED_DISPLAY_NAME = "Deleted user"
REWRITE_BATCH_ENTRIES = 1000
LEAVE_BATCH_ROOMS = 100
MAX_RUN_S = 10.0  # of a run of the job, which then stores its progress


async def delete(ctx: Context, command: wire.DeleteAccount) -> None:
    """Delete the caller's account by the token sent by e-mail. Sockets and sessions end at once.

    A job does what takes longer, so that it is finished even if this instance dies. Raises InvalidToken,
    Conflict (the last admin).
    """
    act = recorder.act_of(ctx, Action.DELETE_ACCOUNT)
    async with recorder.attempt(ctx.container, act), ctx.unit() as unit:
        await admin_guard.lock_admins(ctx.user_id)
        await sessions.lock_caller(ctx)
        user = await one_time_tokens.consume(unit.tx, "delete_account", command.token, ctx.user_id)
        await erase(unit, user)
        await audit_log.record(unit.tx, act)
    await leave_all_rooms(ctx.container, ctx.user_id)


async def erase(unit: UnitOfWork, user: models.User) -> None:
    """Delete the data of an account in the caller's unit of work. Call `leave_all_rooms` after it.

    Raises Conflict for the last admin.
    """
    await mailer.enqueue_farewell(unit.tx, user)  # while the account still has its e-mail address
    await _anonymize(unit.tx, user)
    if user.role == "admin":
        await admin_guard.require_an_admin()
    unit.publish(SessionEnded(user.id, None, CloseCode.SESSION_REVOKED, SessionEndReason.ACCOUNT_DELETED))
    unit.publish(JobsWaiting())
    unit.invalidate(portfolio_versions.tag_of(user.id))


async def _anonymize(tx: Sql, user: models.User) -> None:
    """Replace the account by an empty one, which stays the sender of its messages. A job does the rest."""
    await models.User.filter(id=user.id).update(
        username=f"{validation.DELETED_PREFIX}{user.id.hex[8:]}",
        email=f"{user.id.hex}@deleted.invalid",
        display_name=DELETED_DISPLAY_NAME,
        **dict.fromkeys(("first_name", "last_name", "avatar_url", "bio", "location", "website_url")),
        **dict.fromkeys(("metadata", "password_digest", "username_changed_at", "email_verified_at")),
        **dict.fromkeys(("last_seen_at", "suspend_reason")),
        role="user",
        deleted_at=clock.now(),
    )
    for table in user_data.deleted(Deletion.DELETE):
        await table.rows(user.id).delete()
    await change_counters.bump_version(tx, [user.id])
    await queue.enqueue(tx, EraseAccount(user_id=user.id), unique_key=f"erase:{user.id}")


async def leave_all_rooms(container: "Container", user_id: UUID) -> None:
    """Remove a batch each of the mentions, reactions and memberships of a deleted account.

    A job removes the rest.
    """
    async with database.guard():
        row = await models.User.get(id=user_id)
    await _remove_batch(container, row)


async def _remove_batch(container: "Container", row: models.User) -> bool:
    """Remove a batch. Returns whether nothing is left. Short transactions keep rows locked only briefly."""
    done = True
    for each in user_data.deleted(Deletion.DELETE_BY_JOB):
        async with database.guard():
            sql = database.connection()
            removed = await sql.execute(locking.delete_batch(sql, each.table, f"{each.key} = $1"), row.id)
        done = done and not removed
    if await sweep.remove_uploads(container, row.id):
        done = False
    ctx = Context(container, row.id)
    has_left = await members.end_memberships(ctx, users.to_view(row), LEAVE_BATCH_ROOMS)
    return has_left and done


async def erase_job(container: "Container", job: EraseAccount) -> None:
    """Remove what `leave_all_rooms` left, and the name from the logs, for at most MAX_RUN_S seconds.

    Raises Unfinished, with the last rewritten entry in its payload.
    """
    deadline = clock.monotonic() + MAX_RUN_S
    after = log_entries.Key(job.after_room_id, job.after_seq)
    async with database.guard():
        row = await models.User.filter(id=job.user_id).first()
    if row is None:
        return
    while not await _remove_batch(container, row):
        if clock.monotonic() >= deadline:
            raise kinds.Unfinished(job)
    while (last := await _rewrite_entries(users.to_view(row), after)) is not None:
        after = last
        if clock.monotonic() >= deadline:
            progress = {"after_room_id": after.room_id, "after_seq": after.seq}
            raise kinds.Unfinished(msgspec.structs.replace(job, **progress))


async def _rewrite_entries(user_view: object, after: log_entries.Key) -> log_entries.Key | None:
    """Rewrite a batch of entries after `after` that show the user. Returns the last key, None at the end.

    An entry that is appended behind it meanwhile shows the account as it is now.
    """
    user = msgspec.to_builtins(user_view)
    async with database.guard():
        sql = database.connection()
        entries = await log_entries.page(sql, after, REWRITE_BATCH_ENTRIES)
        for entry in entries:
            if f'"{user["id"]}"' in entry.payload:
                payload = _replace_user(msgspec.json.decode(entry.payload), user)
                await log_entries.replace_payload(sql, entry, encode(payload).decode())
    return entries[-1].key if entries else None


def _replace_user(value: object, user: dict[str, object]) -> object:
    """Return a payload in which this user, wherever it occurs, is the deleted one."""
    if isinstance(value, dict):
        if value.get("id") == user["id"] and "display_name" in value:
            return {**value, **user}
        return {name: _replace_user(each, user) for name, each in value.items()}
    if isinstance(value, list):
        return [_replace_user(each, user) for each in value]
    return value


async def request_deletion(ctx: Context) -> None:
    """Send the e-mail with the token that deletes the caller's account."""
    async with ctx.unit() as unit:
        user = await sessions.lock_caller(ctx, confirmed=True)
        await mailer.enqueue_once(unit, "delete_account", user.id)
        await audit_log.record(unit.tx, recorder.act_of(ctx, Action.REQUEST_DELETION))
