"""/admin/queues: what moderators and admins see of jobs, and what admins change."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.db import locking
from hubbub.schemas.jobs import SendMail
from hubbub.services.jobs import claims, kinds

SECRET = "hunter2-hunter2"
QUEUES = ["mail", "push", "sms", "webhooks", "notifications", "media", "exports", "maintenance"]
PAYLOAD = '{"letter":"verify_email","user_id":"00000000-0000-0000-0000-000000000007","facts":{"a":"b"}}'


@pytest.fixture
def settings(settings):
    """No worker runs the jobs of these tests."""
    return settings.model_copy(update={"inline_workers": False})


@pytest.fixture
async def root(instance):
    return await made(instance, "boss", "admin")


async def made(instance, name, role):
    """Register a user with a role. No job is left."""
    user = await instance.register(name)
    await models.User.filter(id=user.id).update(role=role)
    await models.Job.all().delete()
    return user


async def add(state="ready", *, kind="mail.letter", queue="mail", due_s=0.0, ended_s=0.0, payload=PAYLOAD):
    """Store a job; return its id."""
    now = clock.now()
    ended = state in ("done", "dead")
    job = await models.Job.create(
        queue=queue,
        kind=kind,
        payload=payload,
        state=state,
        attempts=3,
        run_at=now + timedelta(seconds=due_s),
        created_at=now,
        ended_at=now - timedelta(seconds=ended_s) if ended else None,
        last_error="OSError: no route" if state == "dead" else None,
    )
    return job.id


async def trail():
    """Return what the audit log says of these changes."""
    rows = await models.AuditRecord.filter(target_kind__in=["queue", "job"]).order_by("id")
    return [(row.action, row.outcome, row.target_id) for row in rows]


# --- permissions ---

READS = ["/admin/queues", "/admin/queues/mail/jobs", "/admin/queues/mail/jobs/{id}"]
CHANGES = [
    ("PATCH", "/admin/queues/mail", {"paused": True}),
    ("DELETE", "/admin/queues/mail/jobs?state=failed", None),
    ("POST", "/admin/queues/mail/jobs/retry", {}),
    ("DELETE", "/admin/queues/mail/jobs/{id}", None),
    ("POST", "/admin/queues/mail/jobs/{id}/retry", None),
]


async def test_users_may_do_nothing_and_moderators_read_all_but_payloads(instance, root):
    ada, mod = await instance.register("ada"), await made(instance, "mod", "moderator")
    job_id = await add("dead")
    for path in READS:
        assert (await ada.rest("GET", path.replace("{id}", str(job_id))))[0] == 403
        status, answer = await mod.rest("GET", path.replace("{id}", str(job_id)))
        assert status == 200
        assert "verify_email" not in str(answer)
        assert "verify_email" in str((await root.rest("GET", path.replace("{id}", str(job_id))))[1]) or (
            path == READS[0]
        )
    for method, path, body in CHANGES:
        options = {} if body is None else {"json": body}
        for user in (ada, mod):
            assert (await user.rest(method, path.replace("{id}", str(job_id)), **options))[0] == 403
    assert (await models.Job.get()).state == "dead"
    assert not await models.JobQueue.exists()
    assert {outcome for _, outcome, _ in await trail()} == {"failed"}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("name", ["letters", "MAIL", "default", "x" * 32])
async def test_a_queue_that_does_not_exist_is_not_found(root, name):
    for path in (f"/admin/queues/{name}/jobs", f"/admin/queues/{name}/jobs/{uuid4()}"):
        assert (await root.rest("GET", path))[0] == 404
    assert (await root.rest("PATCH", f"/admin/queues/{name}", json={"paused": True}))[0] == 404
    assert (await root.rest("POST", f"/admin/queues/{name}/jobs/retry", json={}))[0] == 404
    assert (await root.rest("DELETE", f"/admin/queues/{name}/jobs?state=failed"))[0] == 404


# --- queues ---


async def test_all_queues_are_listed_with_their_figures(root):
    await add(due_s=-30)
    await add(due_s=60)
    await add("running")
    await add("done", ended_s=30)
    await add("dead", ended_s=30)

    status, answer = await root.rest("GET", "/admin/queues")

    assert status == 200
    assert [queue["name"] for queue in answer["data"]] == QUEUES
    mail = answer["data"][0]
    assert 29 < mail.pop("oldest_due_s") < 90
    assert mail == {
        "name": "mail",
        "paused": False,
        "waiting": 1,
        "delayed": 1,
        "active": 1,
        "completed": 1,
        "failed": 1,
        "per_minute": 1,
        "failed_share": 0.5,
    }
    assert answer["data"][1]["oldest_due_s"] == 0


async def test_a_paused_queue_runs_no_job_until_it_is_resumed(root):
    await add()
    slots = [claims.slots_of(kinds.of(SendMail(template="x", context={})), 5)]

    status, answer = await root.rest("PATCH", "/admin/queues/mail", json={"paused": True})
    assert (status, answer["data"]["paused"], answer["data"]["waiting"]) == (200, True, 1)
    assert await claims.claim(slots, 5) == []
    await root.rest("PATCH", "/admin/queues/mail", json={"paused": True})
    await root.rest("PATCH", "/admin/queues/mail", json={"paused": False})

    assert len(await claims.claim(slots, 5)) == 1
    assert await trail() == [("queue.pause", "ok", "mail"), ("queue.resume", "ok", "mail")]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("body", [{}, {"paused": "yes"}, {"paused": None}, {"paused": True, "x": 1}])
async def test_an_invalid_change_of_a_queue_is_refused(root, body):
    assert (await root.rest("PATCH", "/admin/queues/mail", json=body))[0] == 422


# --- jobs ---


async def test_jobs_are_listed_newest_first_by_state_and_kind(root):
    ids = [
        await add(due_s=-1),
        await add(due_s=60),
        await add("running"),
        await add("done"),
        await add("dead"),
        await add(kind="mail.other", due_s=-1),
    ]
    await add(queue="push")

    async def found(**params):
        status, answer = await root.rest("GET", "/admin/queues/mail/jobs", params=params)
        assert status == 200, answer
        return [ids.index(UUID(job["id"])) for job in answer["data"]], answer["meta"]["total"]

    assert await found() == ([5, 4, 3, 2, 1, 0], 6)
    assert await found(limit=2, page=2) == ([3, 2], 6)
    assert await found(state="waiting") == ([5, 0], 2)
    assert await found(state="delayed") == ([1], 1)
    assert await found(state="active") == ([2], 1)
    assert await found(state="completed") == ([3], 1)
    assert await found(state="failed") == ([4], 1)
    assert await found(kind="mail.other") == ([5], 1)
    assert (await root.rest("GET", "/admin/queues/mail/jobs", params={"state": "ready"}))[0] == 422
    assert (await root.rest("GET", "/admin/queues/mail/jobs", params={"limit": 101}))[0] == 422


async def test_a_job_is_shown_with_its_payload_and_its_error(root):
    job_id = await add("dead", ended_s=5)

    status, answer = await root.rest("GET", f"/admin/queues/mail/jobs/{job_id}")

    assert status == 200
    times = {name: answer["data"].pop(name) for name in ("run_at", "created_at", "ended_at")}
    assert all(text.endswith("Z") for text in times.values())
    assert answer["data"] == {
        "id": str(job_id),
        "kind": "mail.letter",
        "state": "failed",
        "attempts": 3,
        "error": "OSError: no route",
        "facts": {
            "letter": "verify_email",
            "user_id": "00000000-0000-0000-0000-000000000007",
            "facts": {"a": "b"},
        },
    }
    assert (await root.rest("GET", f"/admin/queues/push/jobs/{job_id}"))[0] == 404
    assert (await root.rest("GET", f"/admin/queues/mail/jobs/{uuid4()}"))[0] == 404
    assert (await root.rest("GET", "/admin/queues/mail/jobs/7"))[0] == 404


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_payloads_are_shown_without_secrets(root, monkeypatch):
    monkeypatch.setattr(SendMail, "secret_fields", frozenset({"facts"}))
    secret = await add(payload=PAYLOAD.replace('"b"', f'"{SECRET}"'))
    unknown = await add(kind="unknown", payload=f'{{"token": "{SECRET}"}}')
    broken = await add(payload=f'{{"letter": 7, "facts": "{SECRET}"}}')

    for job_id in (secret, unknown, broken):
        status, answer = await root.rest("GET", f"/admin/queues/mail/jobs/{job_id}")
        assert status == 200
        assert SECRET not in str(answer)
    assert SECRET not in str(await root.rest("GET", "/admin/queues/mail/jobs"))


@pytest.mark.parametrize(
    ("state", "due_s", "status"),
    [("ready", -1, 204), ("ready", 60, 204), ("running", 0, 409), ("done", 0, 409), ("dead", 0, 409)],
)
async def test_a_job_is_cancelled_before_it_runs(root, state, due_s, status):
    job_id = await add(state, due_s=due_s)

    assert (await root.rest("DELETE", f"/admin/queues/push/jobs/{job_id}"))[0] == 404
    answer = await root.rest("DELETE", f"/admin/queues/mail/jobs/{job_id}")

    assert answer[0] == status
    assert await models.Job.exists() == (status == 409)
    assert (await trail())[-1] == ("job.cancel", "ok" if status == 204 else "failed", str(job_id))


@pytest.mark.parametrize(
    ("state", "status"), [("ready", 409), ("running", 409), ("done", 409), ("dead", 204)]
)
async def test_a_failed_job_is_retried(root, state, status):
    job_id = await add(state)

    assert (await root.rest("POST", f"/admin/queues/push/jobs/{job_id}/retry"))[0] == 404
    assert (await root.rest("POST", f"/admin/queues/mail/jobs/{job_id}/retry"))[0] == status

    job = await models.Job.get()
    assert job.state == ("ready" if status == 204 else state)
    assert job.attempts == (0 if status == 204 else 3)
    assert (await trail())[-1] == ("job.retry", "ok" if status == 204 else "failed", str(job_id))


async def test_all_failed_jobs_of_a_queue_or_of_a_kind_are_retried(root, monkeypatch):
    monkeypatch.setattr(locking, "MAX_LOCKED_ROWS", 2)
    for _ in range(5):
        await add("dead")
        await add("dead", kind="mail.other")
    await add("dead", queue="push")
    await add("done")

    assert (await root.rest("POST", "/admin/queues/mail/jobs/retry", json={"kind": "mail.other"}))[0] == 204
    assert await models.Job.filter(state="ready").values_list("kind", flat=True) == ["mail.other"] * 5
    assert (await root.rest("POST", "/admin/queues/mail/jobs/retry"))[0] == 204
    assert await models.Job.filter(state="dead").values_list("queue", flat=True) == ["push"]
    assert await models.Job.filter(state="done").count() == 1
    assert (await root.rest("POST", "/admin/queues/mail/jobs/retry"))[0] == 204
    assert await trail() == [("queue.retry_jobs", "ok", "mail")] * 3


async def test_ended_jobs_are_deleted(root, monkeypatch):
    monkeypatch.setattr(locking, "MAX_LOCKED_ROWS", 2)
    for age in (10, 100, 1000, 10_000, 100_000):
        await add("done", ended_s=age)
        await add("dead", ended_s=age)
    await add("done", queue="push", ended_s=10_000)
    await add()
    await add("running")

    async def delete(**params):
        return await root.rest("DELETE", "/admin/queues/mail/jobs", params=params)

    assert await delete(state="completed", older_than_s=500) == (200, {"data": {"deleted": 3}})
    assert await delete(state="failed") == (200, {"data": {"deleted": 5}})
    assert (await delete(state="active"))[0] == 422
    assert (await delete())[0] == 422
    assert (await delete(state="failed", older_than_s=-1))[0] == 422
    states = sorted(await models.Job.all().values_list("queue", "state"))
    assert states == [
        ("mail", "done"),
        ("mail", "done"),
        ("mail", "ready"),
        ("mail", "running"),
        ("push", "done"),
    ]
    assert (await trail())[:2] == [("queue.delete_jobs", "ok", "mail")] * 2
