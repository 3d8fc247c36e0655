"""Transactions: isolation, cancellation, tasks, and two processes on one SQLite file."""

# ruff: noqa: PT012 - a transaction is a block, and what is raised comes out of it

import ast
import asyncio
import sqlite3
import sys

import pytest
from tortoise.exceptions import TransactionManagementError

from hubbub import models
from hubbub.core import tasks
from hubbub.core.errors import NotFound
from hubbub.db import database
from tests.db.database.conftest import (
    PACKAGE,
    SOON,
    all_connections_serve,
    keys_seen_from_outside,
    put,
    stored_keys,
)

# --- what a transaction is ---


async def test_a_transaction_is_visible_after_its_commit(opened):
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
        await models.DatabaseMeta.create(key="b", value="")
        before = await keys_seen_from_outside(opened) if not opened.uses_sqlite else []

    assert before == []
    assert await keys_seen_from_outside(opened) == ["a", "b"]


async def test_an_error_rolls_everything_back(opened):
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            await models.DatabaseMeta.create(key="b", value="")
            raise NotFound

    assert await keys_seen_from_outside(opened) == []
    await all_connections_serve(opened)


async def test_a_nested_transaction_rolls_back_alone(opened):
    async with database.transaction():
        await models.DatabaseMeta.create(key="a", value="")
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await tx.execute("INSERT INTO state (key, value) VALUES ('b', '')")
                raise NotFound
        with pytest.raises(database.Duplicate, match="(?i)unique"):  # noqa: RUF043 - as a flag
            async with database.transaction():
                await models.DatabaseMeta.create(key="a", value="")
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('c', '')")

    assert await keys_seen_from_outside(opened) == ["a", "c"]


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
        with pytest.raises((sqlite3.IntegrityError, database.Duplicate)):
            await refused()

    assert await keys_seen_from_outside(opened) == []
    await all_connections_serve(opened)


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
    await all_connections_serve(opened)
    await put("after")
    assert await keys_seen_from_outside(opened) == ["after"]


async def test_a_transaction_may_be_cancelled_during_a_statement(opened):
    async def work():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            await models.DatabaseMeta.create(key="b", value="")
            await asyncio.Event().wait()

    for step in range(100):
        assert await _cancel_after(step * 40e-6, work())

    await all_connections_serve(opened)
    assert await keys_seen_from_outside(opened) == []


async def test_a_transaction_may_be_cancelled_while_it_waits_for_a_connection(opened):
    turn, working = asyncio.Event(), asyncio.Event()

    async def hold():
        async with database.transaction():
            working.set()
            await turn.wait()

    holders = [asyncio.create_task(hold()) for _ in range(1 if opened.uses_sqlite else opened.database_pool)]
    await working.wait()
    waiters = [asyncio.create_task(put(f"{number}")) for number in range(5)]
    await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    turn.set()
    await asyncio.gather(*holders)

    await all_connections_serve(opened)


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

    await all_connections_serve(opened)
    assert await keys_seen_from_outside(opened) == []


async def test_a_cancelled_commit_is_complete_or_absent(opened):
    done = []

    async def work(key):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ($1, '')", key)
        done.append(key)

    for step in range(150):
        await _cancel_after(step * 20e-6, work(f"{step:03}"))

    await all_connections_serve(opened)
    keys = await keys_seen_from_outside(opened)
    assert set(done) <= set(keys)
    assert keys == await stored_keys()


async def test_a_cancelled_bulk_create_leaves_no_transaction_open(opened):
    async def work(step):
        await models.DatabaseMeta.bulk_create(
            [models.DatabaseMeta(key=f"{step}-{n}", value="") for n in range(50)]
        )

    cancelled = [await _cancel_after(step * 50e-6, work(step)) for step in range(60)]
    await work("last")

    assert any(cancelled)
    keys = await keys_seen_from_outside(opened)
    counts = {key.partition("-")[0]: 0 for key in keys}
    for key in keys:
        counts[key.partition("-")[0]] += 1
    assert set(counts.values()) == {50}
    assert keys == await stored_keys()


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

    assert await keys_seen_from_outside(opened) == []


# --- trap 2: a task that was started inside a transaction has no part in it ---


async def test_a_spawned_task_has_its_own_transaction(opened):
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('inside', '')")
            task = tasks.spawn(put("spawned"), name="a test's")
            raise NotFound
    await asyncio.wait_for(task, SOON)

    assert await keys_seen_from_outside(opened) == ["spawned"]


async def test_a_task_that_outlives_a_transaction_it_inherited_is_refused(opened):
    over = asyncio.Event()

    async def late(write):
        await over.wait()
        await write

    async with database.transaction():
        by_hand = asyncio.create_task(late(put("late")))
        by_model = asyncio.create_task(late(models.DatabaseMeta.create(key="late", value="")))
    async with database.transaction():
        over.set()
        await asyncio.wait([by_hand, by_model])

    assert isinstance(by_hand.exception(), TransactionManagementError)
    assert isinstance(by_model.exception(), TransactionManagementError)
    assert await keys_seen_from_outside(opened) == []


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
    await put("count", "0")

    others = [await _python(COUNTING, str(tmp_path)) for _ in range(2)]
    for other in others:
        assert await asyncio.wait_for(other.stdout.readline(), 60) == b"ready\n"
    told = await asyncio.gather(*(other.communicate(b"\n") for other in others))

    assert [(other.returncode, error) for other, (_, error) in zip(others, told, strict=True)] == [
        (0, b"")
    ] * 2
    rows = await database.connection().fetch("SELECT value FROM state WHERE key = 'count'")
    assert rows[0]["value"] == "200"
