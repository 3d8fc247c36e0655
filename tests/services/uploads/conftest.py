"""The container of these tests, and files to upload."""

import uuid
from collections.abc import AsyncIterator

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.services.context import Context
from hubbub.services.uploads import uploads
from hubbub.services.uploads.receiving import IncomingFile, UploadRequest


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def ada(container):
    return await make_user(container, "ada")


async def make_user(container, name):
    """Create a user; returns the context of its calls."""
    row = await models.User.create(username=name, email=f"{name}@example.com", display_name=name)
    return Context(container, uuid.UUID(str(row.id)))


def request(content, kind="document", name="a.txt"):
    async def files() -> AsyncIterator[IncomingFile]:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        yield IncomingFile(name, chunks())

    return UploadRequest(kind, files(), "file")


async def store(ctx, content, kind="document", name="a.txt"):
    """Upload a file; returns its view."""
    return (await uploads.store(ctx, request(content, kind, name)))[0]


async def object_keys(container):
    """All keys in the storage."""
    from datetime import timedelta

    from hubbub.core import clock

    later = clock.now() + timedelta(minutes=1)
    return sorted([key async for batch in container.storage.list_keys(later) for key in batch])
