"""Whether everything that hubbub depends on is there and works, and what to do where it is not."""

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

CHECK_TIMEOUT_S = 8.0
SMTP_TIMEOUT_S = 5.0
MIB = 1024 * 1024
MIN_FREE_BYTES = 500 * MIB


class CheckFailed(Exception):
    """A check that failed: what is wrong, and what to do."""


class CheckResult(NamedTuple):
    """One line of the doctor's report."""

    name: str
    passed: bool
    text: str


Check = Callable[[Settings], Awaitable[str]]


async def run_checks(
    settings: Settings, checks: Mapping[str, Check], timeout_s: float = CHECK_TIMEOUT_S
) -> AsyncIterator[CheckResult]:
    """Run checks one after the other, each within its time; one that fails does not stop the rest."""
    for name, check in checks.items():
        try:
            async with asyncio.timeout(timeout_s):
                text = await check(settings)
        except (CheckFailed, database.DatabaseProblem) as trouble:
            yield CheckResult(name, passed=False, text=str(trouble))
        except TimeoutError:
            yield CheckResult(
                name, passed=False, text=f"No answer in {timeout_s:g} s. Is it up, is the way to it open?"
            )
        except Exception as error:  # noqa: BLE001 - a check must not end the report
            yield CheckResult(name, passed=False, text=f"{type(error).__name__}: {error}")
        else:
            yield CheckResult(name, passed=True, text=text)


async def check_database(settings: Settings) -> str:
    """Connect, read, write and roll back; name version, encoding and room."""
    if settings.uses_sqlite and not (path := database.sqlite_path(settings.database_url)).exists():
        return f"SQLite, {path} will be made by `hubbub serve`."
    try:
        async with connected(settings) as sql:
            text = await (_check_sqlite(sql, settings) if settings.uses_sqlite else _check_postgres(sql))
            await _check_write(sql)
    except database.DatabaseProblem as problem:
        raise CheckFailed(f"{problem} See HUBBUB_DATABASE_URL.") from None
    except Unavailable as error:
        raise CheckFailed(f"{database.explain(settings, error)} Reads succeed, writes do not.") from None
    return text


async def _check_sqlite(sql: Sql, settings: Settings) -> str:
    folder = database.sqlite_path(settings.database_url).absolute().parent
    if (free := shutil.disk_usage(folder).free) < MIN_FREE_BYTES:
        raise CheckFailed(f"Only {free // MIB} MiB free under {folder}, where the database is. Make room.")
    rows = await sql.fetch("SELECT sqlite_version() AS version")
    return f"SQLite {rows[0]['version']} answers and can be written to, {_format_size(free)} free."


async def _check_postgres(sql: Sql) -> str:
    rows = await sql.fetch(
        "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size, "
        "current_setting('server_encoding') AS encoding"
    )
    version, encoding = rows[0]["version"], rows[0]["encoding"]
    size = _format_size(rows[0]["size"])
    return f"PostgreSQL {version}, {encoding}, answers and can be written to, {size} used."


async def _check_write(sql: Sql) -> None:
    """Write a row and roll back. Before the first migration there is no table to write to."""
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
    """Ends a transaction whose changes are not wanted."""


def _format_size(size: int) -> str:
    return f"{size // MIB} MiB" if size < 10 * 1024 * MIB else f"{size // MIB // 1024} GiB"


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Sql]:
    """The database, whatever its schema is, for the checks of one moment. Raises DatabaseProblem."""
    await database.connect(settings)
    try:
        yield database.connection()
    finally:
        await database.close()


async def check_migrations(settings: Settings) -> str:
    """Whether the schema is the one of this code."""
    if settings.uses_sqlite and not database.sqlite_path(settings.database_url).exists():
        return "Will be run by `hubbub serve`."
    try:
        steps = await migrations.status(settings)
    except database.DatabaseProblem:
        raise CheckFailed("Can't be seen without the database.") from None
    waiting = [step.name for step in steps if not step.applied]
    if waiting and settings.uses_sqlite:
        return f"{len(waiting)} waiting, will be run by `hubbub serve`."
    if waiting:
        raise CheckFailed(f"{len(waiting)} waiting, from {waiting[0]}. Run: hubbub migrate")
    return f"All {len(steps)} done."


async def check_storage(settings: Settings) -> str:
    """Write, read and delete an object where uploads are, and where secrets are; whether there is room."""
    folders = [settings.data_dir]
    if settings.storage_url.startswith("file:"):
        folders.append(Path(unquote(urlsplit(settings.storage_url).path)))
    free = min([await asyncio.to_thread(_check_folder, folder) for folder in folders])
    if free < MIN_FREE_BYTES:
        raise CheckFailed(f"Only {free // MIB} MiB free under {settings.data_dir}. Make room.")
    paths = " and ".join(str(folder) for folder in folders)
    return f"An object was written, read and deleted in {paths}, {_format_size(free)} free."


def _check_folder(folder: Path) -> int:
    """Write, read and delete a file there, or where the folder will be made; returns the free bytes."""
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
            f"{folder} can't be written to ({error.strerror}). Give it to the user that runs hubbub, or set "
            "HUBBUB_DATA_DIR."
        ) from None
    if not same:
        raise CheckFailed(f"{folder} gives back other bytes than were written. Check the disk.")
    return shutil.disk_usage(existing).free


async def check_files(settings: Settings) -> str:
    """Whether what is kept secret on this machine can be read by its owner only."""
    files = [settings.data_dir / name for name in secret_files.FILE_NAMES]
    if settings.uses_sqlite:
        path = database.sqlite_path(settings.database_url)
        files += [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]
    if found := file_modes.accessible_to_others(files):
        raise CheckFailed(f"Others on this machine can read {', '.join(found)}. Run: chmod go= FILE")
    return "Only their owner can read the database and the secrets."


async def check_mail(settings: Settings) -> str:
    """Whether the SMTP server accepts a connection and the login, as the sender of e-mails makes them."""
    url = settings.smtp_url
    if url == OFF:
        return "HUBBUB_SMTP_URL is off: jobs that send e-mail fail and are kept."
    if url is None and settings.env == "production":
        raise CheckFailed("No server is set, and production prints no e-mail. Set HUBBUB_SMTP_URL.")
    if url is None:
        printed = settings.env == "development"
        return f"No server is set: e-mails are {'printed to the log' if printed else 'not sent'}."
    server = mail.host_and_port(url)
    try:
        async with asyncio.timeout(SMTP_TIMEOUT_S):
            await mail.check(settings)
    except mail.NotAuthenticated:
        raise CheckFailed(f"{server} refuses the user or the password. Correct HUBBUB_SMTP_URL.") from None
    except (OSError, mail.SMTPException) as error:
        raise CheckFailed(
            f"{server} can't be used ({str(error).rstrip('.') or 'no answer'}). Start it, or correct "
            "HUBBUB_SMTP_URL."
        ) from None
    return f"{server} answers."
