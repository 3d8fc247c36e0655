"""The table of processes: registration, refusals, and outages."""

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg
import pytest

from hubbub import __version__
from hubbub.config import Settings
from hubbub.core import ids
from hubbub.core.auth_tokens import key_id
from hubbub.db import database, migrations
from hubbub.queries.instance import processes as rows
from hubbub.services.instance import processes
from hubbub.services.instance.processes import Process, StartRefused
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

KEY, OTHER_KEY = "k" * 40, "o" * 40
WAIT_S = 10.0


@pytest.fixture
async def opened(settings):
    settings = settings.model_copy(update={"secret_key": KEY, "instance_id": "one"})
    await migrations.open_current(settings)
    yield settings
    await database.close()


@pytest.fixture
async def start(opened):
    """Start the registration of a process; all are closed in the end."""
    async with AsyncExitStack() as stack:

        async def start(kind="serve", every_s=60.0, **changes):
            process = Process(opened.model_copy(update=changes), kind, every_s)
            stack.push_async_callback(process.close)
            await process.register()
            return process

        yield start


async def age(run, seconds):
    """Age a row."""
    back = f"datetime(seen_at, '{-seconds:+d} seconds')"
    if database.dialect() == "postgres":
        back = f"seen_at + interval '{-seconds:+d} seconds'"
    await database.connection().execute(f"UPDATE processes SET seen_at = {back} WHERE run = $1", run)


async def one(process):
    """The row of a process."""
    found = await rows.read(database.connection())
    return next((row for row in found if row.run == process.registration.run), None)


@pytest.mark.parametrize("kind", ["serve", "worker", "scheduler"])
async def test_a_process_has_a_row_while_it_runs(start, kind):
    process = await start(kind)
    [row] = await processes.live()
    await process.close()

    assert (row.id, row.kind, row.version) == ("one", kind, __version__)
    assert row.key_fingerprint == key_id(KEY)
    assert 0 <= row.age_s < 5
    assert await processes.live() == []


async def test_the_row_is_renewed(start):
    process = await start(every_s=0.02)
    before = await one(process)

    async def renewed():
        return (await one(process)).seen_at > before.seen_at

    await until(renewed)
    assert (await one(process)).started_at == before.started_at


@pytest.mark.parametrize("seconds", [16, -16])
async def test_an_old_row_has_expired(start, seconds):
    await age((await start()).registration.run, seconds)

    assert await processes.live() == []


async def test_an_expired_row_is_deleted_later(start):
    process = await start()
    killed = [process.registration._replace(run=ids.uuid7(), id=name) for name in ("old", "older")]
    for registration, seconds in zip(killed, (50, 70), strict=True):
        await rows.write(database.connection(), registration)
        await age(registration.run, seconds)

    await process.renew()

    assert {row.id for row in await rows.read(database.connection())} == {"one", "old"}


async def test_the_clock_of_the_machine_is_not_used(start, monkeypatch):
    process = await start()

    monkeypatch.setattr(time, "time", lambda: 0.0)
    await process.renew()

    assert [row.run for row in await processes.live()] == [process.registration.run]


async def test_a_deleted_row_is_written_again(start):
    process = await start(every_s=0.02)
    await rows.remove_all(database.connection())

    await until(processes.live)

    assert (await one(process)).id == "one"


# --- peers: PostgreSQL alone has any ---


on_postgres = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@on_postgres
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("worker", {}),
        ("serve", {"instance_id": "two"}),
        ("serve", {"instance_id": "two", "secret_key": OTHER_KEY, "secret_key_previous": (KEY,)}),
    ],
    ids=["another kind", "another id", "the key of before"],
)
async def test_matching_processes_start_at_once(start, kind, changes):
    await start()

    began = time.monotonic()
    await start(kind, **changes)

    assert time.monotonic() - began < processes.CONFLICT_POLL_S
    assert len(await processes.live()) == 2


UNFIT = {
    "the same id": ("serve", {}, "HUBBUB_INSTANCE_ID: serve one is already running"),
    "another key": ("serve", {"instance_id": "two", "secret_key": OTHER_KEY}, "HUBBUB_SECRET_KEY: serve one"),
    "another key of a worker": ("worker", {"secret_key": OTHER_KEY}, "HUBBUB_SECRET_KEY: serve one"),
    "a key of which the peer is to learn": (
        "serve",
        {"instance_id": "two", "secret_key": OTHER_KEY, "secret_key_previous": ("p" * 40,)},
        "HUBBUB_SECRET_KEY: serve one",
    ),
}


@on_postgres
@pytest.mark.parametrize(("kind", "changes", "reason"), UNFIT.values(), ids=UNFIT)
async def test_a_mismatched_process_is_refused_when_the_other_renews(start, kind, changes, reason):
    first = await start(every_s=0.1)

    with pytest.raises(StartRefused, match=reason):
        await start(kind, **changes)

    assert [row.run for row in await processes.live()] == [first.registration.run]


@on_postgres
@pytest.mark.parametrize(("kind", "changes", "reason"), UNFIT.values(), ids=UNFIT)
@pytest.mark.parametrize("end", ["expires", "is removed"])
async def test_a_process_starts_when_the_other_registration_ends(start, kind, changes, reason, end, caplog):
    first = await start()
    with caplog.at_level("INFO", "hubbub"):
        starting = asyncio.create_task(start(kind, **changes))

        async def waits():
            return "waiting for a registration to expire" in caplog.text

        await until(waits)
        await (age(first.registration.run, 16) if end == "expires" else first.close())
        second = await asyncio.wait_for(starting, WAIT_S)

    assert [row.run for row in await processes.live()] == [second.registration.run]


@on_postgres
async def test_one_of_two_processes_started_with_one_id_is_refused(start):
    found = await asyncio.gather(*(start(every_s=0.1) for _ in range(4)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in found) == ["Process", *["StartRefused"] * 3]


@on_postgres
async def test_a_duplicate_after_a_pause_is_logged_once(start, caplog):
    paused = await start()
    await age(paused.registration.run, 16)
    await start()

    for _ in range(2):
        await paused.renew()

    assert [record.id for record in caplog.records if "has the same id" in record.message] == ["one"]
    assert len(await processes.live()) == 2


@on_postgres
@pytest.mark.parametrize(
    ("first", "second", "warned"),
    [(None, None, 1), ("redis://r", "redis://r", 0), ("redis://r", None, 1)],
)
async def test_instances_without_redis_cause_one_warning(start, caplog, first, second, warned):
    await start(redis_url=first)
    process = await start(instance_id="two", redis_url=second)
    for _ in range(2):
        await process.renew()

    assert caplog.text.count("several instances run without Redis") == warned


@on_postgres
async def test_a_worker_does_not_count_as_an_instance(start, caplog):
    await start()
    await start("worker")

    assert "without Redis" not in caplog.text


@on_postgres
async def test_an_exhausted_pool_does_not_stop_the_renewals(settings):
    settings = settings.model_copy(update={"database_pool": 1})
    await migrations.open_current(settings)
    process = Process(settings, "serve", 0.02)
    watching = await asyncpg.connect(settings.database_url)
    try:
        await process.register()
        async with database.transaction():  # the only connection
            before = await watching.fetchval("SELECT seen_at FROM processes")

            async def renewed():
                return await watching.fetchval("SELECT seen_at FROM processes") > before

            await until(renewed)
    finally:
        await watching.close()
        await process.close()
        await database.close()


@on_postgres
@pytest.mark.parametrize("outage", ["down", "freeze"])
async def test_an_outage_stops_no_process_and_the_row_is_written_again(
    database_url, tmp_path, outage, caplog, monkeypatch
):
    monkeypatch.setattr(processes, "STATEMENT_TIMEOUT_S", 0.2)
    monkeypatch.setattr(processes, "RETRY_INTERVAL_S", 0.05)
    proxy = TcpProxy(database_url)
    await proxy.start()
    settings = Settings.for_tests(database_url=proxy.url, data_dir=tmp_path)
    await migrations.open_current(settings)
    process = Process(settings, "serve", 0.02)
    beside = await asyncpg.connect(database_url)
    try:
        await process.register()
        if outage == "down":
            await proxy.stop()
        else:
            proxy.freeze()
        failures = asyncio.Event()
        monkeypatch.setattr(processes.metrics, "count", lambda *_: failures.set())
        await asyncio.wait_for(failures.wait(), WAIT_S)
        await beside.execute("DELETE FROM processes")  # as another process does with an expired row
        if outage == "down":
            await proxy.start()
        else:
            proxy.thaw()

        async def registered():
            return await beside.fetchval("SELECT count(*) FROM processes")

        assert await until(registered) == 1
    finally:
        await beside.close()
        await process.close()
        await database.close()
        await proxy.stop()
    assert "Traceback" not in caplog.text
