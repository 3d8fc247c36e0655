"""A login with a provider whose steps reach different instances."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import RemoteInstances
from tests.support.oauth_provider import CLIENT_ID, CLIENT_SECRET, OAuthBrowser, run_issuer
from tests.support.server_process import ServerProcess, run_together

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@pytest.fixture
async def remote_instances(
    database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[RemoteInstances]:
    """Two instances of one deployment with one provider."""
    async with run_issuer() as other:
        options = {
            "database_url": database_url,
            "redis_url": redis_url,
            "redis_prefix": f"t-{uuid4().hex}",
            "public_url": "https://chat.example",
            "oauth_issuers": "test="
            + other.url.replace("://", f"://{CLIENT_ID}:{quote(CLIENT_SECRET, safe='')}@"),
            **UNLIMITED,
        }
        async with (
            run_together(ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)) as (
                one,
                two,
            ),
            RemoteInstances(one.url, two.url) as made,
        ):
            yield made


async def test_each_step_runs_on_another_instance(remote_instances: RemoteInstances) -> None:
    here, there = remote_instances.urls
    browser = OAuthBrowser(remote_instances.http, here)
    back = await browser.authorize("test", redirect="/")
    second_browser = browser.clone()

    browser.url = there
    status, location, _ = await browser.get(back)
    assert status == 302, location
    assert (await second_browser.get(back))[0] == 400  # the state is spent on both

    body = {"code": location.rpartition("oauth_code=")[2]}
    answers = []
    for url in (here, there):
        async with remote_instances.http.post(f"{url}/api/v1/auth/oauth/exchange", json=body) as answer:
            answers.append(answer.status)
    assert answers == [200, 400]
