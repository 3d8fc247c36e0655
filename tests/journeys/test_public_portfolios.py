"""Public portfolios on two instances, with PostgreSQL and Redis: no instance shows what was overwritten."""

import time
from uuid import uuid4

import asyncpg
import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support import waiting
from tests.support.live_instance import RemoteInstances
from tests.support.pictures import form, picture
from tests.support.public_portfolio import ITEMS
from tests.support.server_process import ServerProcess, run_together
from tests.support.tcp_proxy import TcpProxy

WRITE_S = 5.0  # for a write without Redis, on a busy machine

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@pytest.fixture
async def proxy(redis_url):
    """What the instances take for Redis."""
    async with TcpProxy(redis_url) as made:
        yield made


@pytest.fixture
async def instances(database_url, proxy, tmp_path):
    """Two instances of one deployment, and ada with a public portfolio. Writes are sent to the first one."""
    shared = {"database_url": database_url, "redis_url": proxy.url, "redis_prefix": f"t-{uuid4().hex}"}
    options = {**shared, "default_rooms": "", "limit_public": "off", **UNLIMITED}
    async with (
        run_together(ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)) as (one, other),
        RemoteInstances(one.url, other.url) as made,
    ):
        ada = await made.register("ada")
        await write(ada, "PATCH", "/portfolio/profile", is_public=True)
        made.project = await write(ada, "POST", "/portfolio/projects", **ITEMS["projects"])
        yield made
        assert one.error_lines() == other.error_lines() == []


async def write(user, method, path, **fields):
    status, response = await user.rest(method, path, json=fields or None)
    assert status < 300, response
    return response["data"] if response else None


async def read(instances, path="ada-l"):
    """Return status and data of both instances."""
    found = []
    for url in instances.urls:
        async with instances.http.get(f"{url}/api/v1/public/portfolio/{path}") as response:
            body = await response.json()
            found.append((response.status, body.get("data")))
    return found


async def wait_for(instances, value, path="ada-l"):
    """Wait until both instances show a value. The signal is confirmed when Redis has it."""

    async def is_shown():
        return [value(data) if status == 200 else status for status, data in await read(instances, path)]

    return await waiting.until(lambda: _both(is_shown))


async def _both(is_shown):
    return all(found is True for found in await is_shown())


@pytest.mark.slow("9 s: two instances start, and Redis is unavailable in two ways")
async def test_each_write_is_seen_on_both_instances_with_and_without_redis(instances, proxy, database_url):
    await change_everything(instances)
    await lose_redis(instances, proxy)
    await suspend_and_delete(instances, database_url)


async def change_everything(instances):
    ada, project = instances.users["ada"], instances.project
    await wait_for(instances, lambda it: it["sections"]["projects"]["total"] == 1, "ada")

    await write(ada, "PATCH", f"/portfolio/projects/{project['id']}", title="Another bridge")
    await wait_for(instances, lambda it: it["title"] == "Another bridge", f"ada/projects/{project['id']}")
    await wait_for(
        instances, lambda it: it["sections"]["projects"]["items"][0]["title"] == "Another bridge", "ada"
    )
    await write(ada, "PATCH", "/portfolio/profile", bio="Welder")
    await wait_for(instances, lambda it: it["profile"]["bio"] == "Welder", "ada")
    await write(ada, "PATCH", "/users/profile", display_name="Ada L.")
    await wait_for(instances, lambda it: it["user"]["display_name"] == "Ada L.", "ada")
    avatar = await ada.rest("POST", "/users/profile/avatar", data=form(("a.png", picture())))
    assert avatar[0] in (200, 201), avatar
    await wait_for(instances, lambda it: it["profile"]["avatar"] is not None, "ada")
    await write(ada, "DELETE", "/users/profile/avatar")
    await wait_for(instances, lambda it: it["user"]["avatar_url"] is None, "ada")
    await write(ada, "PATCH", "/portfolio/profile", show_projects=False)
    await wait_for(instances, lambda it: "projects" not in it["sections"], "ada")
    await write(ada, "PATCH", "/users/profile", username="ada-l")
    await wait_for(instances, lambda it: it["user"]["username"] == "ada-l")
    assert [status for status, _ in await read(instances, "ada")] == [404, 404]


async def suspend_and_delete(instances, database_url):
    ada, root = instances.users["ada"], await instances.register("chief")
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE users SET role = 'admin' WHERE id = $1", root.id)
    await connection.close()

    async def are_hidden():
        return [status for status, _ in await read(instances)] == [404, 404]

    await write(root, "PATCH", f"/admin/users/{ada.id}", suspended={"reason": "spam"})
    await waiting.until(are_hidden)
    await write(root, "PATCH", f"/admin/users/{ada.id}", suspended=None)
    await wait_for(instances, lambda it: it["user"]["username"] == "ada-l")
    await write(root, "DELETE", f"/admin/users/{ada.id}")
    await waiting.until(are_hidden)


async def lose_redis(instances, proxy):
    """The writes take longer. No read waits for anything but the database."""
    ada = instances.users["ada"]

    proxy.freeze()
    await write_and_read(instances, "frozen")
    proxy.thaw()
    await proxy.stop()
    await write_and_read(instances, "stopped")

    await proxy.start()
    await write(ada, "PATCH", "/portfolio/profile", bio="after")
    await wait_for(instances, lambda it: it["profile"]["bio"] == "after")


async def write_and_read(instances, bio):
    """Write, and read from both instances at once: neither shows what was overwritten."""
    for number in range(2):
        await read(instances)  # so that both have an entry
        began = time.monotonic()
        await write(instances.users["ada"], "PATCH", "/portfolio/profile", bio=f"{bio} {number}")
        assert time.monotonic() - began < WRITE_S

        assert [data["profile"]["bio"] for _, data in await read(instances)] == [f"{bio} {number}"] * 2


@pytest.mark.soak
async def test_a_write_is_seen_while_the_connections_to_redis_are_stalled(instances, proxy):
    await wait_for(instances, lambda it: it["sections"]["projects"]["total"] == 1, "ada")

    proxy.stall_connections()  # noticed after 5 s: until then the version is read once a second
    await write(instances.users["ada"], "PATCH", "/portfolio/profile", bio="stalled")

    await wait_for(instances, lambda it: it["profile"]["bio"] == "stalled", "ada")
