"""The container of the tests of workers and schedulers."""

import pytest

from hubbub.cli import services_context


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container
