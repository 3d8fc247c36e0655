"""Portfolios of sample users."""

from uuid import UUID

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.schemas.base import encode
from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from hubbub.services.context import Context
from hubbub.services.portfolio import documents
from hubbub.services.portfolio import items as operations
from hubbub.services.seed import portfolios, sample
from hubbub.services.users import users
from tests.support.portfolio_documents import run_export


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def make_users(*names):
    rows = [
        await models.User.create(username=name, email=f"{name}@example.com", display_name=name)
        for name in names
    ]
    return [users.to_view(row) for row in rows]


def test_there_are_portfolios_in_many_scripts_of_users_of_the_smallest_sample():
    found = portfolios.templates()
    texts = ["".join(str(each.content)) for each in found]

    assert len(found) == 10
    assert {each.username for each in found} <= {sample.user_names(number)[0] for number in range(20)}
    for letters in (
        "a-z",
        "\u0430-\u044f",
        "\u0627-\u064a",
        "\u3041-\u3096",
        "\u0915-\u0939",
        "\u4e00-\u9fff",
    ):
        first, last = letters.split("-")
        assert any(sum(first <= character <= last for character in text) > 100 for text in texts), letters


@pytest.mark.parametrize("template", portfolios.templates(), ids=lambda template: template.username)
def test_each_template_is_a_valid_document_without_its_pictures(template):
    content = {
        name: [{field: value for field, value in item.items() if field != "picture"} for item in section]
        if isinstance(section, list)
        else section
        for name, section in template.content.items()
    }

    assert documents.read(encode({"version": 1, **content})).faults == []
    assert {"projects", "companies", "experiences", "skills", "education", "blog", "contacts"} <= set(content)


async def test_a_portfolio_is_public_with_pictures_and_companies(container):
    ada, other = await make_users("ada", "zoe")
    steps = []

    username = await portfolios.add(container, [ada, other], 2, steps.append)

    ctx = Context(container, ada.id)
    found = await run_export(ctx)
    experiences = await operations.list_items(
        ctx, BY_NAME["experiences"], BY_NAME["experiences"].list_query()
    )
    assert (username, sum(steps)) == ("ada", 2)
    assert all(found[each.name] for each in RESOURCES)
    assert found["profile"]["is_public"] is True
    assert [each.linked_company is not None for each in experiences.items] == [True, True, False]
    shown = {each["image"] for each in found["projects"]} | {each["logo"] for each in found["companies"]}
    assert all(url.startswith("/uploads/") for url in shown)
    assert not await models.Upload.filter(unreferenced_since__isnull=False).exists()
    assert (await models.User.get(id=ada.id)).first_name == "Ada"
    assert not await models.PortfolioProfile.exists(user_id=other.id)


async def test_a_portfolio_that_exists_is_unchanged(container):
    (ada,) = await make_users("ada.sample")
    await portfolios.add(container, [ada], 1, lambda _: None)
    ctx = Context(container, ada.id)
    resource = BY_NAME["projects"]
    project = (await run_export(ctx))["projects"][0]["id"]
    await operations.delete(ctx, resource, operations.wire.ItemRef(item_id=UUID(project)))
    before = await run_export(ctx)

    await portfolios.add(container, [ada], 1, lambda _: None)

    assert await run_export(ctx) == before
