"""The doctor's checks of the running processes, and of the proxies in front of them."""

from collections.abc import Sequence

from hubbub.config import Settings
from hubbub.core.auth_tokens import key_id
from hubbub.db import database, migrations
from hubbub.services import doctor
from hubbub.services.doctor import CheckFailed
from hubbub.services.instance import processes
from hubbub.services.instance.processes import ProcessRow


async def live_processes(settings: Settings) -> list[ProcessRow]:
    """Return the live processes; none if the database has no schema. Raises CheckFailed."""
    if database.sqlite_missing(settings):
        return []
    try:
        async with doctor.connected(settings):
            return [] if await migrations.pending() else await processes.live()
    except database.DatabaseProblem:
        raise CheckFailed("Not checked, because the database check failed.") from None


async def check_instances(settings: Settings) -> str:
    """Check that all processes have the same key, that ids differ, and that several instances share Redis."""
    processes_found = await live_processes(settings)
    names = _names(processes_found)
    accepted = {key_id(secret) for secret in (settings.secret_key, *settings.secret_key_previous) if secret}
    if mismatched := [row for row in processes_found if row.key_fingerprint not in accepted]:
        raise CheckFailed(
            f"{_names(mismatched)}: the secret key differs from the one here. Give all processes the same "
            "HUBBUB_SECRET_KEY, or add the other key to HUBBUB_SECRET_KEY_PREVIOUS."
        )
    if duplicates := [row for row in processes_found if processes.with_same_id(processes_found, row)]:
        raise CheckFailed(f"{_names(duplicates)} have the same id. Give each its own HUBBUB_INSTANCE_ID.")
    if without_redis := processes.serving_without_redis(processes_found):
        raise CheckFailed(
            f"{_names(without_redis)} run without a shared Redis: presence and typing stay within an "
            "instance, entries arrive up to a second late. Set HUBBUB_REDIS_URL for each."
        )
    return f"{names}: same key, different ids." if processes_found else "None is running."


async def check_worker(settings: Settings) -> str:
    """Check that a process runs jobs, if any process runs."""
    found = await live_processes(settings)
    workers = [row for row in found if row.kind == processes.WORKER or row.inline_workers]
    if found and not workers:
        raise CheckFailed("None is running: e-mails and other jobs are not processed. Start: hubbub worker")
    return f"{_names(workers)} runs jobs." if workers else "No process is running."


async def check_scheduler(settings: Settings) -> str:
    """Check that a process enqueues the jobs of the schedules, if any process runs."""
    found = await live_processes(settings)
    schedulers = [row for row in found if row.kind == processes.SCHEDULER or row.inline_workers]
    if found and not schedulers:
        raise CheckFailed("None is running: old rows are not removed. Start: hubbub scheduler")
    return f"{_names(schedulers)} runs the schedules." if schedulers else "No process is running."


async def check_proxies(settings: Settings) -> str:
    """Check that the proxies that set X-Forwarded-For are trusted."""
    found = [row for row in await live_processes(settings) if row.untrusted_proxy is not None]
    if found:
        proxies = ", ".join(sorted({str(row.untrusted_proxy) for row in found}))
        raise CheckFailed(
            f"{_names(found)} received X-Forwarded-For from {proxies}, which is not trusted: all its clients "
            "share one IP address. Add it to HUBBUB_TRUSTED_PROXIES."
        )
    trusted = ", ".join(map(str, settings.trusted_proxies))
    return f"{trusted} is trusted." if trusted else "None is trusted, and none was detected in the last hour."


def _names(found: Sequence[ProcessRow]) -> str:
    return ", ".join(f"{row.kind} {row.id}" for row in found)
