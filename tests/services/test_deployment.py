"""Real invalid deployments: the doctor reports each."""

from contextlib import AsyncExitStack

import pytest

from hubbub.cli import doctor as command
from hubbub.core import ids
from hubbub.db import database, migrations
from hubbub.queries.instance import processes as rows
from hubbub.services import deployment, doctor
from hubbub.services.doctor import CheckFailed
from hubbub.services.instance.processes import Process

KEY, OTHER_KEY = "k" * 40, "o" * 40


@pytest.fixture
async def deployed(settings):
    """Register processes; the doctor then looks from another one."""
    settings = settings.model_copy(update={"secret_key": KEY})

    async def deployed(*processes):
        await migrations.open_current(settings)
        for number, (kind, changes) in enumerate(processes):
            more = {"instance_id": f"i{number}", **changes}
            found = Process(settings.model_copy(update=more), kind).registration._replace(run=ids.uuid7())
            await rows.write(database.connection(), found)
        await database.close()
        return settings

    return deployed


REDIS = {"redis_url": "redis://127.0.0.1:1"}
INLINE = {"inline_workers": True}
APART = {"inline_workers": False}
BAD = {
    "two of one id": (
        deployment.check_instances,
        [("serve", {"instance_id": "a", **REDIS}), ("serve", {"instance_id": "a", **REDIS})],
        "HUBBUB_INSTANCE_ID",
    ),
    "another key": (
        deployment.check_instances,
        [("serve", REDIS), ("serve", {"secret_key": OTHER_KEY, **REDIS})],
        "serve i1: the secret key differs",
    ),
    "another key of a worker": (
        deployment.check_instances,
        [("serve", {}), ("worker", {"secret_key": OTHER_KEY})],
        "worker i1: the secret key differs",
    ),
    "no Redis": (deployment.check_instances, [("serve", {}), ("serve", {})], "HUBBUB_REDIS_URL"),
    "one without Redis": (deployment.check_instances, [("serve", REDIS), ("serve", {})], "HUBBUB_REDIS_URL"),
    "no Redis here": (command.check_redis, [("serve", {}), ("serve", {})], "HUBBUB_REDIS_URL"),
    "no worker": (deployment.check_worker, [("serve", APART)], "hubbub worker"),
    "no scheduler": (
        deployment.check_scheduler,
        [("serve", APART), ("worker", {})],
        "hubbub scheduler",
    ),
}
GOOD = {
    "nothing runs": (deployment.check_instances, [], "None is running."),
    "no process": (deployment.check_worker, [], "No process is running."),
    "several": (
        deployment.check_instances,
        [("serve", REDIS), ("serve", REDIS)],
        "i0, serve i1: same key",
    ),
    "one without Redis": (deployment.check_instances, [("serve", {}), ("worker", {})], "different ids"),
    "inline": (deployment.check_worker, [("serve", INLINE)], "serve i0 runs jobs."),
    "a worker": (deployment.check_worker, [("serve", APART), ("worker", {})], "worker i1 runs jobs."),
    "inline scheduler": (deployment.check_scheduler, [("serve", INLINE)], "serve i0 runs the schedules."),
    "a scheduler": (
        deployment.check_scheduler,
        [("serve", APART), ("scheduler", {})],
        "scheduler i1 runs the schedules.",
    ),
    "no proxy": (deployment.check_proxies, [("serve", {})], "None is trusted"),
}


@pytest.mark.parametrize(("check", "processes", "text"), BAD.values(), ids=BAD)
async def test_an_invalid_deployment_is_reported(deployed, check, processes, text):
    settings = await deployed(*processes)

    with pytest.raises(CheckFailed, match=text):
        await check(settings)


@pytest.mark.parametrize(("check", "processes", "text"), GOOD.values(), ids=GOOD)
async def test_a_valid_deployment_is_described(deployed, check, processes, text):
    assert text in await check(await deployed(*processes))


async def test_an_untrusted_proxy_is_reported(settings):
    async with AsyncExitStack() as stack:
        await migrations.open_current(settings)
        stack.push_async_callback(database.close)
        process = Process(settings, "serve")
        stack.push_async_callback(process.close)
        await process.register()
        process.report_untrusted_proxy("10.0.0.5")
        await process.renew()
        registration = process.registration
    await migrations.open_current(settings)
    await rows.write(database.connection(), registration)
    await database.close()

    with pytest.raises(CheckFailed, match=r"10\.0\.0\.5, which is not trusted.*HUBBUB_TRUSTED_PROXIES"):
        await deployment.check_proxies(settings)


async def test_nothing_runs_before_the_first_migration(bare_database_url, settings):
    bare = settings.model_copy(update={"database_url": bare_database_url})

    assert await deployment.live_processes(bare) == []


async def test_an_unavailable_database_is_a_failure(settings):
    away = settings.model_copy(update={"database_url": "postgres://hub@127.0.0.1:1/hub"})

    found = [each async for each in doctor.run_checks(away, {"worker": deployment.check_worker})]

    assert [(each.passed, each.text) for each in found] == [
        (False, "Not checked, because the database check failed.")
    ]
