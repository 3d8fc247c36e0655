"""The container and the gate of the races."""

import pytest

from hubbub.cli import services_context
from tests.services.users.users.race_user import Gate


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
def gate(monkeypatch):
    return Gate(monkeypatch)
