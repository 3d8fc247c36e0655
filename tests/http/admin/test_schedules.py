"""/admin/schedules: what admins see of the schedules, switch and start."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.workers import registry
from hubbub.workers.scheduler import Scheduler
from hubbub.workers.worker import Worker
from tests.support.waiting import until

NAMES = ["SESSIONS", "TOKENS", "QUEUE_WATCH", "UPLOADS", "RETENTION", "DIGEST", "DATABASE", "HEARTBEAT"]


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"inline_workers": False})


@pytest.fixture
async def root(instance):
    user = await instance.register("boss")
    await models.User.filter(id=user.id).update(role="admin")
    return user


async def shown(user, name):
    status, answer = await user.rest("GET", "/admin/schedules")
    assert status == 200
    return next(each for each in answer["data"] if each["name"] == name)


async def change(user, name, **body):
    return await user.rest("PATCH", f"/admin/schedules/{name}", json=body)


async def trail():
    rows = await models.AuditRecord.filter(target_kind="schedule").order_by("id")
    return [(row.action, row.outcome, row.target_id) for row in rows]


async def test_users_may_do_nothing_and_moderators_read(instance, root):
    ada, mod = await instance.register("ada"), await instance.register("mod")
    await models.User.filter(id=mod.id).update(role="moderator")
    for path in ("/admin/schedules", "/admin/schedules/TOKENS/runs"):
        assert [(await user.rest("GET", path))[0] for user in (ada, mod, root)] == [403, 200, 200]
    for user in (ada, mod):
        assert (await change(user, "TOKENS", enabled=False))[0] == 403
        assert (await user.rest("POST", "/admin/schedules/TOKENS/run"))[0] == 403
    assert not await models.Schedule.exists()
    assert not await models.ScheduleRun.exists()
    assert {outcome for _, outcome, _ in await trail()} == {"failed"}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("name", ["tokens", "BACKUP", "x"])
async def test_a_schedule_that_does_not_exist_is_not_found(root, name):
    assert (await change(root, name, enabled=True))[0] == 404
    assert (await root.rest("POST", f"/admin/schedules/{name}/run"))[0] == 404
    assert (await root.rest("GET", f"/admin/schedules/{name}/runs"))[0] == 404


async def test_all_schedules_are_listed(root):
    status, answer = await root.rest("GET", "/admin/schedules")

    assert status == 200
    assert [each["name"] for each in answer["data"]] == NAMES
    sessions, database = answer["data"][0], answer["data"][NAMES.index("DATABASE")]
    assert sessions.pop("next_run")[14:] == "00:00.000Z"
    assert sessions == {
        "name": "SESSIONS",
        "cron": "0 * * * *",
        "time_zone": "UTC",
        "enabled": True,
        "running_on": None,
        "last_run": None,
    }
    assert (database["cron"], database["enabled"], database["next_run"]) == (None, False, None)


async def test_a_schedule_is_switched_on_and_off_and_its_time_is_changed(root):
    status, answer = await change(root, "DATABASE", enabled=True)
    assert (status, answer["data"]["cron"], answer["data"]["enabled"]) == (200, "0 2 * * 0", True)
    assert answer["data"]["next_run"][11:] == "02:00:00.000Z"

    status, answer = await change(root, "DATABASE", cron=" 30  4 1 * * ")
    assert (status, answer["data"]["cron"], answer["data"]["next_run"][8:]) == (
        200,
        "30 4 1 * *",
        "01T04:30:00.000Z",
    )
    status, answer = await change(root, "DATABASE", enabled=False)
    assert (answer["data"]["cron"], answer["data"]["next_run"]) == (None, None)
    assert (await change(root, "DATABASE", enabled=True))[1]["data"]["cron"] == "30 4 1 * *"
    assert (await change(root, "DATABASE"))[0] == 200
    assert await shown(root, "DATABASE") == (await change(root, "DATABASE", enabled=True))[1]["data"]
    assert await trail() == [("schedule.change", "ok", "DATABASE")] * 4


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    "body",
    [{"cron": "off"}, {"cron": "61 * * * *"}, {"cron": "* * * *"}, {"cron": None}, {"enabled": 1}, {"x": 1}],
)
async def test_an_invalid_change_is_refused(root, body):
    status, answer = await change(root, "TOKENS", **body)

    assert status == 422
    assert [error["field"] for error in answer["errors"]] == list(body)
    assert not await models.Schedule.exists()


async def test_a_run_is_started_performed_and_listed(instance, root):
    assert (await root.rest("POST", "/admin/schedules/HEARTBEAT/run"))[0] == 204
    assert (await root.rest("POST", "/admin/schedules/HEARTBEAT/run"))[0] == 409
    running = (await shown(root, "HEARTBEAT"))["last_run"]
    assert (running["outcome"], running["ms"], running["error"]) == ("running", None, None)
    worker, scheduler = (
        Worker(instance.app.container, registry.HANDLERS),
        Scheduler(instance.app.container),
    )
    worker.start()
    scheduler.start()

    async def ended():
        return (await shown(root, "HEARTBEAT"))["last_run"]["outcome"] == "ok"

    await until(ended)
    assert (await shown(root, "HEARTBEAT"))["running_on"] == instance.settings.instance_id
    await scheduler.close()
    await worker.close()
    assert (await shown(root, "HEARTBEAT"))["running_on"] is None
    assert (await root.rest("POST", "/admin/schedules/HEARTBEAT/run"))[0] == 204
    status, answer = await root.rest("GET", "/admin/schedules/HEARTBEAT/runs")
    assert status == 200
    assert [run["outcome"] for run in answer["data"]] == ["running", "ok"]
    assert isinstance(answer["data"][1]["ms"], int)
    assert await trail() == [
        ("schedule.run", "ok", "HEARTBEAT"),
        ("schedule.run", "failed", "HEARTBEAT"),
        ("schedule.run", "ok", "HEARTBEAT"),
    ]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_last_hundred_runs_are_listed(root):
    now = clock.now()
    for number in range(105):
        await models.ScheduleRun.create(
            schedule="TOKENS",
            job_id=ids.uuid7(),
            at=now + timedelta(seconds=number),
            ms=number,
            outcome="failed",
            error="OSError: no route",
        )

    status, answer = await root.rest("GET", "/admin/schedules/TOKENS/runs")

    assert (status, len(answer["data"])) == (200, 100)
    assert answer["data"][0]["ms"] == 104
    assert answer["data"][0]["error"] == "OSError: no route"
