"""Deleting an account: everything of it goes; what it wrote in rooms stays, without a name."""

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.cluster.bus import JobsWaiting, SessionEnded
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.models import truth
from hubbub.models.connection import Sql
from hubbub.schemas import accounts as wire
from hubbub.schemas.base import encode
from hubbub.services import accounts, admins, audit, database, jobs, members, tokens, two_factor, users
from hubbub.services.audit import Action
from hubbub.services.context import Context, Unit

if TYPE_CHECKING:
    from hubbub.services.context import Parts

KIND = "account.erase"
NAME = "Deleted user"
BATCH = 1000  # entries


async def delete(ctx: Context, command: wire.DeleteAccount) -> None:
    """Delete the caller's account, by the token of the letter. Sockets and sessions end at once.

    What takes longer is a job as well: it is finished by a worker if this instance dies. Raises InvalidToken,
    Conflict (the last admin).
    """
    act = audit.by(ctx, Action.DELETE_ACCOUNT)
    async with audit.attempt(ctx.parts, act), ctx.unit() as unit:
        await admins.hold(ctx.user_id)
        user = await tokens.spend(unit.tx, "delete_account", command.token)
        if user.id != ctx.user_id:
            raise InvalidToken
        await erase(unit, user)
        await audit.record(unit.tx, act)
    await leave(ctx.parts, ctx.user_id)


async def erase(unit: Unit, user: models.User) -> None:
    """Everything of an account goes, in the caller's unit, which holds it; then `leave`.

    Raises Conflict for the last admin.
    """
    await _empty(unit.tx, user)
    if user.role == "admin":
        await admins.keep_one()
    unit.tell(SessionEnded(user.id, None, "session_revoked", "account_deleted"))
    unit.tell(JobsWaiting())


async def _empty(tx: Sql, user: models.User) -> None:
    """The account becomes an empty shell, to which its messages belong; a job does the rest."""
    await two_factor.forget(user.id)  # first, as a sign-in locks it first
    await models.User.filter(id=user.id).update(
        username=f"{accounts.DELETED}{user.id.hex[8:]}",
        email=f"{user.id.hex}@deleted.invalid",
        display_name=NAME,
        **dict.fromkeys(("avatar_url", "bio", "location", "website_url", "password_digest")),
        **dict.fromkeys(("email_verified_at", "last_seen_at", "suspend_reason")),
        role="user",
        deleted_at=clock.now(),
    )
    await models.Session.filter(user_id=user.id).delete()
    await models.OneTimeToken.filter(user_id=user.id).delete()
    await models.IdempotencyKey.filter(user_id=user.id).delete()
    await models.ApiKey.filter(user_id=user.id).delete()
    await models.Identity.filter(user_id=user.id).delete()
    await models.Handover.filter(user_id=user.id).delete()
    await models.Preference.filter(user_id=user.id).delete()
    await models.Reaction.filter(user_id=user.id).delete()
    await models.Mention.filter(user_id=user.id).delete()
    await truth.touch(tx, [user.id])
    await jobs.enqueue(tx, KIND, {"user_id": str(user.id)}, unique=f"erase:{user.id}")


async def leave(parts: "Parts", user_id: UUID) -> None:
    """End the memberships of an account that is erased; a job does what this does not come to."""
    async with database.guard():
        row = await models.User.get(id=user_id)
    await members.end_all(Context(parts, user_id), users.show(row))


async def finish(parts: "Parts", payload: dict[str, object]) -> None:
    """A worker's part: leave the rooms that are left, and take the name out of the logs."""
    user_id = UUID(str(payload["user_id"]))
    async with database.guard():
        row = await models.User.filter(id=user_id).first()
    if row is None:
        return
    await leave(parts, user_id)
    after = 0
    while (last := await _rename(users.show(row), after)) is not None:
        after = last


async def _rename(shown: object, after: int) -> int | None:
    """Rewrite the entries past `after` that show the user; returns how far it got, None at the end."""
    user = msgspec.to_builtins(shown)
    async with database.guard():
        ids = await models.Entry.filter(id__gt=after).order_by("id").limit(BATCH).values_list("id", flat=True)
        if not ids:
            return None
        rows = await models.Entry.filter(id__gt=after, id__lte=ids[-1], payload__contains=f'"{user["id"]}"')
        for row in rows:
            payload = _renamed(msgspec.json.decode(row.payload), user)
            await models.Entry.filter(id=row.id, payload=row.payload).update(payload=encode(payload).decode())
    return int(str(ids[-1]))


def _renamed(value: object, user: dict[str, object]) -> object:
    """A payload in which this user, wherever shown, is the one that is deleted."""
    if isinstance(value, dict):
        if value.get("id") == user["id"] and "display_name" in value:
            return {**value, **user}
        return {name: _renamed(each, user) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, user) for each in value]
    return value
