"""Units of work: what cached responses they invalidate, and when."""

from uuid import uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.cluster.bus import CacheInvalidated
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.portfolio import versions
from hubbub.services.context import Context


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
def invalidated(container):
    """The tags whose entries instances remove, and whether a transaction was open then."""
    found = []

    def record(signal):
        if isinstance(signal, CacheInvalidated):
            found.extend((tag, database.in_transaction()) for tag in signal.tags)

    container.bus.add_handler(record)
    return found


async def make_user(name, *, with_portfolio=True):
    user = await models.User.create(username=name, email=f"{name}@example.com", display_name=name)
    if with_portfolio:
        await versions.touch(database.connection(), user.id, clock.now())
    return user


async def test_tags_are_invalidated_once_after_the_commit(container, invalidated):
    async with Context(container, uuid4()).unit() as unit:
        for tag in ("b", "a", "b"):
            unit.invalidate(tag)
        assert invalidated == []

    assert invalidated == [("a", False), ("b", False)]


async def test_nothing_is_invalidated_by_a_unit_that_fails(container, invalidated):
    ada = await make_user("ada")

    async def fail():
        async with Context(container, ada.id).unit() as unit:
            unit.invalidate("a")
            unit.change_portfolio(ada.id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert invalidated == []
    assert (await models.PortfolioProfile.get(user_id=ada.id)).version == 1


async def test_a_change_of_an_account_is_one_of_the_portfolio_if_there_is_one(container, invalidated):
    ada, bob = await make_user("ada"), await make_user("bob", with_portfolio=False)

    async with Context(container, ada.id).unit() as unit:
        for user in (ada, bob, ada):
            unit.change_portfolio(user.id)

    assert invalidated == [(versions.tag_of(ada.id), False)]
    assert (await models.PortfolioProfile.get(user_id=ada.id)).version == 2
    assert not await models.PortfolioProfile.exists(user_id=bob.id)
