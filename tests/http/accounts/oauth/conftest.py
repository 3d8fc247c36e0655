"""Providers, a mail server and a browser for logins with a provider."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from hubbub import models
from hubbub.config import oauth_providers
from hubbub.core import clock
from tests.support.live_instance import LiveInstance
from tests.support.mailbox import Mailbox, run_mailbox
from tests.support.oauth_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    OAuthBrowser,
    run_issuer,
)

SITE = "https://chat.example"
APP = "https://app.example"
PASSWORD = "correct horse battery"


@pytest.fixture
async def other() -> AsyncIterator[Issuer]:
    async with run_issuer() as made:
        yield made


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


@pytest.fixture
def settings(settings: Any, other: Issuer, mailbox: Mailbox) -> Any:
    address = other.url.replace("://", f"://{CLIENT_ID}:{quote(CLIENT_SECRET, safe='')}@")
    return settings.model_copy(
        update={
            "public_url": SITE,
            "cors_origins": (APP, "*"),
            "smtp_url": mailbox.url,
            "inline_workers": True,
            "oauth_github_url": other.url,
            "oauth_github_client_id": CLIENT_ID,
            "oauth_github_client_secret": CLIENT_SECRET,
            "oauth_issuers": oauth_providers.parse_issuers(f"test={address}"),
        }
    )


@pytest.fixture
def browser(instance: LiveInstance) -> OAuthBrowser:
    return OAuthBrowser(instance.http, instance.url)


async def verified(name: str) -> None:
    await models.User.filter(username=name).update(email_verified_at=clock.now())


def received(location: str) -> dict[str, str]:
    """Return the fragment that the page gets."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).fragment).items()}


async def exchange(instance: LiveInstance, location: str, **more: str) -> tuple[int, Any]:
    body = {"code": received(location)["oauth_code"], **more}
    return await instance.rest("POST", "/auth/oauth/exchange", json=body)


def one_provider(kind: str = "sqlite") -> pytest.MarkDecorator:
    """What has nothing to do with rows runs on one database."""
    return pytest.mark.parametrize("database_kind", [kind])
