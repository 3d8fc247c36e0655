"""The database: transactions end correctly in every situation, and errors have the right type."""

# ruff: noqa: PT012 - a transaction is a block, and what is raised comes out of it

import ast
import asyncio
import os
import sqlite3
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from tortoise.exceptions import TransactionManagementError

import hubbub
from hubbub import models
from hubbub.config import Settings
from hubbub.core import tasks
from hubbub.core.errors import NotFound, Unavailable
from hubbub.db import database, migrations
from hubbub.db.engines import postgres
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

SOON = 10.0
PACKAGE = Path(hubbub.__file__).parent


@pytest.fixture
async def opened(settings):
    """The database of the test, open."""
    await migrations.open_current(settings)
    yield settings
    await database.close()


async def _put(key, value="here"):
    await database.connection().execute("INSERT INTO state (key, value) VALUES ($1, $2)", key, value)


async def _keys():
    rows = await database.connection().fetch("SELECT key FROM state ORDER BY key")
    return [row["key"] for row in rows]


async def _keys_seen_from_outside(settings):
    """As another program sees them: what is not committed does not count."""
    if settings.uses_sqlite:
        with sqlite3.connect(database.sqlite_path(settings.database_url), timeout=1) as other:
            keys = [key for (key,) in other.execute("SELECT key FROM state ORDER BY key")]
            other.execute("UPDATE state SET value = value")  # the write lock is free
        other.close()
        return keys
    other = await asyncpg.connect(settings.database_url)
    try:
        return [row["key"] for row in await other.fetch("SELECT key FROM state ORDER BY key")]
    finally:
        await other.close()


async def _all_connections_serve(settings):
    """As many transactions at once as there are connections, in time."""
    count = 1 if settings.uses_sqlite else settings.database_pool
    together = asyncio.Barrier(count)

    async def one():
        async with database.transaction() as tx:
            await tx.fetch("SELECT 1")
            await together.wait()

    async with asyncio.timeout(SOON):
        await asyncio.gather(*(one() for _ in range(count)))


# --- what a transaction is ---


async def test_a_transaction_is_visible_after_its_commit(opened):
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
        await models.DatabaseMeta.create(key="b", value="")
        before = await _keys_seen_from_outside(opened) if not opened.uses_sqlite else []

    assert before == []
    assert await _keys_seen_from_outside(opened) == ["a", "b"]


async def test_an_error_rolls_everything_back(opened):
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            await models.DatabaseMeta.create(key="b", value="")
            raise NotFound

    assert await _keys_seen_from_outside(opened) == []
    await _all_connections_serve(opened)


async def test_a_nested_transaction_rolls_back_alone(opened):
    async with database.transaction():
        await models.DatabaseMeta.create(key="a", value="")
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await tx.execute("INSERT INTO state (key, value) VALUES ('b', '')")
                raise NotFound
        with pytest.raises(Exception, match="(?i)unique") as caught:  # noqa: RUF043 - as a flag
            async with database.transaction():
                await models.DatabaseMeta.create(key="a", value="")
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('c', '')")

    assert database.is_duplicate(caught.value)
    assert await _keys_seen_from_outside(opened) == ["a", "c"]


async def test_concurrent_statements_of_a_transaction_are_serialized(opened):
    async with database.transaction() as tx:
        rows = await asyncio.gather(*(tx.fetch("SELECT count(*) AS count FROM state") for _ in range(5)))

    assert [found[0]["count"] for found in rows] == [0] * 5


async def test_a_refused_commit_rolls_everything_back(opened):
    async def refused():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            if tx.dialect == "sqlite":
                await tx.execute("PRAGMA defer_foreign_keys = ON")
                await tx.execute("UPDATE memberships SET room_id = 'x'")
            else:
                await tx.execute("CREATE TEMP TABLE once (x int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
                await tx.execute("INSERT INTO once VALUES (1), (1)")

    if opened.uses_sqlite:
        room = await models.Room.create(kind="public")
        user = await models.User.create(username="ada", email="a@example.org", display_name="Ada")
        await models.Membership.create(room=room, user=user, role="member")

    for _ in range(3):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)):
            await refused()

    assert await _keys_seen_from_outside(opened) == []
    await _all_connections_serve(opened)


# --- trap 1: a cancelled call releases what it holds ---


async def _cancel_after(seconds, work):
    """Run `work` and cancel it after the delay. Returns whether it was cancelled."""
    task = asyncio.create_task(work)
    timer = asyncio.get_running_loop().call_later(seconds, task.cancel)
    await asyncio.wait([task])
    timer.cancel()
    if not task.cancelled() and task.exception():
        raise task.exception()
    return task.cancelled()


async def test_a_transaction_may_be_cancelled_while_it_begins(opened):
    async def work():
        async with database.transaction():
            pass

    cancelled = [await _cancel_after(step * 20e-6, work()) for step in range(150)]

    assert any(cancelled)
    await _all_connections_serve(opened)
    await _put("after")
    assert await _keys_seen_from_outside(opened) == ["after"]


async def test_a_transaction_may_be_cancelled_during_a_statement(opened):
    async def work():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            await models.DatabaseMeta.create(key="b", value="")
            await asyncio.Event().wait()

    for step in range(100):
        assert await _cancel_after(step * 40e-6, work())

    await _all_connections_serve(opened)
    assert await _keys_seen_from_outside(opened) == []


async def test_a_transaction_may_be_cancelled_while_it_waits_for_a_connection(opened):
    turn, working = asyncio.Event(), asyncio.Event()

    async def hold():
        async with database.transaction():
            working.set()
            await turn.wait()

    holders = [asyncio.create_task(hold()) for _ in range(1 if opened.uses_sqlite else opened.database_pool)]
    await working.wait()
    waiters = [asyncio.create_task(_put(f"{number}")) for number in range(5)]
    await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    turn.set()
    await asyncio.gather(*holders)

    await _all_connections_serve(opened)


async def test_a_transaction_may_be_cancelled_twice(opened):
    """The second cancellation hits the wait that the first one started."""

    async def work():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    for step in range(60):
        task = asyncio.create_task(work())
        timers = [loop.call_later(step * 20e-6 + more, task.cancel) for more in (0, 20e-6, 100e-6)]
        await asyncio.wait([task])
        for timer in timers:
            timer.cancel()

    await _all_connections_serve(opened)
    assert await _keys_seen_from_outside(opened) == []


async def test_a_cancelled_commit_is_complete_or_absent(opened):
    done = []

    async def work(key):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ($1, '')", key)
        done.append(key)

    for step in range(150):
        await _cancel_after(step * 20e-6, work(f"{step:03}"))

    await _all_connections_serve(opened)
    keys = await _keys_seen_from_outside(opened)
    assert set(done) <= set(keys)
    assert keys == await _keys()


async def test_a_cancelled_bulk_create_leaves_no_transaction_open(opened):
    async def work(step):
        await models.DatabaseMeta.bulk_create(
            [models.DatabaseMeta(key=f"{step}-{n}", value="") for n in range(50)]
        )

    cancelled = [await _cancel_after(step * 50e-6, work(step)) for step in range(60)]
    await work("last")

    assert any(cancelled)
    keys = await _keys_seen_from_outside(opened)
    counts = {key.partition("-")[0]: 0 for key in keys}
    for key in keys:
        counts[key.partition("-")[0]] += 1
    assert set(counts.values()) == {50}
    assert keys == await _keys()


async def test_the_database_may_be_closed_during_a_statement(opened):
    working = asyncio.Event()

    async def work():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            working.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await working.wait()
    task.cancel()
    async with asyncio.timeout(SOON):
        await database.close()
    await asyncio.wait([task])

    assert await _keys_seen_from_outside(opened) == []


# --- trap 2: a task that was started inside a transaction has no part in it ---


async def test_a_spawned_task_has_its_own_transaction(opened):
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('inside', '')")
            task = tasks.spawn(_put("spawned"), name="a test's")
            raise NotFound
    await asyncio.wait_for(task, SOON)

    assert await _keys_seen_from_outside(opened) == ["spawned"]


async def test_a_task_that_outlives_a_transaction_it_inherited_is_refused(opened):
    over = asyncio.Event()

    async def late(write):
        await over.wait()
        await write

    async with database.transaction():
        by_hand = asyncio.create_task(late(_put("late")))
        by_model = asyncio.create_task(late(models.DatabaseMeta.create(key="late", value="")))
    async with database.transaction():
        over.set()
        await asyncio.wait([by_hand, by_model])

    assert isinstance(by_hand.exception(), TransactionManagementError)
    assert isinstance(by_model.exception(), TransactionManagementError)
    assert await _keys_seen_from_outside(opened) == []


_STARTING = {"create_task", "ensure_future", "start_background_task", "spawn", "run_in_executor", "call_soon"}


def _starts_inside_transactions(tree):
    """Lines on which something is started inside a block of a transaction or a unit."""
    for block in (node for node in ast.walk(tree) if isinstance(node, ast.AsyncWith)):
        opened = {ast.unparse(item.context_expr) for item in block.items}
        if any(expression.endswith(("transaction()", ".unit()")) for expression in opened):
            for node in ast.walk(block):
                if isinstance(node, ast.Attribute) and node.attr in _STARTING:
                    yield node.lineno


def test_tasks_are_not_created_inside_a_transaction():
    found = {
        path.name: list(_starts_inside_transactions(ast.parse(path.read_text())))
        for path in PACKAGE.rglob("*.py")
    }

    assert {name: lines for name, lines in found.items() if lines} == {}


# --- trap 3: two processes, one SQLite file ---

COUNTING = """
import asyncio, sys
from pathlib import Path
from hubbub.config import Settings
from hubbub.db import database, migrations
from tests.support.waiting import until

async def count():
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT value FROM state WHERE key = 'count'")
        more = str(int(rows[0]["value"]) + 1)
        await tx.execute("UPDATE state SET value = $1 WHERE key = 'count'", more)

async def main(folder):
    await migrations.open_current(Settings.for_tests(data_dir=Path(folder)))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        for _ in range(100):
            await count()
    finally:
        await database.close()

asyncio.run(main(sys.argv[1]))
"""


async def _python(code, *arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_two_processes_read_and_write_one_file(opened, tmp_path):
    await _put("count", "0")

    others = [await _python(COUNTING, str(tmp_path)) for _ in range(2)]
    for other in others:
        assert await asyncio.wait_for(other.stdout.readline(), 60) == b"ready\n"
    told = await asyncio.gather(*(other.communicate(b"\n") for other in others))

    assert [(other.returncode, error) for other, (_, error) in zip(others, told, strict=True)] == [
        (0, b"")
    ] * 2
    rows = await database.connection().fetch("SELECT value FROM state WHERE key = 'count'")
    assert rows[0]["value"] == "200"


# --- every wait has an end (PostgreSQL; what another process does to SQLite is above and below) ---


@pytest.fixture
def short_timeouts(monkeypatch):
    """Short limits, so that the test does not wait for long."""
    monkeypatch.setattr(database, "STATEMENT_S", 0.5)
    monkeypatch.setattr(postgres, "ACQUIRE_S", 0.5)
    monkeypatch.setattr(database, "BUSY_MS", 200)


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_statement_over_the_time_limit_is_aborted(short_timeouts, opened):
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.fetch("SELECT pg_sleep(60)")

    await _all_connections_serve(opened)


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_wait_for_a_lock_is_bounded(short_timeouts, opened):
    await _put("a")
    other = await asyncpg.connect(opened.database_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM state WHERE key = 'a' FOR UPDATE")
        with pytest.raises(Unavailable):
            async with database.transaction() as tx:
                await tx.execute("UPDATE state SET value = '' WHERE key = 'a'")
    await other.close()

    async with database.transaction() as tx:
        assert await tx.execute("UPDATE state SET value = '' WHERE key = 'a'") == 1


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_an_exhausted_pool_is_unavailable(opened, monkeypatch):
    monkeypatch.setattr(postgres, "ACQUIRE_S", 0.3)
    async with AsyncExitStack() as stack:
        holding = [asyncio.Event() for _ in range(opened.database_pool)]
        release = asyncio.Event()

        async def hold(event):
            async with database.transaction():
                event.set()
                await release.wait()

        holders = [asyncio.create_task(hold(event)) for event in holding]
        stack.callback(release.set)
        await asyncio.gather(*(event.wait() for event in holding))
        for attempt in (_keys, _in_transaction):
            with pytest.raises(Unavailable):
                async with database.guard():
                    await attempt()
    await asyncio.gather(*holders)

    await _all_connections_serve(opened)


async def _in_transaction():
    async with database.transaction():
        pass


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_an_idle_transaction_is_ended(short_timeouts, opened):
    """The server releases the locks of a hanging instance, so that the others continue."""
    await _put("a")
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.execute("UPDATE state SET value = 'mine' WHERE key = 'a'")
            other = await asyncpg.connect(opened.database_url)
            await asyncio.wait_for(other.execute("UPDATE state SET value = 'theirs' WHERE key = 'a'"), SOON)
            await other.close()

    rows = await database.connection().fetch("SELECT value FROM state WHERE key = 'a'")
    assert rows[0]["value"] == "theirs"


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_file_locked_for_long_is_unavailable(short_timeouts, opened):
    other = sqlite3.connect(database.sqlite_path(opened.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for attempt in (_in_transaction, lambda: _put("a")):
        with pytest.raises(Unavailable):
            async with database.guard():
                await attempt()
    assert await _keys() == []
    other.rollback()
    other.close()

    await _put("a")
    assert await _keys() == ["a"]


# --- the server becomes unavailable and recovers ---


@pytest.fixture
async def proxy(database_url):
    """A proxy between hubbub and its PostgreSQL."""
    async with TcpProxy(database_url) as made:
        yield made


@pytest.fixture
async def proxied_database(proxy, tmp_path, short_timeouts):
    """The database, opened through the proxy."""
    settings = Settings.for_tests(database_url=proxy.url, data_dir=tmp_path, database_pool=3)
    await migrations.open_current(settings)
    yield settings
    await database.close()


only_postgres = pytest.mark.parametrize("database_kind", ["postgres"])


@only_postgres
async def test_a_stopped_server_is_unavailable_at_once_and_found_again(proxy, proxied_database, caplog):
    caplog.set_level("INFO", "hubbub.db")
    await _put("before")
    await proxy.stop()
    for _ in range(5):
        async with asyncio.timeout(2):
            for attempt in (_in_transaction, _keys):
                with pytest.raises(Unavailable):
                    async with database.guard():
                        await attempt()
    await until(database.unavailable)
    with pytest.raises(Unavailable):
        await _in_transaction()
    await proxy.start()

    await until(lambda: not database.unavailable())
    await _in_transaction()
    assert await _keys() == ["before"]
    assert [record.message for record in caplog.records] == [
        "the database is unavailable",
        "the database is available",
    ]


@only_postgres
async def test_code_without_queries_does_not_mark_the_database_available(proxy, proxied_database, caplog):
    caplog.set_level("INFO", "hubbub.db")
    await proxy.stop()
    for _ in range(5):
        with pytest.raises(Unavailable):
            async with database.guard():
                await _keys()
        async with database.guard():
            pass
        await until(database.unavailable)

    assert [record.message for record in caplog.records] == ["the database is unavailable"]


@only_postgres
async def test_a_broken_connection_does_not_mark_the_database_unavailable(proxy, proxied_database, caplog):
    caplog.set_level("INFO", "hubbub.db")
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            proxy.reset_connections()
            await tx.execute("SELECT 1")

    await _all_connections_serve(proxied_database)
    assert not database.unavailable()
    assert caplog.records == []


@only_postgres
async def test_calls_fail_at_once_while_a_server_is_known_to_hang(proxy, proxied_database):
    proxy.freeze()
    with pytest.raises(Unavailable):
        async with database.guard():
            await _keys()
    await until(database.unavailable)

    async with asyncio.timeout(SOON):
        for _ in range(500):
            for attempt in (_in_transaction, _keys):
                with pytest.raises(Unavailable):
                    async with database.guard():
                        await attempt()
    proxy.thaw()
    await until(lambda: not database.unavailable())
    await _all_connections_serve(proxied_database)


@only_postgres
async def test_a_server_that_disconnects_in_a_transaction_is_unavailable(proxy, proxied_database):
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            proxy.reset_connections()
            await tx.execute("INSERT INTO state (key, value) VALUES ('b', '')")

    await _all_connections_serve(proxied_database)
    assert await _keys() == []


@only_postgres
async def test_an_application_error_is_kept_when_the_server_disconnects(proxy, proxied_database):
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            proxy.reset_connections()
            raise NotFound

    await _all_connections_serve(proxied_database)


@only_postgres
async def test_a_commit_of_unknown_outcome_is_unavailable(proxy, proxied_database):
    async def write():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            proxy.freeze_at(b"COMMIT")

    writing = asyncio.create_task(write())
    await asyncio.wait_for(proxy.pattern_seen.wait(), SOON)
    proxy.reset_connections()
    proxy.thaw()

    with pytest.raises(Unavailable):
        await writing
    await _all_connections_serve(proxied_database)
    assert await _keys() == ["a"]  # this time it was done


@only_postgres
async def test_a_hanging_server_is_abandoned(proxy, proxied_database):
    await _put("before")
    proxy.freeze()
    for attempt in (_in_transaction, _keys):
        with pytest.raises(Unavailable):
            async with asyncio.timeout(SOON), database.guard():
                await attempt()
    proxy.thaw()

    await _all_connections_serve(proxied_database)


@only_postgres
async def test_a_restarted_server_is_used_again(opened):
    await _all_connections_serve(opened)
    other = await asyncpg.connect(opened.database_url)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'hubbub' AND datname = current_database()"
    )
    await other.close()

    async with asyncio.timeout(SOON):
        while True:  # the news of the closed connections arrive some time
            try:
                await _in_transaction()
                break
            except Unavailable:
                await asyncio.sleep(0)
    await _all_connections_serve(opened)


@only_postgres
async def test_a_changed_schema_is_used_at_the_next_attempt(opened):
    async def read():
        async with database.transaction() as tx:
            return [dict(row) for row in await tx.fetch("SELECT * FROM state")]

    await _put("a")
    await read()
    other = await asyncpg.connect(opened.database_url)
    await other.execute("ALTER TABLE state ADD COLUMN more int")
    await other.close()

    with pytest.raises(Unavailable):
        await read()
    assert await read() == [{"key": "a", "value": "here", "more": None}]


async def test_a_programming_error_is_not_reported_as_unavailable(opened):
    with pytest.raises(Exception, match="nowhere") as caught:
        async with database.transaction() as tx:
            await tx.fetch("SELECT * FROM nowhere")
    assert not isinstance(caught.value, Unavailable)

    if not opened.uses_sqlite:
        with pytest.raises(asyncpg.DataError):
            async with database.guard():
                await database.connection().fetch("SELECT $1::uuid", 5)


# --- opening ---


async def _problem(**fields):
    with pytest.raises(database.DatabaseProblem) as caught:
        await migrations.open_current(Settings.for_tests(**fields))
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_several_databases_are_used_in_sequence(databases, tmp_path):
    urls = [databases.create_migrated(kind, tmp_path) for kind in ("sqlite", "postgres", "postgres")]
    for number, url in enumerate([*urls, *urls]):
        await migrations.open_current(Settings.for_tests(database_url=url, data_dir=tmp_path))
        await models.DatabaseMeta.create(key=f"{number}", value="")
        assert await _keys() == [str(each) for each in (number - 3, number) if each >= 0]
        await database.close()
    for url in urls[1:]:
        databases.release(url)


async def test_closing_twice_or_without_opening_is_no_error(settings):
    await database.close()
    await migrations.open_current(settings)
    await database.close()
    await database.close()


async def test_a_database_in_memory_needs_no_migration():
    await migrations.open_current(Settings.for_tests())
    await models.DatabaseMeta.create(key="a", value="")

    assert await _keys() == ["a"]
    await database.close()


async def test_a_relative_path_starts_at_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.for_tests(database_url="sqlite://some/where/hub%20bub.db")
    await migrations.up(settings)

    assert (tmp_path / "some" / "where" / "hub bub.db").is_file()


async def test_a_file_that_is_not_a_database_is_reported(tmp_path):
    (tmp_path / "hubbub.db").write_text("Dear Ada,\n" * 1000)

    assert "hubbub.db is not an SQLite database" in await _problem(data_dir=tmp_path)


async def test_a_damaged_file_is_reported(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path)
    await migrations.up(settings)
    with (tmp_path / "hubbub.db").open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(3000))

    assert "hubbub.db is damaged" in await _problem(data_dir=tmp_path)


async def test_a_file_held_by_another_program_is_reported(tmp_path, short_timeouts):
    settings = Settings.for_tests(data_dir=tmp_path)
    await migrations.up(settings)
    other = sqlite3.connect(tmp_path / "hubbub.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    assert "hubbub.db is locked by another program" in await _problem(data_dir=tmp_path)
    other.close()


async def test_a_folder_in_place_of_the_file_is_reported(tmp_path):
    (tmp_path / "hubbub.db").mkdir()

    assert "hubbub.db can't be opened" in await _problem(data_dir=tmp_path)


async def test_a_path_through_a_file_is_reported(tmp_path):
    (tmp_path / "file").write_text("")

    assert "can't be" in await _problem(data_dir=tmp_path / "file" / "folder")


@pytest.fixture
def unprivileged():
    """Without the rights of root, for as long as the test lasts."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


async def test_a_read_only_folder_is_reported(tmp_path_factory, unprivileged):
    folder = Path("/proc/1") if os.getuid() == 0 else tmp_path_factory.mktemp("closed", numbered=True)
    if os.getuid() != 0:
        folder.chmod(0o500)

    assert "can't be" in await _problem(data_dir=folder / "data")


async def test_an_unknown_user_is_reported(postgres_url):
    url = postgres_url.replace("//postgres@", "//stranger:s3cret@")

    line = await _problem(database_url=url)

    assert "refuses the user or the password" in line
    assert "s3cret" not in line


async def test_a_missing_database_is_reported(postgres_url):
    assert "no such database" in await _problem(database_url=f"{postgres_url.rpartition('/')[0]}/nowhere")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://u:s3cret@127.0.0.1:1/hub", "PostgreSQL at 127.0.0.1:1/hub can't be reached"),
        ("postgres://u:s3cret@nowhere.invalid/hub", "PostgreSQL at nowhere.invalid/hub "),
        ("postgres://u:s3cret@127.0.0.1/hub?sslmode=perhaps", "HUBBUB_DATABASE_URL is not valid"),
        ("postgres://u:s3cret@127.0.0.1/hub?sslmode=verify-full&sslrootcert=/no/file", "a certificate"),
        ("postgres://u:s3cret@127.0.0.1/hub?sslmode=require&sslcert=/no/file", "a certificate"),
        ("postgres://u:s3cret@/hub?host=127.0.0.1&port=x", "HUBBUB_DATABASE_URL is not valid"),
    ],
)
async def test_an_unreachable_server_is_reported(url, said):
    line = await _problem(database_url=url)

    assert said in line
    assert "s3cret" not in line


@only_postgres
async def test_a_frozen_server_at_the_start_is_reported(proxy, monkeypatch):
    monkeypatch.setattr(database, "CONNECT_S", 0.3)
    proxy.freeze()

    assert "does not respond" in await _problem(database_url=proxy.url)


@only_postgres
async def test_the_parameters_of_the_url_reach_the_server(database_url):
    options = "?application_name=hub-7&statement_cache_size=0&search_path=public"
    await migrations.open_current(Settings.for_tests(database_url=database_url + options))
    rows = await database.connection().fetch("SELECT current_setting('application_name') AS name")
    await database.close()

    assert rows[0]["name"] == "hub-7"
