"""The doctor's checks of what runs: instances, workers, and the proxies in front of them."""

from collections.abc import Sequence

from hubbub.config import Settings
from hubbub.core.auth_tokens import key_id
from hubbub.db import database, migrations
from hubbub.services import doctor
from hubbub.services.doctor import CheckFailed
from hubbub.services.instance import processes
from hubbub.services.instance.processes import ProcessRow


async def live_processes(settings: Settings) -> list[ProcessRow]:
    """The live processes; none where the database has no schema yet. Raises Trouble."""
    if settings.uses_sqlite and not database.sqlite_path(settings.database_url).exists():
        return []
    try:
        async with doctor.connected(settings):
            return [] if await migrations.pending() else await processes.live()
    except database.DatabaseProblem:
        raise CheckFailed("Can't be seen without the database.") from None


async def check_instances(settings: Settings) -> str:
    """Whether all processes have one key, each instance an id of its own, and several of them a Redis."""
    processes_found = await live_processes(settings)
    names = _names(processes_found)
    accepted = {key_id(secret) for secret in (settings.secret_key, *settings.secret_key_previous) if secret}
    if mismatched := [row for row in processes_found if row.key_fingerprint not in accepted]:
        raise CheckFailed(
            f"{_names(mismatched)}: another secret key than here. Give all processes the same "
            "HUBBUB_SECRET_KEY, or name the other key in HUBBUB_SECRET_KEY_PREVIOUS."
        )
    if duplicates := [row for row in processes_found if processes.with_same_id(processes_found, row)]:
        raise CheckFailed(
            f"{_names(duplicates)} have the same id. Give each a HUBBUB_INSTANCE_ID of its own."
        )
    if without_redis := processes.serving_without_redis(processes_found):
        raise CheckFailed(
            f"{_names(without_redis)} run without a Redis that all of them share: presence and typing "
            "stay within an instance, entries take up to a second. Set HUBBUB_REDIS_URL for each."
        )
    return f"{names}: one key, different ids." if processes_found else "None is running."


async def check_worker(settings: Settings) -> str:
    """Whether a process runs jobs, if anything runs at all."""
    found = await live_processes(settings)
    workers = [row for row in found if row.kind == processes.WORKER or row.inline_workers]
    if found and not workers:
        raise CheckFailed("None is running: e-mails and other jobs wait. Start: hubbub worker")
    return f"{_names(workers)} runs jobs." if workers else "Nothing is running."


async def check_proxies(settings: Settings) -> str:
    """Whether the proxies that set X-Forwarded-For are those that are trusted."""
    found = [row for row in await live_processes(settings) if row.untrusted_proxy is not None]
    if found:
        proxies = ", ".join(sorted({str(row.untrusted_proxy) for row in found}))
        raise CheckFailed(
            f"{_names(found)} received X-Forwarded-For from {proxies}, which is not trusted: all its clients "
            "share one IP address. Name it in HUBBUB_TRUSTED_PROXIES."
        )
    trusted = ", ".join(map(str, settings.trusted_proxies))
    return f"{trusted} is trusted." if trusted else "None is trusted, and none was seen in the last hour."


def _names(found: Sequence[ProcessRow]) -> str:
    return ", ".join(f"{row.kind} {row.id}" for row in found)
