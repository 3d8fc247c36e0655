"""Avatars: a user has at most one. It is public while the user has it."""

from hubbub import models
from hubbub.cluster.bus import AccountChanged
from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.queries.portfolio import versions as portfolio_versions
from hubbub.queries.sync import change_counters
from hubbub.queries.uploads import references
from hubbub.schemas.uploads import uploads as wire
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.uploads import uploads, views
from hubbub.services.uploads.receiving import UploadRequest
from hubbub.services.users import users

REFERENCE = "avatar"


async def set_avatar(ctx: Context, request: UploadRequest) -> wire.Upload:
    """Store an image as the caller's avatar, in place of the one before.

    Instances and sockets receive the change before this returns. Raises what `receiving.receive` raises.
    """

    async def add(unit: UnitOfWork, user: models.User, rows: list[models.Upload]) -> None:
        await _replace(unit, user, rows[0], views.public_url(ctx.container.settings, rows[0]))

    return (await uploads.store(ctx, request, add))[0]


async def remove_avatar(ctx: Context) -> None:
    """Remove the caller's avatar. The upload is deleted a day later. Without an avatar nothing happens."""
    async with ctx.unit() as unit:
        user = await users.lock(ctx.user_id)
        if user is None:
            raise NotFound
        if user.avatar_url is not None:
            await _replace(unit, user, None, None)


async def _replace(
    unit: UnitOfWork, user: models.User, upload: models.Upload | None, url: str | None
) -> None:
    """Set the avatar of a locked user in the caller's unit of work."""
    wanted = {user.id: [upload.id] if upload is not None else []}
    await portfolio_versions.lock(unit.tx, user.id)  # an item may refer to the same upload
    await references.replace(unit.tx, user.id, REFERENCE, wanted, clock.now())
    await store_url(unit, user, url)


async def store_url(unit: UnitOfWork, user: models.User, url: str | None) -> None:
    """Set the URL of the avatar of a locked user in the caller's unit of work.

    The caller replaces the reference to the upload.
    """
    user.avatar_url = url
    await models.User.filter(id=user.id).update(avatar_url=url, updated_at=clock.now())
    await change_counters.bump_version(unit.tx, [user.id])
    unit.change_portfolio(user.id)
    unit.publish(AccountChanged(users.to_view(user), user.role))
