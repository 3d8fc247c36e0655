"""An instance on PostgreSQL behind a proxy, with low limits and two identity providers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubbub.config import oauth_providers
from hubbub.ratelimit.rate import Rate
from tests.http.openapi.responses.operation_caller import BURST, MAX_FILE_BYTES
from tests.support.oauth_provider import CLIENT_ID, CLIENT_SECRET, Issuer, run_issuer
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
def database_kind():
    return "postgres"


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[TcpProxy]:
    made = TcpProxy(database_url)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def other() -> AsyncIterator[Issuer]:
    async with run_issuer() as made:
        yield made


@pytest.fixture
async def settings(settings: Any, proxy: TcpProxy, other: Issuer) -> Any:
    known = [
        (name, name, url, CLIENT_ID, CLIENT_SECRET)
        for name, url in (("test", other.url), ("down", "http://127.0.0.1:1"))
    ]
    return settings.model_copy(
        update={
            "database_url": proxy.url,
            "limit_message_send": Rate(BURST, 0.1),
            "max_image_bytes": MAX_FILE_BYTES,
            "max_upload_bytes": MAX_FILE_BYTES,
            "oauth_issuers": tuple(oauth_providers.Provider(*each) for each in known),
        }
    )
