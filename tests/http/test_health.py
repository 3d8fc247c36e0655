"""The probes."""

from datetime import timedelta

import pytest

from hubbub import __version__, models
from hubbub.core import clock
from hubbub.core.errors import Unavailable
from hubbub.db import migrations
from hubbub.services.instance import processes
from tests.support.live_instance import LiveInstance


async def probe(instance, name):
    async with instance.http.get(f"{instance.url}/health/{name}") as answer:
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


async def test_a_running_instance_is_alive_and_ready(instance):
    assert await probe(instance, "live") == (200, {"status": "ok", "checks": {"process": "ok"}})
    assert await probe(instance, "ready") == (
        200,
        {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "storage": "ok", "draining": "no"}},
    )


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_draining_instance_is_alive_but_not_ready(instance):
    instance.app.container.draining = True

    assert (await probe(instance, "live"))[0] == 200
    status, answer = await probe(instance, "ready")
    assert (status, answer["status"], answer["checks"]["draining"]) == (503, "failing", "yes")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_unavailable_database_is_reported_without_details(instance, monkeypatch):
    async def unavailable():
        raise Unavailable from OSError("10.0.0.5:5432")

    monkeypatch.setattr(migrations, "pending", unavailable)

    assert await probe(instance, "ready") == (
        503,
        {
            "status": "failing",
            "checks": {"database": "unavailable", "migrations": "unknown", "storage": "ok", "draining": "no"},
        },
    )


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_old_schema_is_not_ready(instance, monkeypatch):
    async def two():
        return ["one", "two"]

    monkeypatch.setattr(migrations, "pending", two)

    status, answer = await probe(instance, "ready")
    assert status == 503
    assert answer["checks"] == {
        "database": "ok",
        "migrations": "2 pending",
        "storage": "ok",
        "draining": "no",
    }


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_unavailable_redis_is_reported_and_does_not_affect_readiness(settings):
    async with LiveInstance(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1"})) as instance:
        status, answer = await probe(instance, "ready")

    assert (status, answer["status"], answer["checks"]["redis"]) == (200, "degraded", "unavailable")


# --- for admins ---


async def ask_detail(instance, user):
    headers = {"Authorization": f"Bearer {user.token}"}
    async with instance.http.get(f"{instance.url}/health", headers=headers) as answer:
        return answer.status, await answer.json()


async def test_the_detail_is_for_admins(instance):
    root = await instance.register("boss")
    await root.connect_client()
    for role in ("user", "moderator"):
        await models.User.filter(id=root.id).update(role=role)
        assert (await ask_detail(instance, root))[0] == 403
    async with instance.http.get(f"{instance.url}/health") as answer:
        assert answer.status == 401
    await models.User.filter(id=root.id).update(role="admin")
    inline = instance.settings.inline_workers

    status, answer = await ask_detail(instance, root)
    assert (status, answer["version"]) == (200, __version__)
    assert answer["status"] == ("ok" if inline else "degraded")
    assert answer["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "storage": "ok",
        "draining": "no",
        "instances": "ok",
        "disk": "ok",
        "queues": "ok",
        **dict.fromkeys(("worker", "scheduler"), "ok" if inline else "unavailable"),
    }
    assert answer["database"] == ("sqlite" if instance.settings.uses_sqlite else "postgres")
    assert answer["instance"]["connections"] == 1
    assert sum(answer["jobs"].values()) >= 1  # the e-mail that verifies the address


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_little_free_disk_space_is_reported_and_does_not_affect_readiness(settings):
    async with LiveInstance(settings.model_copy(update={"disk_min_bytes": 1 << 60})) as instance:
        boss = await instance.register("boss")
        await models.User.filter(id=boss.id).update(role="admin")

        status, answer = await ask_detail(instance, boss)
        ready = await probe(instance, "ready")

    assert (status, answer["status"], answer["checks"]["disk"]) == (200, "degraded", "degraded")
    assert (ready[0], ready[1]["status"]) == (200, "ok")


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_a_worker_and_a_scheduler_are_found_and_jobs_that_wait_are_reported(instance):
    root = await instance.register("boss")
    await models.User.filter(id=root.id).update(role="admin")
    peers = [
        processes.Process(instance.settings.model_copy(update={"instance_id": kind}), kind)
        for kind in (processes.WORKER, processes.SCHEDULER)
    ]
    for peer in peers:
        await peer.register()
    assert (await ask_detail(instance, root))[1]["status"] == "ok"

    await models.Job.all().update(run_at=clock.now() - timedelta(minutes=2))
    status, answer = await ask_detail(instance, root)
    for peer in peers:
        await peer.close()

    assert (status, answer["status"]) == (200, "degraded")
    assert [answer["checks"][name] for name in ("worker", "scheduler", "queues")] == ["ok", "ok", "degraded"]
    assert (await probe(instance, "ready"))[0] == 200


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_instances_that_share_no_redis_are_degraded_and_ready(instance):
    root = await instance.register("boss")
    await models.User.filter(id=root.id).update(role="admin")
    peer = processes.Process(instance.settings.model_copy(update={"instance_id": "two"}), "serve")
    await peer.register()

    status, answer = await ask_detail(instance, root)
    await peer.close()

    assert (status, answer["status"], answer["checks"]["instances"]) == (200, "degraded", "degraded")
    assert (await ask_detail(instance, root))[1]["checks"]["instances"] == "ok"
    assert (await probe(instance, "ready"))[1]["status"] == "ok"
