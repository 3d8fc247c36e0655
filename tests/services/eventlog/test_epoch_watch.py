"""Evidence that the log lost entries: detected from local state, and acted on at a limited rate."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.errors import Unavailable
from hubbub.db import database as db
from hubbub.db import migrations
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epoch_watch import Cursor, EpochWatch
from hubbub.services.eventlog.epochs import Cause
from tests.support.log_rollback import epoch_raises

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROOM = ids.uuid7()


@pytest.fixture
async def opened(settings):
    """The database of the test, with one room whose log ends at 5."""
    await migrations.open_current(settings)
    await models.Room.create(id=ROOM, kind="private", last_seq=5)
    yield
    await db.close()


async def _watch(delivered=None):
    """A watch, and the causes that its listener gets."""
    received = []
    watch = EpochWatch(await epochs.current())
    watch._listeners.append(received.append)
    watch._delivered_seq = lambda _: delivered
    return watch, received


@pytest.mark.parametrize("room_id", [ROOM, uuid4()], ids=["fewer entries", "no such room"])
async def test_a_log_that_ends_before_an_acknowledged_entry_raises_the_epoch(opened, room_id):
    watch, received = await _watch()
    before = watch.epoch
    watch.record_acknowledged(room_id, 6)

    await watch.check()
    await watch.check()

    assert watch.epoch == await epochs.current() > before
    assert (received, await epoch_raises()) == ([Cause.POSITIONS], [("positions", None)])


async def test_a_longer_log_is_no_evidence(opened):
    watch, received = await _watch()
    watch.record_acknowledged(ROOM, 5)
    watch.record_acknowledged(ROOM, 3)

    await watch.check()

    assert (received, await epoch_raises(), watch.position(ROOM)) == ([], [], 5)


async def test_several_instances_raise_the_epoch_once(opened):
    watches = [await _watch() for _ in range(4)]
    for watch, _ in watches:
        watch.record_acknowledged(ROOM, 9)

    await asyncio.gather(*(watch.check() for watch, _ in watches))

    assert await epoch_raises() == [("positions", None)]
    assert {watch.epoch for watch, _ in watches} == {await epochs.current()}
    assert [received for _, received in watches] == [[Cause.POSITIONS]] * 4


async def test_an_epoch_from_before_the_own_one_is_raised(opened):
    first = await epochs.current()
    await epochs.raise_epoch(first, Cause.COMMAND)
    watch, received = await _watch()
    await models.DatabaseMeta.filter(key="epoch").update(value=first)

    await watch.check()

    assert watch.epoch == await epochs.current() > first
    assert received == [Cause.POSITIONS]


async def test_a_database_without_an_epoch_changes_nothing(opened):
    watch, received = await _watch()
    await models.DatabaseMeta.all().delete()

    await watch.check()

    assert received == []


@pytest.mark.parametrize("cause", list(Cause))
async def test_the_epoch_that_another_process_raised_is_adopted_with_its_cause(opened, cause):
    watch, received = await _watch()
    watch.record_acknowledged(ROOM, 5)

    assert await epochs.raise_epoch(watch.epoch, cause)
    assert not await epochs.raise_epoch(watch.epoch, cause)
    await watch.check()

    assert received == [cause]
    assert watch.position(ROOM) == 0


async def test_a_write_to_a_shortened_log_is_refused(opened):
    watch, _ = await _watch(delivered=7)

    with pytest.raises(Unavailable):
        watch.require_not_behind(ROOM, 6)
    watch.require_not_behind(ROOM, 7)


def _claim(watch, user_id, seq=6, epoch=None):
    watch.check_cursor(user_id, epoch or watch.epoch, Cursor(ROOM, seq, 5))


@pytest.mark.parametrize(
    ("seq", "epoch", "counts"),
    [
        (5, None, False),
        (6, None, True),
        (1_000_005, None, True),
        (1_000_006, None, False),
        (6, "another", False),
    ],
)
async def test_a_cursor_that_is_ahead_raises_the_epoch(opened, seq, epoch, counts):
    watch, received = await _watch()
    user_id = ids.uuid7()

    _claim(watch, user_id, seq, epoch)
    await watch.check()

    assert received == [Cause.CLAIM] * counts
    assert await epoch_raises() == [("claim", user_id)] * counts


@pytest.mark.parametrize(
    ("same", "past", "raised"),
    [
        (False, timedelta(0), 1),
        (False, HOUR - timedelta(minutes=1), 1),
        (False, HOUR + timedelta(seconds=1), 2),
        (True, HOUR + timedelta(seconds=1), 1),
        (True, DAY - timedelta(minutes=1), 1),
        (True, DAY + timedelta(seconds=1), 2),
    ],
)
async def test_claims_are_limited_per_deployment_and_per_account(opened, same, past, raised):
    first, second = ids.uuid7(), ids.uuid7()
    watch, _ = await _watch()
    _claim(watch, first)
    await watch.check()
    _claim(watch, first if same else second)
    await watch.check()
    waiting = len(await epoch_raises())

    # The time passes; another instance, started meanwhile, acts on what is stored.
    for row in await models.EpochClaim.filter(raised_at__isnull=False):
        await models.EpochClaim.filter(user_id=row.user_id).update(raised_at=row.raised_at - past)
    other, received = await _watch()
    await other.check()
    await other.check()

    assert waiting == 1
    assert len(await epoch_raises()) == raised
    assert received == [Cause.CLAIM] * (raised - 1)


async def test_a_claim_of_an_earlier_epoch_is_not_delayed(opened):
    watch, _ = await _watch()
    _claim(watch, ids.uuid7())
    await watch.check()
    _claim(watch, ids.uuid7())
    await watch.check()

    await epochs.raise_epoch(watch.epoch, Cause.RESTORE)
    await models.EpochClaim.filter(raised_at__isnull=False).update(raised_at=clock.now() - DAY)
    await watch.check()

    assert [cause for cause, _ in await epoch_raises()] == ["claim", "restore"]


async def test_many_claims_cost_one_transaction(opened):
    watch, received = await _watch()
    for _ in range(5000):
        _claim(watch, ids.uuid7())

    await watch.check()

    assert received == [Cause.CLAIM]
    assert await models.EpochClaim.all().count() == 1


async def test_repeated_claims_of_one_account_are_stored_once(opened):
    liar = ids.uuid7()
    watch, _ = await _watch()
    _claim(watch, ids.uuid7())
    await watch.check()
    for _ in range(3):
        _claim(watch, liar)
        await watch.check()

    assert watch._pending_claims == {}
    assert await models.EpochClaim.filter(user_id=liar).count() == 1
