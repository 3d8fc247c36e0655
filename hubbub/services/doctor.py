"""Whether everything that hubbub depends on is there and works, and what to do where it is not."""

import asyncio
import shutil
import smtplib
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from hubbub.config import Settings
from hubbub.models.connection import Sql
from hubbub.services import database, migrations

SECONDS = 8.0
SMTP_S = 5.0
SPACE = 100 * 1024 * 1024
_VERSION = "current_setting('server_version')"
_PORTS = {"smtp": 25, "smtps": 465}


class Trouble(Exception):
    """A check that failed: what is wrong, and what to do."""


class Finding(NamedTuple):
    """One line of the doctor's report."""

    name: str
    well: bool
    text: str


Check = Callable[[Settings], Awaitable[str]]


async def examine(
    settings: Settings, checks: Mapping[str, Check], seconds: float = SECONDS
) -> AsyncIterator[Finding]:
    """Run checks one after the other, each within its time; one that fails does not stop the rest."""
    for name, check in checks.items():
        try:
            async with asyncio.timeout(seconds):
                text = await check(settings)
        except (Trouble, database.DatabaseProblem) as trouble:
            yield Finding(name, well=False, text=str(trouble))
        except TimeoutError:
            yield Finding(
                name, well=False, text=f"No answer in {seconds:g} s. Is it up, is the way to it open?"
            )
        except Exception as error:  # noqa: BLE001 - a check must not end the report
            yield Finding(name, well=False, text=f"{type(error).__name__}: {error}")
        else:
            yield Finding(name, well=True, text=text)


async def check_database(settings: Settings) -> str:
    """Connect, read, and name the version."""
    if settings.uses_sqlite and not (path := database.sqlite_path(settings.database_url)).exists():
        return f"SQLite, {path} will be made by `hubbub serve`."
    kind, asked = ("SQLite", "sqlite_version()") if settings.uses_sqlite else ("PostgreSQL", _VERSION)
    try:
        async with _connected(settings) as sql:
            rows = await sql.fetch(f"SELECT {asked} AS version")
    except database.DatabaseProblem as problem:
        raise Trouble(f"{problem} See HUBBUB_DATABASE_URL.") from None
    return f"{kind} {rows[0]['version']} answers."


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Sql]:
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
        raise Trouble("Can't be seen without the database.") from None
    waiting = [step.name for step in steps if not step.done]
    if waiting and settings.uses_sqlite:
        return f"{len(waiting)} waiting, will be run by `hubbub serve`."
    if waiting:
        raise Trouble(f"{len(waiting)} waiting, from {waiting[0]}. Run: hubbub migrate")
    return f"All {len(steps)} done."


async def check_storage(settings: Settings) -> str:
    """Whether the data folder, and the uploads' one, can be written to, and have room."""
    folders = [settings.data_dir]
    if settings.storage_url.startswith("file:"):
        folders.append(Path(unquote(urlsplit(settings.storage_url).path)))
    free = min([await asyncio.to_thread(_try_folder, folder) for folder in folders])
    if free < SPACE:
        raise Trouble(f"Only {free // 1024 // 1024} MiB free under {settings.data_dir}. Make room.")
    return f"{settings.data_dir} can be written to, {free // 1024**3} GiB free."


def _try_folder(folder: Path) -> int:
    """Write a file there, or where the folder will be made; returns the free bytes."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"hubbub")
            file.flush()
    except OSError as error:
        raise Trouble(
            f"{folder} can't be written to ({error.strerror}). Give it to the user that runs hubbub, or set "
            "HUBBUB_DATA_DIR."
        ) from None
    return shutil.disk_usage(there).free


async def check_mail(settings: Settings) -> str:
    """Whether the SMTP server takes us; sends nothing."""
    if settings.smtp_url is None:
        return "No server is set: e-mails are printed to the log."
    return await asyncio.to_thread(_greet, settings.smtp_url)


def _greet(url: str) -> str:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]
    try:
        with _open(parts.scheme, host, port) as server:
            server.ehlo_or_helo_if_needed()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.noop()
    except smtplib.SMTPAuthenticationError:
        raise Trouble(f"{host}:{port} refuses the user or the password. Correct HUBBUB_SMTP_URL.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise Trouble(
            f"{host}:{port} does not serve us ({error}). Start it, or correct HUBBUB_SMTP_URL."
        ) from None
    return f"{host}:{port} answers."


def _open(scheme: str, host: str, port: int) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SMTP_S, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=SMTP_S)
