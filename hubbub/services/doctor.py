"""The checks of `hubbub doctor`: whether hubbub's dependencies work, and how to repair them."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from hubbub.config import Settings, urls
from hubbub.config.production import OFF
from hubbub.core import file_modes, geoip, ids, secret_files
from hubbub.core.errors import Unavailable
from hubbub.db import database, migrations, stored_values
from hubbub.db.rollback import rolled_back
from hubbub.db.sql import Sql, has_table
from hubbub.gateways import mail
from hubbub.gateways.clamd import ClamdScanner
from hubbub.gateways.storage.interface import ObjectMissing, Storage
from hubbub.services.instance import disk

CHECK_TIMEOUT_S = 8.0  # per check
SMTP_TIMEOUT_S = 5.0  # shorter, so that its text is shown
SCANNER_TIMEOUT_S = 5.0  # likewise
MIB = 1024 * 1024


class CheckFailed(Exception):
    """A check failed. The message states the problem and the remedy."""


class CheckResult(NamedTuple):
    """One line of the report."""

    name: str
    passed: bool
    text: str


Check = Callable[[Settings], Awaitable[str]]


async def run_checks(
    settings: Settings, checks: Mapping[str, Check], timeout_s: float = CHECK_TIMEOUT_S
) -> AsyncIterator[CheckResult]:
    """Run checks one after the other, each with a timeout. A failed check does not stop the others."""
    for name, check in checks.items():
        try:
            async with asyncio.timeout(timeout_s):
                text = await check(settings)
        except (CheckFailed, database.DatabaseProblem) as problem:
            yield CheckResult(name, passed=False, text=str(problem))
        except TimeoutError:
            text = f"No response within {timeout_s:g} s. Check that it runs and is reachable."
            yield CheckResult(name, passed=False, text=text)
        except Exception as error:  # noqa: BLE001 - reported as the result of the check
            yield CheckResult(name, passed=False, text=f"{type(error).__name__}: {error}")
        else:
            yield CheckResult(name, passed=True, text=text)


async def check_database(settings: Settings) -> str:
    """Connect, read, write and roll back. Reports version, encoding and size."""
    if database.sqlite_missing(settings):
        return f"SQLite: `hubbub serve` creates {database.sqlite_path(settings.database_url)}."
    try:
        async with connected(settings) as sql:
            text = await (_check_sqlite(sql, settings) if settings.uses_sqlite else _check_postgres(sql))
            await _check_write(sql)
    except database.DatabaseProblem as problem:
        hint = "" if "HUBBUB_DATABASE_URL" in str(problem) else " See HUBBUB_DATABASE_URL."
        raise CheckFailed(f"{problem}{hint}") from None
    except Unavailable as error:
        raise CheckFailed(f"{database.explain(settings, error)} Reading works, writing does not.") from None
    return text


async def _check_sqlite(sql: Sql, settings: Settings) -> str:
    folder = database.sqlite_path(settings.database_url).absolute().parent
    if (free := shutil.disk_usage(folder).free) < settings.disk_min_bytes:
        raise CheckFailed(
            f"Only {free // MIB} MiB free under {folder}, the folder of the database. Free disk space."
        )
    rows = await sql.fetch("SELECT sqlite_version() AS version")
    return f"SQLite {rows[0]['version']} is readable and writable, {_format_size(free)} free."


async def _check_postgres(sql: Sql) -> str:
    rows = await sql.fetch(
        "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size, "
        "current_setting('server_encoding') AS encoding"
    )
    version, encoding = rows[0]["version"], rows[0]["encoding"]
    size = _format_size(rows[0]["size"])
    return f"PostgreSQL {version}, {encoding}, is readable and writable, {size} used."


async def _check_write(sql: Sql) -> None:
    """Write a row and roll back. Skipped before the first migration, which creates the table."""
    if not await has_table(sql, "state"):
        return
    async with rolled_back() as tx:
        await stored_values.put(tx, f"doctor {ids.uuid7()}"[:40], "tried")


def _format_size(size: int) -> str:
    return f"{size // MIB} MiB" if size < 10 * 1024 * MIB else f"{size // MIB // 1024} GiB"


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Sql]:
    """Open the database for one check, whatever its schema is. Raises DatabaseProblem."""
    await database.connect(settings)
    try:
        yield database.connection()
    finally:
        await database.close()


async def check_migrations(settings: Settings) -> str:
    """Check that all migrations are applied."""
    if database.sqlite_missing(settings):
        return "`hubbub serve` applies them."
    try:
        steps = await migrations.status(settings)
    except database.DatabaseProblem:
        raise CheckFailed("Not checked, because the database check failed.") from None
    waiting = [step.name for step in steps if not step.applied]
    if waiting and settings.uses_sqlite:
        return f"{len(waiting)} pending, applied by `hubbub serve`."
    if waiting:
        raise CheckFailed(f"{len(waiting)} pending, the first is {waiting[0]}. Run: hubbub migrate")
    newer = sum(not step.known for step in steps)
    text = f"All {len(steps) - newer} applied."
    return f"{text} The database also has {newer} of a newer version of hubbub." if newer else text


async def check_storage(settings: Settings) -> str:
    """Write, read and delete a file in the folders of uploads and secrets; check the free space."""
    folders = {settings.data_dir: "HUBBUB_DATA_DIR"}
    if settings.storage_url.startswith("file:"):
        folders.setdefault(urls.file_path(settings.storage_url), "HUBBUB_STORAGE_URL")
    free = {each: await asyncio.to_thread(_check_folder, each, name) for each, name in folders.items()}
    fullest = min(free, key=lambda folder: free[folder])
    if free[fullest] < settings.disk_min_bytes:
        raise CheckFailed(f"Only {free[fullest] // MIB} MiB free under {fullest}. Free disk space.")
    paths = " and ".join(str(folder) for folder in folders)
    return f"A file was written, read and deleted in {paths}, {_format_size(free[fullest])} free."


def _check_folder(folder: Path, setting: str) -> int:
    """Write, read and delete a file in a folder, or in its first existing parent. Returns the free bytes."""
    content = os.urandom(4096)
    try:
        existing = disk.existing_parent(folder)
        path = existing / f".hubbub-doctor-{ids.uuid7()}"
        try:
            path.write_bytes(content)
            same = path.read_bytes() == content
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise CheckFailed(
            f"{folder} is not writable ({error.strerror}). Make it writable for the user that runs hubbub, "
            f"or set {setting}."
        ) from None
    if not same:
        raise CheckFailed(f"{folder} returned other bytes than were written. Check the disk.")
    return shutil.disk_usage(existing).free


async def check_object(storage: Storage) -> None:
    """Write, read and delete one object in a storage."""
    key, content = f"doctor/{ids.uuid7().hex}", os.urandom(4096)
    try:
        with tempfile.TemporaryDirectory(prefix="hubbub-doctor-") as folder:
            source = Path(folder) / "object"
            await asyncio.to_thread(source.write_bytes, content)
            await storage.put(key, source)
        same = b"".join([chunk async for chunk in storage.read(key)]) == content
        await storage.delete([key])
    except (Unavailable, ObjectMissing):
        raise CheckFailed(
            "The storage of uploads can't write, read and delete an object. Correct HUBBUB_STORAGE_URL, its "
            "keys, or their rights."
        ) from None
    if not same:
        raise CheckFailed("The storage of uploads returned other bytes than were written.")


async def check_scanner(url: str) -> str:
    """Check that the virus scanner responds."""
    try:
        await ClamdScanner(url, SCANNER_TIMEOUT_S).ping()
    except Unavailable:
        raise CheckFailed(f"No clamd responds at {url}. Start it, or correct HUBBUB_CLAMD_URL.") from None
    return f"The virus scanner at {url} responds."


async def check_files(settings: Settings) -> str:
    """Check that only their owner can read the database and the secrets, and that locations can be read."""
    files = [settings.data_dir / name for name in secret_files.FILE_NAMES]
    if settings.uses_sqlite:
        path = database.sqlite_path(settings.database_url)
        files += [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]
    if found := file_modes.accessible_to_others(files):
        raise CheckFailed(f"Other users of this machine can read {', '.join(found)}. Run: chmod go= FILE")
    if settings.geoip_database is not None:
        try:
            geoip.open_database(settings.geoip_database).close()
        except geoip.GeoIpUnreadable as error:
            raise CheckFailed(
                f"{settings.geoip_database} can't be read ({error}): sessions have no location. Correct "
                "HUBBUB_GEOIP_DATABASE."
            ) from None
    return "Only their owner can read the database and the secrets."


async def check_mail(settings: Settings) -> str:
    """Check that the SMTP server accepts a connection and the login, as for sending e-mails."""
    url = settings.smtp_url
    if url == OFF:
        return "HUBBUB_SMTP_URL is off: jobs that send e-mail fail and are stored."
    if url is None and settings.env == "production":
        raise CheckFailed(
            "No server is configured, and production does not print e-mails. Set HUBBUB_SMTP_URL."
        )
    if url is None:
        printed = settings.env == "development"
        return f"No server is configured: e-mails are {'printed to the log' if printed else 'not sent'}."
    server = mail.host_and_port(url)
    try:
        async with asyncio.timeout(SMTP_TIMEOUT_S):
            await mail.check(settings)
    except mail.NotAuthenticated:
        raise CheckFailed(f"{server} rejects the user or the password. Correct HUBBUB_SMTP_URL.") from None
    except (OSError, mail.SMTPException) as error:
        raise CheckFailed(
            f"{server} is not usable ({str(error).rstrip('.') or 'no response'}). Start it, or correct "
            "HUBBUB_SMTP_URL."
        ) from None
    return f"{server} accepts connections."
