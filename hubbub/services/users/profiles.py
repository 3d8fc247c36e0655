"""Profiles: look up a user's, update the caller's."""

from datetime import timedelta
from typing import Any

from msgspec import UNSET, structs

from hubbub import models
from hubbub.cluster.bus import AccountChanged
from hubbub.core import clock
from hubbub.core.errors import Conflict, NotFound
from hubbub.core.text import names, usernames
from hubbub.db import database
from hubbub.queries.sync import change_counters
from hubbub.schemas.base import decode, encode
from hubbub.schemas.users import profiles as wire
from hubbub.services.context import Context
from hubbub.services.users import users, validation

USERNAME_INTERVAL = timedelta(days=1)  # between two changes of a username
_LINES = ("display_name", "first_name", "last_name", "location")
_IDENTITY = ("username", "display_name")  # that instances, sockets and public portfolios show


def _fields(row: models.User) -> dict[str, Any]:
    return {
        "id": row.id,
        "username": row.username,
        "display_name": row.display_name,
        "first_name": row.first_name or "",
        "last_name": row.last_name or "",
        "avatar_url": row.avatar_url,
        "bio": row.bio or "",
        "location": row.location or "",
        "website_url": row.website_url,
        "created_at": clock.rfc3339(row.created_at),
    }


def to_view(row: models.User) -> wire.Profile:
    """Return a profile as every logged-in user may see it."""
    return wire.Profile(**_fields(row))


def to_own_view(row: models.User) -> wire.OwnProfile:
    """Return a profile as its user sees it."""
    return wire.OwnProfile(**_fields(row), metadata=decode(row.metadata) if row.metadata else {})


async def get(_ctx: Context, command: wire.UsernameRef) -> wire.Profile:
    """Return a user's profile by username. A former username is not found. Raises NotFound."""
    username = names.key(command.username)
    row = None
    if len(username) <= usernames.MAX_USERNAME_CHARS:
        async with database.guard():
            row = await models.User.filter(username=username, deleted_at__isnull=True).first()
    if row is None:
        raise NotFound("User not found.")
    return to_view(row)


async def get_own(ctx: Context) -> wire.OwnProfile:
    """Return the caller's profile. Raises NotFound."""
    return to_own_view(await users.load_caller(ctx))


async def update(ctx: Context, command: wire.UpdateProfile) -> wire.OwnProfile:
    """Update the caller's profile, all fields or none. Instances and sockets receive the new names.

    Raises InvalidPayload, Conflict (the username is taken, or was changed within a day), NotFound.
    """
    changes = _to_columns(command)
    try:
        return await _update(ctx, changes)
    except database.Duplicate:
        raise validation.taken_error("username") from None


def _to_columns(command: wire.UpdateProfile) -> dict[str, Any]:
    """Return the given fields as they are stored, the username as it was given."""
    changes = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    for name in _LINES:
        if changes.get(name) is not None:
            changes[name] = names.normalize_line(changes[name])
    if changes.get("metadata") is not None:
        changes["metadata"] = encode(changes["metadata"]).decode()
    return changes


async def _update(ctx: Context, changes: dict[str, Any]) -> wire.OwnProfile:
    async with ctx.unit() as unit:
        user = await users.lock(ctx.user_id)
        if user is None:
            raise NotFound
        if "username" in changes:
            changes |= _changed_username(user, changes.pop("username"))
        if changes:
            await models.User.filter(id=user.id).update(**changes, updated_at=clock.now())
            user.update_from_dict(changes)
        if any(name in changes for name in _IDENTITY):
            unit.change_portfolio(user.id)
            await change_counters.bump_version(unit.tx, [user.id])
            unit.publish(AccountChanged(users.to_view(user), user.role))
    return to_own_view(user)


def _changed_username(user: models.User, text: str) -> dict[str, Any]:
    """Return the columns of a new username; none for the current one. Raises InvalidPayload, Conflict."""
    if usernames.normalize(text) == user.username:  # which an operator may have reserved for the account
        return {}
    username, now = validation.validate_username(text), clock.now()
    changed_at = user.username_changed_at
    if changed_at is not None and now < changed_at + USERNAME_INTERVAL:
        again_at = clock.rfc3339(changed_at + USERNAME_INTERVAL)
        message = f"The username can be changed once a day, and again from {again_at} on."
        raise Conflict(message, fields=(("username", message),))
    return {"username": username, "username_changed_at": now}
