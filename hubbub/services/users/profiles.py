"""Profiles: look up a user's, update the caller's."""

from msgspec import UNSET, structs

from hubbub import models
from hubbub.cluster.bus import AccountChanged
from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.core.text import names, usernames
from hubbub.db import database
from hubbub.queries.sync import change_counters
from hubbub.schemas.users import profiles as wire
from hubbub.services.context import Context, publish
from hubbub.services.users import users


def to_view(row: models.User) -> wire.Profile:
    """Return a profile as every logged-in user may see it."""
    return wire.Profile(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        avatar_url=row.avatar_url,
        bio=row.bio or "",
        location=row.location or "",
        website_url=row.website_url,
        created_at=clock.rfc3339(row.created_at),
    )


async def get(_ctx: Context, command: wire.UsernameRef) -> wire.Profile:
    """Return a user's profile by username. Raises NotFound."""
    username = names.key(command.username)
    row = None
    if len(username) <= usernames.MAX_USERNAME_CHARS:
        async with database.guard():
            row = await models.User.filter(username=username, deleted_at__isnull=True).first()
    if row is None:
        raise NotFound("User not found.")
    return to_view(row)


async def update(ctx: Context, command: wire.UpdateProfile) -> wire.Profile:
    """Update the caller's profile. New messages carry a new display name. Raises InvalidPayload."""
    changes = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    for name in ("display_name", "location"):
        if name in changes:
            changes[name] = names.normalize_line(changes[name])
    async with database.transaction() as tx:
        own = models.User.filter(id=ctx.user_id)
        if changes:
            await own.update(**changes, updated_at=clock.now())
            await change_counters.bump_version(tx, [ctx.user_id])
        row = await own.first()
    if row is None:
        raise NotFound
    if "display_name" in changes:
        await publish(ctx.container.bus, AccountChanged(users.to_view(row), row.role))
    return to_view(row)
