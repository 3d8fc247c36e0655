"""Files that a public portfolio shows are public, and only these."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.uploads import files
from hubbub.schemas.base import parse
from hubbub.schemas.portfolio.items import ref_of
from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from hubbub.services.portfolio import items
from tests.services.uploads.conftest import store
from tests.support.portfolio_items import changes, new

WITH_UPLOADS = [(each, field) for each in RESOURCES for field in each.upload_fields]


async def is_public(upload):
    found = await files.find(database.connection(), upload.id, upload.name)
    assert found is not None
    return found.is_public


async def set_profile(ctx, **fields):
    await models.PortfolioProfile.filter(user_id=ctx.user_id).update(**fields)


@pytest.mark.parametrize(("resource", "field"), WITH_UPLOADS, ids=lambda it: getattr(it, "name", it))
async def test_a_file_is_public_while_a_visible_item_shows_it(ada, resource, field):
    upload = await store(ada, b"picture")
    visible = {resource.hidden_unless: True} if resource.hidden_unless else {}
    item = await items.create(ada, resource, new(resource, **{field: upload.url, **visible}))
    assert not await is_public(upload)

    await set_profile(ada, is_public=True)
    assert await is_public(upload)

    await set_profile(ada, **{resource.switch: False})
    assert not await is_public(upload)
    await set_profile(ada, **{resource.switch: True})
    for hidden in ({name: False} for name in visible):
        await items.update(ada, resource, changes(resource, item, **hidden))
        assert not await is_public(upload)
        await items.update(ada, resource, changes(resource, item, **visible))
    assert await is_public(upload)
    await items.delete(ada, resource, parse(ref_of(resource), {resource.key_field: str(item.id)}))
    assert not await is_public(upload)


async def test_the_files_of_a_suspended_or_deleted_user_are_not_public(ada):
    upload, now = await store(ada, b"picture"), clock.now()
    await items.create(ada, BY_NAME["projects"], new(BY_NAME["projects"], image=upload.url))
    await set_profile(ada, is_public=True)
    user = models.User.filter(id=ada.user_id)

    for fields, public in (
        ({"suspended_at": now}, False),
        ({"suspended_at": now, "suspended_until": now + timedelta(hours=1)}, False),
        ({"suspended_at": now, "suspended_until": now - timedelta(hours=1)}, True),
        ({"suspended_at": None, "suspended_until": None}, True),
        ({"deleted_at": now}, False),
    ):
        await user.update(**fields)
        assert await is_public(upload) is public


async def test_the_logo_of_a_hidden_company_is_not_public_by_its_experiences(ada):
    companies, experiences = BY_NAME["companies"], BY_NAME["experiences"]
    upload = await store(ada, b"logo")
    company = await items.create(ada, companies, new(companies, logo=upload.url))
    await items.create(ada, experiences, new(experiences, company_id=str(company.id)))
    await set_profile(ada, is_public=True)
    assert await is_public(upload)

    await set_profile(ada, show_companies=False)

    assert not await is_public(upload)


async def test_the_resume_of_a_public_portfolio_is_public(ada):
    upload, other = await store(ada, b"resume"), await store(ada, b"other")
    await items.create(ada, BY_NAME["skills"], new(BY_NAME["skills"]))
    await models.UploadReference.create(upload_id=upload.id, kind="resume", target_id=ada.user_id)
    assert not await is_public(upload)

    await set_profile(ada, is_public=True)

    assert await is_public(upload)
    assert not await is_public(other)
