"""Profiles: looking people up, and changing one's own."""

from urllib.parse import urlsplit

from msgspec import UNSET, structs

from hubbub import models
from hubbub.cluster.bus import AccountChanged
from hubbub.core import clock
from hubbub.core.errors import InvalidPayload, NotFound
from hubbub.models import truth
from hubbub.schemas import profiles as wire
from hubbub.services import accounts, database, users
from hubbub.services.context import Context


def show(row: models.User) -> wire.Profile:
    """What every logged-in person may see."""
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


async def get(_ctx: Context, command: wire.Named) -> wire.Profile:
    """Somebody's profile. Raises NotFound."""
    username = command.username.lower()
    row = None
    if len(username) <= accounts.LONGEST:
        async with database.guard():
            row = await models.User.filter(username=username, deleted_at__isnull=True).first()
    if row is None:
        raise NotFound("There is no such user.")
    return show(row)


async def update(ctx: Context, command: wire.UpdateProfile) -> wire.Profile:
    """Change one's own profile; the next message shows a new display name. Raises InvalidPayload."""
    given = {name: value for name, value in structs.asdict(command).items() if value is not UNSET}
    if "display_name" in given:
        given["display_name"] = accounts.one_line(given["display_name"], "display_name")
    if given.get("location"):
        given["location"] = accounts.one_line(given["location"], "location")
    if given.get("website_url") is not None:
        given["website_url"] = _website(given["website_url"])
    async with database.transaction() as tx:
        own = models.User.filter(id=ctx.user_id)
        if given:
            await own.update(**given, updated_at=clock.now())
            await truth.touch(tx, [ctx.user_id])
        row = await own.first()
    if row is None:
        raise NotFound
    if "display_name" in given:
        ctx.parts.bus.publish(AccountChanged(users.show(row), row.role))
    return show(row)


def _website(text: str) -> str:
    """An address that is safe to put into a link."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable()
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in text):
        raise InvalidPayload(fields=(("website_url", "An address that begins with http:// or https://."),))
    return text
