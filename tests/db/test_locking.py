"""Writers of several rows on several instances use one order of locks and bounded waits."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import hubbub
from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock, ids
from hubbub.core.request_info import RequestInfo
from hubbub.db import database, locking
from hubbub.db.sql import as_uuid
from hubbub.queries.instance import last_seen
from hubbub.queries.sync import change_counters
from hubbub.schemas.accounts.accounts import Refresh, Register
from hubbub.services.accounts import registration
from hubbub.services.auth import sessions
from hubbub.services.instance.last_seen import LastSeenTracker
from hubbub.services.jobs import claims, retention
from hubbub.services.presence.tracker import PresenceTracker

only_postgres = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
ROWS, ROUNDS = 1200, 6
LEASE = uuid4()
Write = Callable[[Iterable[UUID]], Awaitable[object]]


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def login(container):
    command = Register(name="Ada", email="ada@example.org", password="long enough")
    return await registration.register(container, command, RequestInfo("192.0.2.1", "tests"))


# Rows of each table that several instances write; $1 is a user.
SEEDS = {
    "sessions": (
        "INSERT INTO sessions (id, user_id, user_agent, ip, refresh_digest, created_at, last_seen_at, "
        "expires_at) SELECT gen_random_uuid(), $1, '', '', '', now(), now() - interval '1 day', "
        f"now() + interval '1 day' FROM generate_series(1, {ROWS}) RETURNING id"
    ),
    "api_keys": (
        "INSERT INTO api_keys (id, user_id, name, prefix, digest, scopes, created_at) "
        "SELECT gen_random_uuid(), $1, '', n, '', 'read', now() "
        f"FROM generate_series(1, {ROWS}) n RETURNING id"
    ),
    "users": (
        "INSERT INTO users (id, username, email, display_name, role, created_at, updated_at) "
        f"SELECT gen_random_uuid(), n, $1::uuid || n::text, '', 'user', now(), now() "
        f"FROM generate_series(1, {ROWS}) n RETURNING id"
    ),
    "jobs": (
        "INSERT INTO jobs (id, queue, kind, payload, state, attempts, run_at, created_at, lease, "
        "leased_until) "
        "SELECT gen_random_uuid(), 'default', 'x', '{}', 'running', 1, now(), now(), $1, now() "
        f"FROM generate_series(1, {ROWS}) RETURNING id"
    ),
    "one_time_tokens": (
        "INSERT INTO one_time_tokens (id, user_id, purpose, digest, email, expires_at) "
        "SELECT gen_random_uuid(), $1, 'x', n, '', now() - interval '1 day' "
        f"FROM generate_series(1, {ROWS}) n RETURNING id"
    ),
}


async def seed(table: str, user_id: UUID) -> list[UUID]:
    return [as_uuid(row["id"]) for row in await database.connection().fetch(SEEDS[table], user_id)]


async def _seen(column: last_seen.Column, rows: Iterable[UUID]) -> None:
    activity = LastSeenTracker(column)
    for row_id in rows:
        activity.record(row_id)
    await activity.write()


async def _touch(rows: Iterable[UUID]) -> None:
    async with database.transaction() as tx:
        await change_counters.bump_version(tx, rows)


async def _offline(rows: Iterable[UUID]) -> None:
    seen = dict.fromkeys(list(rows)[: locking.MAX_LOCKED_ROWS], clock.now())
    await last_seen.write(database.connection(), last_seen.USERS, seen)


# Which rows, and two writers of them, on two instances at once.
WRITERS: dict[str, tuple[str, Write, Write]] = {
    "sessions and sessions": (
        "sessions",
        lambda rows: _seen(last_seen.SESSIONS, rows),
        lambda rows: _seen(last_seen.SESSIONS, rows),
    ),
    "keys and keys": (
        "api_keys",
        lambda rows: _seen(last_seen.API_KEYS, rows),
        lambda rows: _seen(last_seen.API_KEYS, rows),
    ),
    "presence and presence": ("users", _offline, _offline),
    "presence and members": ("users", _offline, _touch),
    "members and members": ("users", _touch, _touch),
    "retention and retention": (
        "one_time_tokens",
        lambda _: retention.remove_used_tokens(),
        lambda _: retention.remove_used_tokens(),
    ),
    "leases and lost workers": (
        "jobs",
        lambda _: claims.extend([LEASE]),
        lambda _: claims.requeue_lost(),
    ),
}


@only_postgres
@pytest.mark.parametrize("name", WRITERS)
async def test_two_instances_that_write_in_opposite_order_do_not_deadlock(login, name):
    table, here, there = WRITERS[name]
    rows = await seed(table, LEASE if table == "jobs" else login.user.id)

    for _ in range(ROUNDS):
        async with asyncio.timeout(20):
            await asyncio.gather(here(rows), there(reversed(rows)))  # a deadlock raises


@only_postgres
async def test_ending_sessions_does_not_wait_for_updates_of_their_last_use(container, login):
    rows = await seed("sessions", login.user.id)
    stop = asyncio.Event()

    async def write(order: list[UUID]) -> None:
        while not stop.is_set():
            await _seen(last_seen.SESSIONS, order)

    writers = [asyncio.create_task(write(order)) for order in (rows, rows[::-1])]
    took = []
    for session_id in rows[::200]:
        began = clock.monotonic()
        await sessions.revoke(container, login.user.id, session_id, "ended")
        took.append(clock.monotonic() - began)
    began = clock.monotonic()
    await sessions.refresh(
        container, Refresh(refresh_token=login.refresh_token), RequestInfo("192.0.2.1", "tests")
    )
    await sessions.revoke_others(container, login.user.id, None, "ended")
    took.append(clock.monotonic() - began)
    stop.set()
    await asyncio.gather(*writers)

    assert max(took) < 1
    assert not await models.Session.filter(revoked_at__isnull=True).exists()


@only_postgres
async def test_session_ends_and_a_password_reset_do_not_deadlock(container, login):
    async def reset() -> None:
        async with database.transaction() as tx:
            await models.User.filter(id=login.user.id).update(password_digest="x")
            await change_counters.revoke_sessions(tx, login.user.id, None, "password_reset")
            await change_counters.bump_version(tx, [login.user.id])

    for _ in range(ROUNDS):
        rows = (await seed("sessions", login.user.id))[:20]
        async with asyncio.timeout(20):
            await asyncio.gather(
                reset(),
                sessions.revoke_others(container, login.user.id, rows[0], "ended"),
                *(sessions.revoke(container, login.user.id, row, "ended") for row in rows[:5]),
            )


@only_postgres
async def test_a_locked_row_is_written_later_and_delays_no_other(login):
    held, *others = await seed("sessions", login.user.id)
    activity = LastSeenTracker()
    for row_id in (held, *others, ids.uuid7()):  # the last one was deleted
        activity.record(row_id)
    before = clock.now() - timedelta(hours=1)

    async with database.transaction() as tx:
        await tx.execute("SELECT id FROM sessions WHERE id = $1 FOR UPDATE", held)
        await asyncio.wait_for(asyncio.create_task(activity.write(), context=Context()), 5)
        assert await models.Session.filter(last_seen_at__gt=before, id__in=others).count() == len(others)
        assert list(activity._unwritten) == [held]
    await activity.write()

    assert (await models.Session.get(id=held)).last_seen_at > before
    assert not activity._unwritten


@only_postgres
async def test_a_user_with_a_locked_row_is_processed_at_the_next_step(container, login):
    tracker = PresenceTracker(container)

    async with database.transaction() as tx:
        await tx.execute("SELECT id FROM users WHERE id = $1 FOR UPDATE", login.user.id)
        seen = tracker._record_last_seen([login.user.id], clock.now())
        await asyncio.wait_for(asyncio.create_task(seen, context=Context()), 5)
    assert (await models.User.get(id=login.user.id)).last_seen_at is None
    await tracker.step()

    assert isinstance((await models.User.get(id=login.user.id)).last_seen_at, datetime)


@only_postgres
async def test_retention_skips_locked_rows(login):
    held, *_ = await seed("one_time_tokens", login.user.id)

    async with database.transaction() as tx:
        await tx.execute("SELECT id FROM one_time_tokens WHERE id = $1 FOR UPDATE", held)
        tidying = asyncio.create_task(retention.remove_used_tokens(), context=Context())
        await asyncio.wait_for(tidying, 10)
    assert await models.OneTimeToken.filter(purpose="x").values_list("id", flat=True) == [held]
    await retention.remove_used_tokens()

    assert not await models.OneTimeToken.filter(purpose="x").exists()


# Modules that may run a statement for each row of a list, and why their order is one.
FOR_EACH_ROW = {
    "hubbub/db/sql.py": "defines it",
    "hubbub/queries/jobs/leases.py": "rows that the transaction locked, by their id",
    "hubbub/queries/jobs/jobs.py": "new rows, ordered by their unique key",
    "hubbub/queries/instance/last_seen.py": "SQLite, which has one writer",
    "hubbub/queries/chat/search.py": "SQLite",
    "hubbub/services/backups/sqlite.py": "a copy that nothing else has open",
    "hubbub/queries/eventlog/append_batch_sqlite.py": "SQLite",
    "hubbub/queries/notifications/decisions.py": "ordered by their key",
    "hubbub/queries/notifications/digests.py": "inboxes that the transaction locked, ordered by their key",
    "hubbub/queries/notifications/inbox.py": "SQLite",
    "hubbub/queries/eventlog/event_log.py": "SQLite; and inserts, under the locks of their rooms",
    "hubbub/queries/portfolio/items.py": "items of a user whose portfolio is locked",
    "hubbub/queries/portfolio/search.py": "SQLite",
    "hubbub/queries/uploads/references.py": "references to uploads that are locked by id",
}
# Modules that change several rows without an order, because they or their callers have locked them in order.
ALREADY_LOCKED = {
    "hubbub/queries/eventlog/append_batch.py": "uploads, locked by id in the same statement",
    "hubbub/services/auth/email_change.py": "tokens of a locked user; the retention skips locked rows",
    "hubbub/services/mail/one_time_tokens.py": "likewise",
    "hubbub/services/uploads/stored_objects.py": "bytes, locked by id in the same transaction",
    "hubbub/services/uploads/uploads.py": "uploads that the callers have locked",
}
MODULES = sorted(Path(hubbub.__file__).parent.rglob("*.py"))
MANY = re.compile(r"__in=[^\n]*\)\.(update|delete)\(|(UPDATE|DELETE FROM) \w+ [^\"]*\bIN \(SELECT")


def test_statements_over_many_rows_lock_them_in_order():
    root = Path(hubbub.__file__).parents[1]
    texts = {
        str(path.relative_to(root)): path.read_text() for path in MODULES if "migrations" not in str(path)
    }

    calls = {name for name, text in texts.items() if re.search(r"\bexecutemany\(", text)}
    assert calls == set(FOR_EACH_ROW)
    unordered = {name for name, text in texts.items() if MANY.search(text) and "prove" not in name}
    assert unordered == set(ALREADY_LOCKED)
