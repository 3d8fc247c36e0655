"""People: finding them and showing them."""

from collections.abc import Iterable
from uuid import UUID

from hubbub import models
from hubbub.core.errors import NotFound
from hubbub.schemas import users as wire
from hubbub.services import database
from hubbub.services.context import Context


def show(row: models.User) -> wire.User:
    """What others see of a person."""
    return wire.User(
        id=row.id, username=row.username, display_name=row.display_name, avatar_url=row.avatar_url
    )


async def me(ctx: Context) -> wire.User:
    """The caller; known by heart if they are connected here."""
    resident = ctx.parts.residents.get(ctx.user_id)
    return resident.user if resident is not None else await access(ctx.user_id)


async def access(user_id: UUID) -> wire.User:
    """One person. Raises NotFound."""
    return (await several([user_id]))[0]


async def several(user_ids: Iterable[UUID]) -> list[wire.User]:
    """People in the order asked for, each once. Raises NotFound if one is not there or gone."""
    wanted = list(dict.fromkeys(user_ids))
    async with database.guard():
        rows = await models.User.filter(id__in=wanted, deleted_at__isnull=True)
    found = {row.id: show(row) for row in rows}
    if len(found) != len(wanted):
        raise NotFound("There is no such user.")
    return [found[user_id] for user_id in wanted]
