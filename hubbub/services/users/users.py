"""Users: look up, lock, and convert to their public view."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from hubbub import models
from hubbub.core.errors import NotFound
from hubbub.core.text import email_addresses
from hubbub.db import database
from hubbub.queries.chat.rooms import MemberRow
from hubbub.schemas.faults import is_text
from hubbub.schemas.users import users as wire
from hubbub.services.context import Context


class UserColumns(Protocol):
    """A row with what other users see of a user."""

    @property
    def username(self) -> str: ...
    @property
    def display_name(self) -> str: ...
    @property
    def avatar_url(self) -> str | None: ...


def to_view(row: models.User | MemberRow) -> wire.User:
    """Return a user as other users see them."""
    return view(row.id, row)


def view(user_id: UUID, row: UserColumns) -> wire.User:
    """Return a user as other users see them, from a row of something else with the user's columns."""
    return wire.User(
        id=user_id, username=row.username, display_name=row.display_name, avatar_url=row.avatar_url
    )


async def load_caller(ctx: Context) -> models.User:
    """Return the row of the caller. Raises NotFound for a deleted account, Unavailable."""
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id, deleted_at__isnull=True).first()
    if user is None:
        raise NotFound
    return user


async def me(ctx: Context) -> wire.User:
    """Return the caller. No query for a request, and for a user who is connected to this instance."""
    if ctx.user is not None:
        return ctx.user
    cached = ctx.container.membership_cache.get(ctx.user_id)
    return cached.user if cached is not None else await access(ctx.user_id)


async def access(user_id: UUID) -> wire.User:
    """Return a user by id. Raises NotFound."""
    return (await access_many([user_id]))[0]


async def lock(user_id: UUID) -> models.User | None:
    """Return the current row of a user, locked until the transaction ends; None if the account is deleted.

    Check again on this row what was checked before the transaction. Lock it before rows that belong to the
    user (`db/locking.py`).
    """
    row = models.User.filter(id=user_id, deleted_at__isnull=True)
    return await row.select_for_update(no_key=True).first()


async def lock_all(user_ids: Iterable[UUID]) -> None:
    """Lock the rows of users until the transaction ends. Raises NotFound if an account is deleted."""
    distinct_ids = set(user_ids)
    rows = models.User.filter(id__in=distinct_ids, deleted_at__isnull=True).order_by("id")
    if len(await rows.select_for_update(no_key=True).values_list("id")) != len(distinct_ids):
        raise NotFound("User not found.")


async def by_email(email: str) -> models.User | None:
    """Return the account of a mailbox, for any spelling of its e-mail address; the exact spelling wins.

    One query, also if the text is no e-mail address.
    """
    spellings = stored_spellings(email)
    rows = await models.User.filter(email__in=spellings, deleted_at__isnull=True)
    return min(rows, key=lambda row: spellings.index(row.email), default=None)


def stored_spellings(email: str) -> list[str]:
    """Return the spellings of an e-mail address that a column may contain, the given one first.

    Tortoise refuses to filter by text that is longer than the column.
    """
    spellings = email_addresses.spellings(email)
    return [form for form in spellings if is_text(form) and len(form) <= email_addresses.MAX_EMAIL_CHARS]


async def access_many(user_ids: Iterable[UUID]) -> list[wire.User]:
    """Return users in the given order, without duplicates. Raises NotFound if one is missing or deleted."""
    distinct_ids = list(dict.fromkeys(user_ids))
    async with database.guard():
        rows = await models.User.filter(id__in=distinct_ids, deleted_at__isnull=True)
    found = {row.id: to_view(row) for row in rows}
    if len(found) != len(distinct_ids):
        raise NotFound("User not found.")
    return [found[user_id] for user_id in distinct_ids]
