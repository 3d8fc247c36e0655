"""Preferences of users: read, update, and reset to the defaults."""

import contextlib
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidPayload, NotFound
from hubbub.core.text import languages
from hubbub.db import database
from hubbub.schemas.base import Command, View, encode, parse
from hubbub.schemas.users import preferences as wire
from hubbub.services.context import Context
from hubbub.services.users import users

V = TypeVar("V", bound=View)
Stored = dict[str, Any]  # what differs from the defaults, and facts about choices

KINDS: dict[type[View], str] = {
    wire.AppPreferences: "app",
    wire.NotificationPreferences: "notifications",
    wire.EmailPreferences: "email",
}
# Facts that are stored with the choices, and are no preferences themselves.
MARKETING_CONSENT = "marketing_consent"  # the time and way of the consent
DIGEST_CHOSEN_AT = "digest_chosen_at"  # a digest whose hour was before is not sent
SECURITY_KINDS = ("security.new_login", "security.password_changed")


async def load(user_id: UUID, kind: type[V]) -> V:
    """Return a user's preferences of one kind; defaults where nothing is stored."""
    return (await load_many([user_id], kind))[user_id]


async def load_many(user_ids: Collection[UUID], kind: type[V]) -> dict[UUID, V]:
    """Return the preferences of several users, with one query."""
    async with database.guard():
        rows = await models.Preference.filter(user_id__in=list(user_ids), kind=KINDS[kind])
    chosen = {row.user_id: row.chosen for row in rows}
    return {user_id: with_defaults(kind, chosen.get(user_id, "{}")) for user_id in user_ids}


async def load_languages(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the language of each user."""
    found = await load_many(user_ids, wire.AppPreferences)
    return {user_id: app.language for user_id, app in found.items()}


def with_defaults(kind: type[V], chosen: str) -> V:
    """Return the stored choices with defaults. A value that is no longer valid becomes the default."""
    merged = _merge(msgspec.to_builtins(kind()), _decode(chosen))
    valid: dict[str, object] = {}
    for name in kind.__struct_fields__:
        with contextlib.suppress(KeyError, InvalidPayload):
            valid[name] = getattr(parse(kind, {name: merged[name]}), name)
    return kind(**valid)


def _decode(chosen: str) -> Stored:
    return msgspec.json.decode(chosen, type=Stored)


def _merge(base: Stored, changes: Stored) -> Stored:
    """Return `base` with `changes`, at every depth. None replaces what it is merged into."""
    merged = dict(base)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = (
            _merge(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
        )
    return merged


def _difference(values: Stored, defaults: Stored) -> Stored:
    """Return the part of `values` that differs from the defaults."""
    found: Stored = {}
    for name, value in values.items():
        default = defaults.get(name)
        if isinstance(value, dict) and isinstance(default, dict):
            if part := _difference(value, default):
                found[name] = part
        elif value != default:
            found[name] = value
    return found


async def get(ctx: Context, kind: type[V]) -> V:
    """Return the caller's preferences of one kind."""
    return await load(ctx.user_id, kind)


async def update(ctx: Context, kind: type[V], command: Command) -> V:
    """Store the given fields, at every depth, and keep the others. Raises InvalidPayload, NotFound."""
    changes: Stored = msgspec.to_builtins(command)
    if "language" in changes:
        changes["language"] = languages.canonical(changes["language"])
    return await change(ctx.user_id, kind, lambda current: _merge(current, changes))


async def change(user_id: UUID, kind: type[V], apply: Callable[[Stored], Stored], way: str = "settings") -> V:
    """Change a user's preferences. `way` is recorded with a consent.

    Raises InvalidPayload, NotFound (the account was deleted).
    """
    defaults = msgspec.to_builtins(kind())
    async with database.transaction():
        own = models.Preference.filter(user_id=user_id, kind=KINDS[kind])
        if await users.lock(user_id) is None:  # also serializes concurrent updates
            raise NotFound
        row = await own.first()
        stored = _decode(row.chosen if row is not None else "{}")
        before = msgspec.to_builtins(with_defaults(kind, encode(stored).decode()))
        after = _checked(kind, apply(before))
        facts = {name: value for name, value in stored.items() if name not in defaults}
        facts |= _new_facts(before, after, clock.now(), way)
        text = encode({**_difference(after, defaults), **facts}).decode()
        if row is None:
            await models.Preference.create(user_id=user_id, kind=KINDS[kind], chosen=text)
        else:
            row.chosen = text
            await row.save()
    return with_defaults(kind, text)


def _checked(kind: type[V], values: Stored) -> Stored:
    """Return merged values in their normal form. Raises InvalidPayload."""
    quiet = values.get("quiet")
    if isinstance(quiet, dict):
        chosen = quiet.get("days", wire.DAYS)
        values = {**values, "quiet": {**quiet, "days": [day for day in wire.DAYS if day in chosen]}}
        if quiet.get("from") == quiet.get("until") is not None:
            raise InvalidPayload(fields=(("quiet.until", "Must differ from the start."),))
    for name in SECURITY_KINDS:
        if values.get("kinds", {}).get(name, {}).get("in_app") is False:
            reason = "Notifications about the security of the account are always in the inbox."
            raise InvalidPayload(fields=((f"kinds.{name}.in_app", reason),))
    normalized: Stored = msgspec.to_builtins(parse(kind, values))
    return normalized


def _new_facts(before: Stored, after: Stored, now: datetime, way: str) -> Stored:
    """Return the facts that a change of preferences adds."""
    facts: Stored = {}
    if after.get("marketing") and not before.get("marketing"):
        facts[MARKETING_CONSENT] = {"at": clock.rfc3339(now), "way": way}
    digest = ("digest", "digest_hour")
    if any(after.get(name) != before.get(name) for name in digest):
        facts[DIGEST_CHOSEN_AT] = clock.rfc3339(now)
    return facts


async def reset(ctx: Context, kind: type[V]) -> V:
    """Delete the caller's preferences of one kind, and return the defaults."""
    async with database.guard():
        await models.Preference.filter(user_id=ctx.user_id, kind=KINDS[kind]).delete()
    return kind()
