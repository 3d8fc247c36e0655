"""Public pages of two instances on PostgreSQL and Redis."""

import re
from uuid import uuid4

import pytest

from tests.http.public.test_pages import BROWSER, change_profile, create
from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import RemoteInstances
from tests.support.server_process import ServerProcess, run_together

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@pytest.fixture
async def remote_instances(database_url, redis_url, tmp_path):
    shared = {"database_url": database_url, "redis_url": redis_url, "redis_prefix": f"t-{uuid4().hex}"}
    options = {**shared, "limit_public": "off", **UNLIMITED}
    async with (
        run_together(ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)) as (one, other),
        RemoteInstances(one.url, other.url) as instances,
    ):
        yield instances
        assert one.error_lines() == other.error_lines() == []


async def load(instances, path):
    """Return the status and the text of a page at each instance."""
    found = []
    for url in instances.urls:
        async with instances.http.get(f"{url}{path}", headers=BROWSER) as response:
            found.append((response.status, await response.text()))
    return found


async def test_a_write_through_one_instance_is_seen_by_the_other(remote_instances):
    ada = await remote_instances.register("ada")
    await change_profile(ada, is_public=True, bio="Engineer")
    before = await load(remote_instances, "/@ada")

    await create(ada, "projects", title="Something new")
    changed = await load(remote_instances, "/@ada")
    sitemap = await load(remote_instances, "/sitemap.xml")
    [(_, form_page), _] = await load(remote_instances, "/@ada/contact")
    stamp = re.findall('name="stamp" value="([^"]+)"', form_page)[0]
    form = {"name": "Grace", "email": "grace@example.org", "message": "Hello", "website": "", "stamp": stamp}
    async with remote_instances.http.post(f"{remote_instances.urls[1]}/@ada/contact", data=form) as response:
        sent = response.status, "very quickly" in await response.text()
    await change_profile(ada, is_public=False)
    hidden = await load(remote_instances, "/@ada")

    assert [(status, "Engineer" in page, "Something new" in page) for status, page in before] == [
        (200, True, False)
    ] * 2
    assert [(status, "Something new" in page) for status, page in changed] == [(200, True)] * 2
    assert [(status, "/@ada/projects/" in page) for status, page in sitemap] == [(200, True)] * 2
    assert [status for status, _ in hidden] == [404] * 2
    assert sent in ((422, True), (202, False))  # the stamp of the other instance is valid, in a moment
