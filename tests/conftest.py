"""Fixtures for all tests: real servers once per run, a separate migrated database for each test."""

import gc
import logging
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis
import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE

from hubbub.core import gc_tuning
from tests.support import durations, orm_setup, servers
from tests.support.databases import Databases

if TYPE_CHECKING:
    from hubbub.config import Settings
    from hubbub.db.sql import Sql
    from tests.support.live_instance import LiveInstance
    from tests.support.s3_server import S3Server

T = TypeVar("T")
SERVER_CONTEXTS = {"postgres": servers.postgres, "redis": servers.redis}
_server_stack = ExitStack()
# The same examples in each run. `--hypothesis-profile=default` searches for new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None)


# --- the servers: one of each for a run, however many workers it has ---


@cache
def _start_server(name: str) -> str:
    """Start a server at its first use; it stops when the run ends."""
    return _server_stack.enter_context(SERVER_CONTEXTS[name]())


class _XdistController:
    """The hooks of pytest-xdist's controller: they start the servers and pass their URLs to each worker."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        for name in SERVER_CONTEXTS:
            try:
                node.workerinput[f"{name}_url"] = _start_server(name)
            except servers.ServerUnavailable as problem:
                node.workerinput[f"{name}_problem"] = str(problem)


def pytest_configure(config: pytest.Config) -> None:
    orm_setup.keep_results()
    if not config.getoption("--hypothesis-profile"):
        hypothesis.settings.load_profile("repeatable")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_XdistController())


def pytest_unconfigure(config: pytest.Config) -> None:
    _server_stack.close()


def _server_url(config: pytest.Config, name: str) -> str:
    worker_input: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker_input is None:
        return _start_server(name)
    if problem := worker_input.get(f"{name}_problem"):
        raise servers.ServerUnavailable(problem)
    return worker_input[f"{name}_url"]


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """A PostgreSQL server. Tests do not write to the database of this URL."""
    return _server_url(pytestconfig, "postgres")


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """A Redis server, shared by all tests of a run: use keys and channels of your own."""
    return _server_url(pytestconfig, "redis")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8, and tests log what can't be written so.

    A report of a failure parses source. A collection in the middle of it may run code that parses, too, which
    CPython 3.11 takes for a mistake.
    """
    gc.disable()
    try:
        report = yield
    finally:
        gc.enable()
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections
    ]
    return report


# --- what a test changes in its process is undone: tests run in any order ---


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo `logs.setup`, which commands call."""
    loggers = [logging.getLogger(name) for name in ("", "hubbub", "socketio.server", "engineio.server")]
    levels = [logger.level for logger in loggers]
    handlers = list(loggers[0].handlers)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        if logger.level != level:
            logger.setLevel(level)
    loggers[0].handlers[:] = handlers
    logging.captureWarnings(capture=False)


# --- figures: measurements of tests, printed at the end of the run ---


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line at the end of the run, from whichever process the test ran in."""
    return partial(record_property, "figures")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--times", action="store_true", help="show the time of each folder, and the slowest tests"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests run first: a long one at the end of the run would leave the other processes without work."""
    durations.require_reasons(items)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Prepare a process that runs tests. Ten thousand of them stay in memory; no collection scans them."""
    from tests.support import unsynced_sqlite

    unsynced_sqlite.commit_without_waiting()
    gc_tuning.freeze_and_tune()


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
    if terminalreporter.config.getoption("times"):
        durations.print_report(terminalreporter)


# --- databases ---


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The factory of databases. Starts PostgreSQL only when it is needed."""
    pool = Databases(tmp_path_factory.mktemp("databases"), lambda: _server_url(pytestconfig, "postgres"))
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def _forgotten_statements() -> None:
    """Tortoise keeps its statements by table, whichever kind of database they were written for."""
    EXECUTOR_CACHE.clear()


@pytest.fixture(autouse=True)
def _parametrized_database(request: pytest.FixtureRequest) -> None:
    """Fail if a module ignores the parameter of `database_kind`: a test would run on one kind twice."""
    callspec = getattr(request.node, "callspec", None)
    kind = callspec.params.get("database_kind") if callspec else None
    assert kind is None or request.getfixturevalue("database_kind") == kind


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each test that uses a database runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated, empty database for one test."""
    url = databases.create_migrated(database_kind, tmp_path)
    yield url
    databases.release(url)


@pytest.fixture
def bare_database_url(database_kind: str, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A fresh database for one test, without any table."""
    url = databases.create_empty(database_kind, tmp_path)
    yield url
    databases.release(url)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> "Settings":
    """Settings for one test: its database, its folder, nothing from the environment."""
    from hubbub.config import Settings

    return Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0)


@pytest.fixture
async def sql(settings: "Settings") -> "AsyncIterator[Sql]":
    """SQL on a fresh, migrated database, for tests below the services; models work too."""
    from hubbub.db import database, migrations

    await migrations.open_current(settings)
    yield database.connection()
    await database.close()


@pytest.fixture
async def instance(settings: "Settings") -> "AsyncIterator[LiveInstance]":
    """A running instance on a free port. The test runs once on each database."""
    from tests.support.live_instance import LiveInstance  # the whole program: only for tests that use it

    async with LiveInstance(settings) as instance:
        yield instance


# --- storages ---


@pytest.fixture(scope="session")
def s3_server() -> "Iterator[S3Server]":
    """An S3 server with one bucket, shared by all tests of a process: use a prefix of your own."""
    from tests.support.s3_server import run_s3_server

    with run_s3_server() as server:
        yield server
