"""The container of these tests, and users with portfolios."""

import uuid

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.services.context import Context


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def ada(container):
    return await make_user(container, "ada")


@pytest.fixture
async def eve(container):
    return await make_user(container, "eve")


async def make_user(container, name):
    """Create a user; returns the context of its calls."""
    row = await models.User.create(username=name, email=f"{name}@example.com", display_name=name)
    return Context(container, uuid.UUID(str(row.id)))
