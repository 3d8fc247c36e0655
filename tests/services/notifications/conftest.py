"""Operations without an instance, and a mail server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.services.context import Container
from tests.support.mailbox import Mailbox, run_mailbox

CreateUser = Callable[..., Awaitable[models.User]]


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as box:
        yield box


@pytest.fixture
def settings(settings: Any, mailbox: Mailbox) -> Any:
    update = {"smtp_url": mailbox.url, "public_url": "https://chat.example"}
    return settings.model_copy(update=update)


@pytest.fixture
async def container(settings: Any) -> AsyncIterator[Container]:
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
def create_user(container: Container) -> CreateUser:
    """Creates accounts with a verified e-mail address."""

    async def create(name: str, **fields: Any) -> models.User:
        values = {"email": f"{name}@example.com", "email_verified_at": clock.now(), **fields}
        return await models.User.create(username=name, display_name=name.title(), **values)

    return create
