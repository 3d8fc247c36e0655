"""Calls of the operations of administrators."""

from hubbub import models
from hubbub.core import clock
from tests.http.openapi.responses.operation_caller import OperationCaller
from tests.support.live_instance import ApiUser


async def call_administration(asker: OperationCaller, root: ApiUser) -> None:
    ask, user = asker.ask, await asker.instance.register("pat")
    await ask(root, "GET", "/admin/users", 200)
    at = {"user_id": user.id}
    await ask(root, "GET", "/admin/users/{user_id}", 200, **at)
    await ask(root, "PATCH", "/admin/users/{user_id}", 200, json={"role": "moderator"}, **at)
    await ask(root, "DELETE", "/admin/users/{user_id}", 204, **at)
    await ask(root, "PATCH", "/admin/users/{user_id}", 409, json={"role": "user"}, user_id=root.id)
    for path in ("/rooms", "/audit-log", "/audit-log/export", "/realtime"):
        await ask(root, "GET", f"/admin{path}", 200)
    await _jobs(asker, root)


async def _jobs(asker: OperationCaller, root: ApiUser) -> None:
    ask, now = asker.ask, clock.now()
    jobs = [
        await models.Job.create(
            queue="mail",
            kind="mail.letter",
            payload='{"letter":"verify_email","facts":{}}',
            state="dead",
            run_at=now,
            created_at=now,
            ended_at=now,
            last_error="OSError: no route",
        )
        for _ in range(2)
    ]
    mail, job = {"name": "mail"}, {"name": "mail", "job_id": str(jobs[0].id)}
    await ask(root, "GET", "/admin/queues", 200)
    await ask(root, "PATCH", "/admin/queues/{name}", 200, json={"paused": True}, **mail)
    await ask(root, "GET", "/admin/queues/{name}/jobs", 200, params={"state": "failed"}, **mail)
    await ask(root, "GET", "/admin/queues/{name}/jobs/{job_id}", 200, **job)
    await ask(root, "DELETE", "/admin/queues/{name}/jobs/{job_id}", 409, **job)
    await ask(root, "POST", "/admin/queues/{name}/jobs/{job_id}/retry", 204, **job)
    await ask(root, "POST", "/admin/queues/{name}/jobs/{job_id}/retry", 409, **job)
    await ask(root, "DELETE", "/admin/queues/{name}/jobs/{job_id}", 204, **job)
    await ask(root, "POST", "/admin/queues/{name}/jobs/retry", 204, json={"kind": "x"}, **mail)
    await ask(root, "DELETE", "/admin/queues/{name}/jobs", 200, params={"state": "failed"}, **mail)
    tokens = {"name": "TOKENS"}
    await ask(root, "PATCH", "/admin/schedules/{name}", 200, json={"cron": "0 4 * * *"}, **tokens)
    await models.JobQueue.create(name="maintenance", paused=True)
    await ask(root, "POST", "/admin/schedules/{name}/run", 204, **tokens)
    await ask(root, "POST", "/admin/schedules/{name}/run", 409, **tokens)
    await ask(root, "GET", "/admin/schedules", 200)
    await ask(root, "GET", "/admin/schedules/{name}/runs", 200, **tokens)
