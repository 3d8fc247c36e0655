"""Fixtures for all tests: real servers once per run, an own migrated database for each test."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE

from tests.support import servers

if TYPE_CHECKING:
    from hubbub.config import Settings
    from tests.support.world import World

T = TypeVar("T")
SERVERS = {"postgres": servers.postgres, "redis": servers.redis}
_opened = ExitStack()


# --- the servers: one of each for a run, however many workers it has ---


@cache
def _address(name: str) -> str:
    """Start a server at its first use; it stops when the run ends."""
    return _opened.enter_context(SERVERS[name]())


class _Distributed:
    """The part of pytest-xdist's controller: it starts the servers and tells each worker where they are."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        for name in SERVERS:
            try:
                node.workerinput[f"{name}_url"] = _address(name)
            except servers.ServerProblem as problem:
                node.workerinput[f"{name}_problem"] = str(problem)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Distributed())


def pytest_unconfigure(config: pytest.Config) -> None:
    _opened.close()


def _server(config: pytest.Config, name: str) -> str:
    given: dict[str, str] | None = getattr(config, "workerinput", None)
    if given is None:
        return _address(name)
    if problem := given.get(f"{name}_problem"):
        raise servers.ServerProblem(problem)
    return given[f"{name}_url"]


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """A PostgreSQL server; the database in this address is not for tests to write to."""
    return _server(pytestconfig, "postgres")


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """A Redis server, shared by all tests of a run: use keys and channels of your own."""
    return _server(pytestconfig, "redis")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8, and tests log what can't be written so."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections
    ]
    return report


# --- figures: what a test measured, shown at the end of the run ---


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Have a line shown at the end of the run, whichever process the test ran in."""
    return partial(record_property, "figures")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    measured = [
        f"{report.head_line or report.nodeid}: {text}"
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, text in report.user_properties
        if name == "figures"
    ]
    if measured:
        terminalreporter.section("figures")
        for line in measured:
            terminalreporter.line(line)


# --- databases ---


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """Run something async to its end on a loop of its own, away from the loop of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _execute(url: str, *statements: str) -> int:
    """Run statements on PostgreSQL, outside a transaction; tells the server's major version."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
        return int(connection.get_server_version().major)
    finally:
        await connection.close()


def _named(url: str, name: str) -> str:
    """The same server, another database."""
    head, _, _ = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}"


async def _migrate(database_url: str, data_dir: Path) -> None:
    from hubbub.config import Settings
    from hubbub.services import migrations

    await migrations.up(Settings.for_tests(database_url=database_url, data_dir=data_dir))


class Databases:
    """Makes databases for tests: empty ones, and migrated ones as cheap copies of a first."""

    def __init__(self, folder: Path, postgres_url: Callable[[], str]) -> None:
        self._folder = folder
        self._postgres_url = postgres_url
        self._templates: dict[str, str] = {}
        self._made: list[str] = []

    def empty(self, kind: str, folder: Path) -> str:
        """A database without tables."""
        if kind == "sqlite":
            return f"sqlite://{folder / f'{uuid4().hex}.db'}"
        return self._create()

    def migrated(self, kind: str, folder: Path) -> str:
        """A database with all tables, empty."""
        if kind not in self._templates:
            made = self.empty(kind, self._folder)
            _apart(_migrate(made, self._folder))
            self._templates[kind] = made
        template = self._templates[kind]
        if kind == "sqlite":
            target = folder / "hubbub.db"
            shutil.copyfile(template.removeprefix("sqlite://"), target)
            return f"sqlite://{target}"
        return self._create(template.rpartition("/")[2])

    def drop(self, url: str) -> None:
        """Remove a PostgreSQL database, whoever is still connected to it."""
        if url in self._made:
            self._made.remove(url)
            name = url.rpartition("/")[2]
            _apart(_execute(self._postgres_url(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def close(self) -> None:
        """Remove what is left, templates included."""
        for url in list(self._made):
            self.drop(url)

    def _create(self, template: str = "template0") -> str:
        name = f"hubbub_test_{uuid4().hex}"
        server = self._postgres_url()
        # Copying files is several times faster than the default, and can be asked for since version 15.
        how = " STRATEGY file_copy" if _postgres_major(server) >= 15 else ""
        _apart(_execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"{how}'))
        self._made.append(_named(server, name))
        return self._made[-1]


@cache
def _postgres_major(url: str) -> int:
    return _apart(_execute(url))


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The maker of databases; starts PostgreSQL only when one is asked for."""
    made = Databases(tmp_path_factory.mktemp("databases"), lambda: _server(pytestconfig, "postgres"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _forgotten_statements() -> None:
    """Tortoise keeps its statements by table, whichever kind of database they were written for."""
    EXECUTOR_CACHE.clear()


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each test that uses a database runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated, empty database for one test."""
    url = databases.migrated(database_kind, tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture
def bare_database_url(database_kind: str, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A fresh database for one test, without any table."""
    url = databases.empty(database_kind, tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> "Settings":
    """Settings for one test: its database, its folder, nothing from the environment."""
    from hubbub.config import Settings

    return Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0)


@pytest.fixture
async def world(settings: "Settings") -> "AsyncIterator[World]":
    """A running instance on a free port; the test runs once on each database."""
    from tests.support.world import World  # the whole program: only for tests that use it

    async with World(settings) as made:
        yield made
