"""The profile of the caller's portfolio. Its avatar is that of the user."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidPayload, NotFound
from hubbub.core.files import names
from hubbub.db import database
from hubbub.queries.uploads import references as upload_references
from hubbub.schemas.base import Command, View
from hubbub.schemas.portfolio import profile as wire
from hubbub.schemas.uploads import uploads as uploads_wire
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.portfolio import etags, references, versions
from hubbub.services.uploads import avatars, uploads
from hubbub.services.uploads.checks import IMAGE_KINDS
from hubbub.services.uploads.receiving import UploadRequest
from hubbub.services.users import users

NOT_IMAGE = "Must be an image."
_DEFAULTS = {column.name: column.default for column in wire.COLUMNS}
_KINDS = {"avatar": avatars.REFERENCE, "resume_url": wire.RESUME_REFERENCE}  # of references, by field


async def get(ctx: Context) -> View:
    """Return the caller's profile, with the defaults if it was never changed. Raises NotFound."""
    user = await users.load_caller(ctx)
    async with database.guard():
        row = await models.PortfolioProfile.filter(user_id=user.id).first()
    return _to_view(user, row)


async def load_fields(user_id: UUID) -> dict[str, Any]:
    """Return the fields of a profile, without the avatar; the defaults if it was never changed."""
    return _fields(await models.PortfolioProfile.filter(user_id=user_id).first())


def _fields(row: Any) -> dict[str, Any]:  # noqa: ANN401 - of a generated model
    return {name: getattr(row, name) if row is not None else default for name, default in _DEFAULTS.items()}


def _to_view(user: models.User, row: Any) -> View:  # noqa: ANN401 - of a generated model
    view: View = wire.Profile(avatar=user.avatar_url, **_fields(row))
    return view


async def update(ctx: Context, command: Command, expected_tags: Collection[str] | None = None) -> View:
    """Update the caller's profile: a missing field is unchanged, null is the default.

    With `expected_tags`, only a profile with one of these entity tags is changed. Raises InvalidPayload (not
    an upload of the caller, or an avatar that is no image), PreconditionFailed, NotFound.
    """
    async with ctx.unit() as unit:
        user, row = await _lock(unit, ctx.user_id)
        etags.require_match(expected_tags, _to_view(user, row))
        await _change(ctx, unit, user, row, command)
    return _to_view(user, row)


async def change(ctx: Context, unit: UnitOfWork, command: Command) -> None:
    """Change the profile as `update` does, in the caller's unit of work, with a locked portfolio."""
    user = await users.lock(ctx.user_id)
    if user is None:
        raise NotFound
    await _change(ctx, unit, user, await models.PortfolioProfile.get(user_id=user.id), command)


async def _change(
    ctx: Context,
    unit: UnitOfWork,
    user: models.User,
    row: Any,  # noqa: ANN401 - of a generated model
    command: Command,
) -> None:
    changes = {name: value for name, value in msgspec.structs.asdict(command).items() if value is not UNSET}
    changes |= await _refer(ctx, unit, {name: changes[name] for name in _KINDS if name in changes})
    if "avatar" in changes and (avatar_url := changes.pop("avatar")) != user.avatar_url:
        await avatars.store_url(unit, user, avatar_url)
    columns = {name: _DEFAULTS[name] if value is None else value for name, value in changes.items()}
    await _store(row, columns)


async def _lock(unit: UnitOfWork, user_id: UUID) -> tuple[models.User, Any]:
    """Lock the user and the portfolio, which is created if there is none. Raises NotFound."""
    user = await users.lock(user_id)
    if user is None:
        raise NotFound
    await versions.touch(unit, user.id)
    return user, await models.PortfolioProfile.get(user_id=user.id)


async def _store(row: Any, columns: dict[str, Any]) -> None:  # noqa: ANN401 - of a generated model
    row.update_from_dict(columns)
    await models.PortfolioProfile.filter(id=row.id).update(**columns, updated_at=clock.now())


async def _refer(ctx: Context, unit: UnitOfWork, urls: Mapping[str, str | None]) -> dict[str, str | None]:
    """Replace the references of the fields, and return their URLs as they are stored.

    Those of own uploads are stable: the avatar, which is always public, has that of the CDN. Raises
    InvalidPayload.
    """
    settings, tx = ctx.container.settings, unit.tx
    found = {
        field: upload
        for field, url in urls.items()
        if url is not None and (upload := references.upload_of(settings, url)) is not None
    }
    kinds = [_KINDS[field] for field in urls]
    former = await models.UploadReference.filter(kind__in=kinds, target_id=ctx.user_id)
    ids = {*(row.upload_id for row in former), *(upload_id for upload_id, _ in found.values())}
    own = await upload_references.lock_own(tx, ctx.user_id, ids)  # of all fields at once, in one order
    for field, (upload_id, name) in found.items():
        if name not in own.get(upload_id, ()):
            raise InvalidPayload(fields=((field, references.NOT_OWN),))
    if "avatar" in found and not await _is_image(found["avatar"][0]):
        raise InvalidPayload(fields=(("avatar", NOT_IMAGE),))
    for field in urls:
        wanted = {ctx.user_id: [found[field][0]] if field in found else []}
        await upload_references.replace(tx, ctx.user_id, _KINDS[field], wanted, clock.now())
    base = {"avatar": settings.cdn_url or ""}
    paths = {field: base.get(field, "") + names.to_path(*upload) for field, upload in found.items()}
    return {**urls, **paths}


async def _is_image(upload_id: UUID) -> bool:
    return await models.Upload.exists(id=upload_id, kind__in=IMAGE_KINDS)


async def set_resume(ctx: Context, request: UploadRequest) -> uploads_wire.Upload:
    """Store a document as the caller's résumé, in place of the one before.

    Raises what `receiving.receive` raises.
    """

    async def add(unit: UnitOfWork, user: models.User, rows: list[models.Upload]) -> None:
        _, row = await _lock(unit, user.id)
        url = names.to_path(rows[0].id, rows[0].name)
        await _store(row, await _refer(ctx, unit, {"resume_url": url}))

    return (await uploads.store(ctx, request, add))[0]


async def remove_resume(ctx: Context) -> None:
    """Remove the caller's résumé. Its upload is deleted a day later. Without a résumé nothing happens."""
    async with ctx.unit() as unit:
        _, row = await _lock(unit, ctx.user_id)
        if row.resume_url is not None:
            await _store(row, await _refer(ctx, unit, {"resume_url": None}))
