"""People: finding them and showing them."""

from collections.abc import Iterable
from uuid import UUID

from hubbub import models
from hubbub.core.errors import NotFound
from hubbub.core.text import email_addresses
from hubbub.db import database
from hubbub.queries.chat.message_pages import SenderRow
from hubbub.schemas.faults import is_text
from hubbub.schemas.users import users as wire
from hubbub.services.context import Context


def to_view(row: models.User | SenderRow) -> wire.User:
    """What others see of a person."""
    return wire.User(
        id=row.id, username=row.username, display_name=row.display_name, avatar_url=row.avatar_url
    )


async def me(ctx: Context) -> wire.User:
    """The caller; known by heart if they are connected here."""
    cached = ctx.container.membership_cache.get(ctx.user_id)
    return cached.user if cached is not None else await access(ctx.user_id)


async def access(user_id: UUID) -> wire.User:
    """One person. Raises NotFound."""
    return (await access_many([user_id]))[0]


async def lock(user_id: UUID) -> models.User | None:
    """The row of a user as it is now, locked until the transaction ends; None if the account is gone.

    What was checked before the transaction is checked again on this row. Before rows that belong to the user
    (`db/locking.py`).
    """
    return (
        await models.User.filter(id=user_id, deleted_at__isnull=True).select_for_update(no_key=True).first()
    )


async def lock_all(user_ids: Iterable[UUID]) -> None:
    """Lock the rows of users until the transaction ends. Raises NotFound if an account is gone."""
    distinct_ids = set(user_ids)
    rows = models.User.filter(id__in=distinct_ids, deleted_at__isnull=True).order_by("id")
    if len(await rows.select_for_update(no_key=True).values_list("id")) != len(distinct_ids):
        raise NotFound("There is no such user.")


async def by_email(email: str) -> models.User | None:
    """The account of a mailbox, however its address is spelled; of several, the one that is spelled so.

    One query, also for what is no e-mail address.
    """
    spellings = email_addresses.spellings(email)
    # What grew beyond the column matches no user, and Tortoise refuses to look for it.
    searchable = [
        form for form in spellings if is_text(form) and len(form) <= email_addresses.MAX_EMAIL_CHARS
    ]
    rows = await models.User.filter(email__in=searchable, deleted_at__isnull=True)
    return min(rows, key=lambda row: spellings.index(row.email), default=None)


async def access_many(user_ids: Iterable[UUID]) -> list[wire.User]:
    """People in the order asked for, each once. Raises NotFound if one is not there or gone."""
    distinct_ids = list(dict.fromkeys(user_ids))
    async with database.guard():
        rows = await models.User.filter(id__in=distinct_ids, deleted_at__isnull=True)
    found = {row.id: to_view(row) for row in rows}
    if len(found) != len(distinct_ids):
        raise NotFound("There is no such user.")
    return [found[user_id] for user_id in distinct_ids]
