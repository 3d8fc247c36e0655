"""The checks of `hubbub doctor`: whether hubbub's dependencies work, and how to repair them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from hubbub.config import Settings
from hubbub.config.production import OFF
from hubbub.core import file_modes, ids, secret_files
from hubbub.core.errors import Unavailable
from hubbub.db import database, migrations
from hubbub.db.sql import Sql
from hubbub.gateways import mail

CHECK_TIMEOUT_S = 8.0  # per check
SMTP_TIMEOUT_S = 5.0  # shorter, so that its text is shown
MIB = 1024 * 1024
MIN_FREE_BYTES = 500 * MIB  # on the disks of the database and the uploads


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
        except (CheckFailed, database.DatabaseProblem) as trouble:
            yield CheckResult(name, passed=False, text=str(trouble))
        except TimeoutError:
            yield CheckResult(
                name,
                passed=False,
                text=f"No response within {timeout_s:g} s. Check that it runs and is reachable.",
            )
        except Exception as error:  # noqa: BLE001 - reported as the result of the check
            yield CheckResult(name, passed=False, text=f"{type(error).__name__}: {error}")
        else:
            yield CheckResult(name, passed=True, text=text)


async def check_database(settings: Settings) -> str:
    """Connect, read, write and roll back. Reports version, encoding and size."""
    if settings.uses_sqlite and not (path := database.sqlite_path(settings.database_url)).exists():
        return f"SQLite: `hubbub serve` creates {path}."
    try:
        async with connected(settings) as sql:
            text = await (_check_sqlite(sql, settings) if settings.uses_sqlite else _check_postgres(sql))
            await _check_write(sql)
    except database.DatabaseProblem as problem:
        raise CheckFailed(f"{problem} See HUBBUB_DATABASE_URL.") from None
    except Unavailable as error:
        raise CheckFailed(f"{database.explain(settings, error)} Reading works, writing does not.") from None
    return text


async def _check_sqlite(sql: Sql, settings: Settings) -> str:
    folder = database.sqlite_path(settings.database_url).absolute().parent
    if (free := shutil.disk_usage(folder).free) < MIN_FREE_BYTES:
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
    state_table = "to_regclass('state')" if sql.dialect == "postgres" else _SQLITE_STATE_TABLE
    if (await sql.fetch(f"SELECT {state_table} AS found"))[0]["found"] is None:
        return
    with suppress(_Rollback):
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO state (key, value) VALUES ($1, 'tried')", f"doctor {ids.uuid7()}"[:40]
            )
            raise _Rollback


_SQLITE_STATE_TABLE = "(SELECT name FROM sqlite_master WHERE name = 'state')"


class _Rollback(Exception):
    """Ends a transaction without storing its changes."""


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
    if settings.uses_sqlite and not database.sqlite_path(settings.database_url).exists():
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
    return f"All {len(steps)} applied."


async def check_storage(settings: Settings) -> str:
    """Write, read and delete a file in the folders of uploads and secrets; check the free space."""
    folders = [settings.data_dir]
    if settings.storage_url.startswith("file:"):
        folders.append(Path(unquote(urlsplit(settings.storage_url).path)))
    free = min([await asyncio.to_thread(_check_folder, folder) for folder in folders])
    if free < MIN_FREE_BYTES:
        raise CheckFailed(f"Only {free // MIB} MiB free under {settings.data_dir}. Free disk space.")
    paths = " and ".join(str(folder) for folder in folders)
    return f"A file was written, read and deleted in {paths}, {_format_size(free)} free."


def _check_folder(folder: Path) -> int:
    """Write, read and delete a file in a folder, or in its first existing parent. Returns the free bytes."""
    existing = next(existing for existing in (folder, *folder.absolute().parents) if existing.exists())
    path, content = existing / f".hubbub-doctor-{ids.uuid7()}", os.urandom(4096)
    try:
        try:
            path.write_bytes(content)
            same = path.read_bytes() == content
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise CheckFailed(
            f"{folder} is not writable ({error.strerror}). Make it writable for the user that runs hubbub, "
            "or set HUBBUB_DATA_DIR."
        ) from None
    if not same:
        raise CheckFailed(f"{folder} returned other bytes than were written. Check the disk.")
    return shutil.disk_usage(existing).free


async def check_files(settings: Settings) -> str:
    """Check that only their owner can read the database and the secrets."""
    files = [settings.data_dir / name for name in secret_files.FILE_NAMES]
    if settings.uses_sqlite:
        path = database.sqlite_path(settings.database_url)
        files += [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]
    if found := file_modes.accessible_to_others(files):
        raise CheckFailed(f"Other users of this machine can read {', '.join(found)}. Run: chmod go= FILE")
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
