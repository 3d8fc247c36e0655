"""Conformance suite of the cache of responses: in memory, and with Redis."""

import asyncio
from uuid import uuid4

import pytest

from hubbub.cluster import cache, cache_entries
from hubbub.cluster.bus import CacheInvalidated, SignalsLost
from hubbub.cluster.cache import Cache
from hubbub.cluster.cache_entries import ENTRY_OVERHEAD_BYTES, Version
from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.cache import RedisStore
from hubbub.core import metrics
from hubbub.core.errors import Conflict, Unavailable
from tests.cluster.conftest import until

PATIENCE_S = 20.0  # of a test on a busy machine


class Data:
    """What responses are computed from: a text with its version, and counts of the work."""

    def __init__(self):
        self.tag = f"data:{uuid4()}"
        self.text = "first"
        self.version = 1
        self.version_loads = self.computations = 0
        self.computing = asyncio.Event()  # a computation has read the text
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def load_version(self):
        self.version_loads += 1
        return Version(self.tag, str(self.version)) if self.version else None

    async def compute(self, _version):
        self.computations += 1
        text = self.text
        self.computing.set()
        await self.may_finish.wait()
        return text.encode()

    def change(self, text):
        self.text, self.version = text, self.version + 1

    async def read(self, instance, key="key", **options):
        cached = await instance.get(key, self.load_version, self.compute, **options)
        return cached.body.decode() if cached is not None else None


@pytest.fixture
def data():
    return Data()


@pytest.fixture(autouse=True)
def _checks(monkeypatch):
    """Versions are read again after a minute, unless a test says otherwise: it counts what it provokes."""
    monkeypatch.setattr(cache_entries, "CHECK_S", 60.0)


@pytest.fixture
async def instances(request, prefix, recorders):
    """The caches of two instances, on the buses of `recorders`."""
    made = []
    servers = []
    for recorder in recorders:
        store = None
        if not isinstance(recorder.bus, MemoryBus):
            servers.append(topology.from_url(request.getfixturevalue("redis_url")))
            store = RedisStore(servers[-1], prefix, PATIENCE_S)
        made.append(Cache(recorder.bus, store))
        await made[-1].start()
    yield made
    for each in servers:
        await each.close()


@pytest.fixture
def here(instances):
    return instances[0]


@pytest.fixture
def invalidate(recorders, data):
    """Change the data and publish it, as a writer of the first instance does."""

    async def run(text):
        data.change(text)
        assert await recorders[0].bus.publish_confirmed(CacheInvalidated((data.tag,)))

    return run


async def test_a_response_is_computed_once_and_then_read_from_memory(here, data):
    found = [await data.read(here) for _ in range(5)]

    assert found == ["first"] * 5
    assert (data.computations, data.version_loads) == (1, 1)


async def test_a_response_has_the_same_etag_until_it_changes(here, data, invalidate):
    async def etag():
        return (await here.get("key", data.load_version, data.compute)).etag

    first = await etag()
    await invalidate("first")
    same = await etag()
    await invalidate("second")

    assert first == same != await etag()
    assert first.startswith('"')


async def test_a_write_is_seen_by_every_instance_at_once(instances, data, invalidate):
    assert [await data.read(each) for each in instances] == ["first", "first"]

    for text in ("second", "third"):
        await invalidate(text)
        await until(lambda text=text: all_read(instances, data, text))


async def all_read(instances, data, text):
    """Whether every instance received the signal; it is confirmed when Redis has it."""
    return [await data.read(each) for each in instances] == [text] * len(instances)


async def test_a_write_removes_all_entries_of_its_tag_and_no_others(here, data, invalidate):
    other = Data()
    for key in ("a", "b"):
        await data.read(here, key)
    await other.read(here, "c")

    await invalidate("second")

    assert [await data.read(here, key) for key in ("a", "b")] == ["second", "second"]
    assert (await other.read(here, "c"), other.computations) == ("first", 1)


async def test_concurrent_misses_compute_once(here, data):
    data.may_finish.clear()
    reads = asyncio.gather(*(data.read(here) for _ in range(50)))
    await data.computing.wait()
    data.may_finish.set()

    assert await reads == ["first"] * 50
    assert data.computations == 1


async def test_a_client_that_disconnects_does_not_end_the_computation_of_others(here, data):
    data.may_finish.clear()
    first, second = (asyncio.ensure_future(data.read(here)) for _ in range(2))
    await data.computing.wait()
    first.cancel()
    data.may_finish.set()

    assert await second == "first"
    assert data.computations == 1


async def test_what_was_computed_before_a_write_is_not_stored_after_it(here, data, invalidate):
    data.may_finish.clear()
    early = asyncio.ensure_future(data.read(here))
    await data.computing.wait()

    await invalidate("second")
    data.may_finish.set()

    assert await early == "first"  # it began before the write
    assert await data.read(here) == "second"


async def test_a_call_after_a_write_does_not_join_a_computation_that_began_before_it(here, data, invalidate):
    data.may_finish.clear()
    early = asyncio.ensure_future(data.read(here))
    await data.computing.wait()

    await invalidate("second")
    late = asyncio.ensure_future(data.read(here))
    await until(lambda: data.computations == 2)
    data.may_finish.set()

    assert [await early, await late, await data.read(here)] == ["first", "second", "second"]


async def test_a_version_that_was_read_before_a_write_does_not_renew_an_entry(here, data, invalidate):
    await data.read(here)
    outdated = Version(data.tag, "1")
    may_return = asyncio.Event()

    async def load_slowly():
        await may_return.wait()
        return outdated

    slow = asyncio.ensure_future(here.get("other", load_slowly, data.compute))
    await asyncio.sleep(0)  # it waits for its version
    await invalidate("second")
    may_return.set()
    await slow

    assert [await data.read(here), await data.read(here, "other")] == ["second", "second"]


async def test_a_lost_signal_is_noticed_by_the_version(here, data, monkeypatch):
    monkeypatch.setattr(cache_entries, "CHECK_S", 0.05)
    await data.read(here)

    data.change("second")  # and nothing is published

    await until(lambda: is_read(here, data, "second"))


async def is_read(instance, data, text):
    return await data.read(instance) == text


async def test_an_entry_whose_version_was_read_again_is_not_computed_again(here, data, monkeypatch):
    monkeypatch.setattr(cache_entries, "CHECK_S", 0.0)

    found = [await data.read(here) for _ in range(5)]

    assert found == ["first"] * 5
    assert (data.computations, data.version_loads) == (1, 5)


async def test_after_lost_signals_the_version_is_read_again_once(here, data):
    await data.read(here)

    here._on_signal(SignalsLost())
    found = [await data.read(here) for _ in range(3)]

    assert found == ["first"] * 3
    assert (data.computations, data.version_loads) == (1, 2)


async def test_what_is_no_longer_to_be_shown_is_removed(here, data, monkeypatch):
    monkeypatch.setattr(cache_entries, "CHECK_S", 0.0)
    await data.read(here)

    data.version = 0

    assert await data.read(here) is None
    assert len(here._entries) == 0


async def test_nothing_is_stored_for_keys_without_a_response(here, data):
    async def compute_nothing(_version):
        return None

    data.version = 0
    for number in range(100):
        assert await data.read(here, f"unknown {number}") is None
    data.version = 1
    for number in range(100):
        assert await here.get(f"missing {number}", data.load_version, compute_nothing) is None

    assert len(here._entries) == 0


async def test_a_response_that_is_not_to_be_kept_is_computed_each_time(here, data):
    found = [await data.read(here, store=False) for _ in range(3)]

    assert (found, data.computations, len(here._entries)) == (["first"] * 3, 3, 0)


async def test_a_failure_reaches_every_caller_and_is_not_kept(here, data, caplog):
    may_fail = asyncio.Event()

    async def fail(_version):
        await may_fail.wait()
        raise Conflict("no")

    reads = [asyncio.ensure_future(here.get("key", data.load_version, fail)) for _ in range(3)]
    await until(lambda: data.version_loads == 3)
    may_fail.set()

    results = await asyncio.gather(*reads, return_exceptions=True)
    assert [type(each) for each in results] == [Conflict] * 3
    assert await data.read(here) == "first"
    assert caplog.records == []


async def test_a_computation_without_an_end_is_unavailable(here, data, monkeypatch):
    monkeypatch.setattr(cache, "COMPUTE_TIMEOUT_S", 0.05)
    data.may_finish.clear()

    with pytest.raises(Unavailable):
        await data.read(here)

    data.may_finish.set()
    assert await data.read(here) == "first"


async def test_an_entry_expires_although_its_data_does_not_change(here, data, monkeypatch):
    monkeypatch.setattr(cache_entries, "MAX_AGE_S", 0.05)
    await data.read(here)

    async def is_computed_again():
        await data.read(here)
        return data.computations == 2

    await until(is_computed_again)


async def test_a_key_that_belongs_to_other_data_is_not_answered_with_the_former(here, data, monkeypatch):
    """As a username that another user has taken."""
    monkeypatch.setattr(cache_entries, "CHECK_S", 0.0)
    other = Data()
    other.text = "of another"

    assert [await each.read(here) for each in (data, other, data)] == ["first", "of another", "first"]


async def test_memory_is_limited_and_often_read_entries_stay(recorders):
    instance = Cache(recorders[0].bus, None, 20 * (ENTRY_OVERHEAD_BYTES + 1000))
    await instance.start()
    data = Data()
    data.text = "x" * 900
    hot = [f"hot {number}" for number in range(5)]
    for key in hot * 2:
        await data.read(instance, key)
    evictions = metrics.counters["cache_evictions"]

    for number in range(500):
        await data.read(instance, f"once {number}")
    computations = data.computations
    for key in hot:
        await data.read(instance, key)

    assert data.computations == computations
    assert instance._entries.size_bytes <= 20 * (ENTRY_OVERHEAD_BYTES + 1000)
    assert metrics.counters["cache_evictions"] - evictions >= 480
    assert len(instance._entries._tags) == 1


async def test_what_was_invalidated_is_remembered_for_a_limited_number_of_tags(here, data, monkeypatch):
    monkeypatch.setattr(cache_entries, "MAX_RECENT_TAGS", 100)
    data.may_finish.clear()
    early = asyncio.ensure_future(data.read(here))
    await data.computing.wait()

    data.change("second")
    here._entries.invalidate(data.tag)
    for number in range(1000):
        here._entries.invalidate(f"other {number}")
    data.may_finish.set()

    assert await early == "first"
    assert await data.read(here) == "second"
    assert len(here._entries._invalidated_at) == 100


async def test_the_metrics_have_the_share_of_hits(instances, data):
    here = instances[-1]  # started last: the gauges are those of a process, which has one
    before = dict(metrics.labelled["cache_reads"])

    await data.read(here)
    await data.read(here)
    data.version = 0
    await data.read(here, "other")

    counted = {name: number - before[name] for name, number in metrics.labelled["cache_reads"].items()}
    assert counted == {
        "memory": 1, "checked": 0, "shared": 0, "computed": 1, "joined": 0, "uncached": 0, "absent": 1,
    }  # fmt: skip
    assert 0 < metrics.gauges["cache_hit_ratio"]() < 1
    assert metrics.gauges["cache_entries"]() == 1
    assert metrics.gauges["cache_bytes"]() > len("first")
