"""Preferences of users: read, update, and reset to the defaults."""

import contextlib
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, structs

from hubbub import models
from hubbub.core.errors import InvalidPayload
from hubbub.core.text import languages
from hubbub.db import database
from hubbub.schemas.base import Command, View, encode, parse
from hubbub.schemas.users import preferences as wire
from hubbub.services.context import Context

V = TypeVar("V", bound=View)

KINDS: dict[type[View], str] = {
    wire.AppPreferences: "app",
    wire.NotificationPreferences: "notifications",
    wire.EmailPreferences: "email",
}


async def load(user_id: UUID, kind: type[V]) -> V:
    """Return a user's preferences of one kind; defaults where nothing is stored."""
    async with database.guard():
        row = await models.Preference.filter(user_id=user_id, kind=KINDS[kind]).first()
    return _with_defaults(kind, row.chosen if row is not None else "{}")


def _with_defaults(kind: type[V], chosen: str) -> V:
    """Return the stored choices with defaults. A value that is no longer valid becomes the default."""
    stored = msgspec.json.decode(chosen, type=dict[str, object])
    valid: dict[str, object] = {}
    for name in kind.__struct_fields__:
        with contextlib.suppress(KeyError, InvalidPayload):
            valid[name] = getattr(parse(kind, {name: stored[name]}), name)
    return kind(**valid)


async def get(ctx: Context, kind: type[V]) -> V:
    """Return the caller's preferences of one kind."""
    return await load(ctx.user_id, kind)


async def update(ctx: Context, kind: type[V], command: Command) -> V:
    """Store the given fields, and keep the others."""
    changes = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    if "language" in changes:
        changes["language"] = languages.canonical(changes["language"])
    async with database.transaction():
        own = models.Preference.filter(user_id=ctx.user_id, kind=KINDS[kind])
        await models.User.filter(id=ctx.user_id).select_for_update().first()  # serializes concurrent updates
        row = await own.first()
        chosen = {**structs.asdict(_with_defaults(kind, row.chosen if row else "{}")), **changes}
        defaults = structs.asdict(kind())
        text = encode({name: value for name, value in chosen.items() if value != defaults[name]}).decode()
        if row is None:
            await models.Preference.create(user_id=ctx.user_id, kind=KINDS[kind], chosen=text)
        else:
            row.chosen = text
            await row.save()
    return _with_defaults(kind, text)


async def reset(ctx: Context, kind: type[V]) -> V:
    """Delete the caller's preferences of one kind, and return the defaults."""
    async with database.guard():
        await models.Preference.filter(user_id=ctx.user_id, kind=KINDS[kind]).delete()
    return kind()
