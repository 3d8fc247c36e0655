"""A backup is restored while clients are disconnected: they converge to the log without a gap."""

import asyncio
import random
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from hubbub import models
from hubbub.app import App
from hubbub.config import Settings
from hubbub.services.backups import backup, restore
from hubbub.services.backups.files import Advance
from tests.journeys.conftest import UNLIMITED, Connect
from tests.journeys.device import ChangeNotifier, Device, register
from tests.support import stored_log
from tests.support.client_model import Entry
from tests.support.database_dump import read_rows
from tests.support.postgres_tools import path_with_postgres_tools
from tests.support.server_process import ServerProcess, run_together

NAMES = ("ada", "bob", "eve")
WRITERS = 8
SETTLED_S = 60.0


def _silent(label: str, total: int) -> Advance:
    return lambda _: None


async def _write(devices: list[Device], rooms: list[str], count: int, chance: random.Random) -> None:
    """Send messages. Some are edited, deleted, or get reactions."""
    left = iter(range(count))

    async def write() -> None:
        for number in left:
            device = chance.choice(devices)
            message = await device.send(chance.choice(rooms), f"message {number}")
            match number % 7:
                case 1:
                    await device.call("message:edit", message_id=message["id"], body=f"edited {number}")
                case 2:
                    await chance.choice(devices).call("reaction:add", message_id=message["id"], emoji="👍")
                case 3:
                    await device.call("reaction:add", message_id=message["id"], emoji="🎉")
                    await device.call("reaction:remove", message_id=message["id"], emoji="🎉")
                case 4:
                    await device.call("message:delete", message_id=message["id"])

    await asyncio.gather(*(write() for _ in range(WRITERS)))


async def _settled(notifier: ChangeNotifier, devices: list[Device]) -> None:
    """Wait until all have the whole log of every room, as the database has it."""
    ends = {str(room.id): room.last_seq for room in await models.Room.all()}

    def settled() -> bool:
        return all(device.mirror.cursors() == ends for device in devices)

    await notifier.until(
        settled, lambda: f"{ends}, {[device.mirror.cursors() for device in devices]}", SETTLED_S
    )


async def _restore(settings: Settings, folder: Path) -> None:
    async with (
        restore.exclusive_access(settings, force=False),
        restore.check(settings, str(folder), _silent) as checked,
    ):
        await restore.apply(settings, checked, force=False)


async def _drill(
    settings: Settings, devices: Connect, notifier: ChangeNotifier, rooms: int, messages: int
) -> None:
    chance = random.Random(7)
    async with App(settings) as app:
        logins = [await register(app.url, name) for name in NAMES]
        known = [await devices(app.url, each) for each in logins]
        others = [each["user"]["id"] for each in logins[1:]]
        room_ids = [
            await known[0].create(kind="private", name=f"room {number}", member_ids=others)
            for number in range(rooms)
        ]
        await _write(known, room_ids, messages, chance)
        await _settled(notifier, known)
        before = await read_rows(settings.database_url)
        written = await backup.write(settings, str(settings.data_dir / "backups"), _silent)
        # What is written from here on will not have been.
        await _write(known, room_ids, messages // 4, chance)
        await known[1].create(kind="private", name="a room that will not be", member_ids=[])
        old_epoch = str(known[0].mirror.epoch)
        for device in known:
            await device.disconnect()
        port = app.port

    await _restore(settings, written.path)
    after = await read_rows(settings.database_url)

    async with App(settings.model_copy(update={"port": port})) as app:
        fresh = await devices(app.url, logins[0])
        await _write([fresh], room_ids, messages // 8, chance)
        cursors = [device.mirror.cursors() for device in known]
        for device in known:
            await device.connect()
        resets = await known[0].call("sync", epoch=old_epoch, rooms=cursors[0])
        await _settled(notifier, [fresh, *known])
        logs = {device.name + str(n): _logs(device) for n, device in enumerate([fresh, *known])}
        stored = {
            str(room_id): [(entry.seq, entry.event) for entry in log]
            for room_id, log in (await stored_log.logs()).items()
        }

    assert after == before
    assert {str(device.mirror.epoch) for device in known} == {str(fresh.mirror.epoch)} != {old_epoch}
    assert resets["epoch"] != old_epoch
    assert all(part.get("reset") or part.get("gone") for part in resets["rooms"].values())
    assert all(log == logs["ada0"] for log in logs.values())
    received = {
        room_id: [(payload["seq"], event) for event, payload in log] for room_id, log in logs["ada0"].items()
    }
    assert received == stored


def _logs(device: Device) -> dict[str, list[Entry]]:
    return {room_id: room.as_log() for room_id, room in device.mirror.rooms.items()}


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path_with_postgres_tools())


async def test_every_client_converges_to_a_restored_backup(
    settings: Settings, devices: Connect, notifier: ChangeNotifier
) -> None:
    await _drill(settings, devices, notifier, rooms=4, messages=56)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_ten_thousand_messages_in_fifty_rooms_are_restored(
    settings: Settings, devices: Connect, notifier: ChangeNotifier
) -> None:
    await _drill(settings, devices, notifier, rooms=50, messages=10_000)


async def test_a_backup_under_load_is_consistent(
    settings: Settings, devices: Connect, notifier: ChangeNotifier
) -> None:
    chance = random.Random(7)
    async with App(settings) as app:
        logins = [await register(app.url, name) for name in NAMES]
        known = [await devices(app.url, each) for each in logins]
        others = [each["user"]["id"] for each in logins[1:]]
        room_ids = [await known[0].create(kind="private", name="a", member_ids=others)]
        writing = asyncio.create_task(_write(known, room_ids, 150, chance))
        await known[0].send(room_ids[0], "it has begun")
        written = await backup.write(settings, str(settings.data_dir / "backups"), _silent)
        await writing
        for device in known:
            await device.disconnect()
        port = app.port

    await _restore(settings, written.path)

    async with App(settings.model_copy(update={"port": port})):
        for room in await models.Room.all():
            seqs = [entry.seq for entry in await stored_log.log_of(room.id)]
            assert seqs == list(range(1, room.last_seq + 1))
        assert written.manifest.row_counts["messages"] == await models.Message.all().count()
        assert written.manifest.row_counts["entries"] == len(await stored_log.rows())


async def _ends(url: str) -> tuple[dict[str, int], list[str]]:
    """The end of each room's log, and the raised epochs in the audit log."""
    connection = await asyncpg.connect(url)
    try:
        rooms = await connection.fetch("SELECT id, last_seq FROM rooms")
        raised = await connection.fetch("SELECT facts FROM audit_log WHERE action = 'epoch.raise'")
        return {str(row["id"]): row["last_seq"] for row in rooms}, [row["facts"] for row in raised]
    finally:
        await connection.close()


async def _by_hand(url: str, dump: Path) -> None:
    options = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "-d", url, str(dump)]
    process = await asyncio.create_subprocess_exec("pg_restore", *options)
    assert await process.wait() == 0


@pytest.mark.soak
@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize("how", ["--force", "by hand"])
async def test_a_database_replaced_under_two_instances_raises_the_epoch_once(
    database_url: str, tmp_path: Path, redis_url: str, devices: Connect, notifier: ChangeNotifier, how: str
) -> None:
    settings = Settings.for_tests(database_url=database_url, data_dir=tmp_path)
    shared = {"database_url": database_url, "redis_url": redis_url, "redis_prefix": uuid4().hex}
    given = {**UNLIMITED, **shared, "default_rooms": "", "drain_s": 2}
    chance = random.Random(7)
    processes = (ServerProcess(tmp_path, instance_id=name, **given) for name in ("one", "two"))
    async with run_together(*processes) as (one, two):
        logins = [await register(one.url, name) for name in NAMES]
        known = [
            await devices(url, each) for url, each in zip((one.url, two.url, two.url), logins, strict=True)
        ]
        others = [each["user"]["id"] for each in logins[1:]]
        room_ids = [await known[0].create(kind="private", name="a", member_ids=others) for _ in range(3)]
        await _write(known, room_ids, 70, chance)
        written = await backup.write(settings, str(tmp_path / "backups"), _silent)
        await _write(known, room_ids, 70, chance)
        old = known[0].mirror.epoch

        if how == "by hand":
            await _by_hand(database_url, written.path / "database.dump")
        else:
            async with restore.check(settings, str(written.path), _silent) as checked:
                await restore.apply(settings, checked, force=True)
        await notifier.until(
            lambda: all(device.up.is_set() and device.mirror.epoch != old for device in known),
            "another epoch for all",
            SETTLED_S,
        )
        await _write(known, room_ids, 70, chance)
        ends, raised = await _ends(database_url)
        await notifier.until(
            lambda: all(device.mirror.cursors() == ends for device in known),
            lambda: f"{ends}, {[device.mirror.cursors() for device in known]}",
            SETTLED_S,
        )

        assert len({str(device.mirror.epoch) for device in known}) == 1
        assert len(raised) == (how == "by hand")
        assert _logs(known[0]) == _logs(known[1]) == _logs(known[2])
