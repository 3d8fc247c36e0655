"""Buses of two instances, and recorders of their signals."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from uuid import UUID, uuid4

import pytest

from hubbub.cluster.bus import Bus, EntriesAppended, Signal, SignalsLost
from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.bus import RedisBus
from hubbub.schemas.eventlog.entries import Entry
from tests.support import waiting

WAIT_S = 15.0

until = partial(waiting.until, seconds=WAIT_S)


class SignalRecorder:
    """A subscriber that stores received signals."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.signals: list[Signal] = []
        self.lost_count = 0
        bus.add_handler(self._on_signal)

    def _on_signal(self, signal: Signal) -> None:
        if isinstance(signal, SignalsLost):
            self.lost_count += 1
        else:
            self.signals.append(signal)

    async def wait_for_count(self, count: int) -> list[Signal]:
        await until(lambda: len(self.signals) >= count)
        return self.signals


def entries_signal(room_id: UUID, seq: int, payload: str = "{}") -> EntriesAppended:
    return EntriesAppended(room_id, (Entry(room_id, seq, "message:new", payload),))


@pytest.fixture
def prefix() -> str:
    """Channels of this test alone."""
    return f"test-{uuid4().hex}"


MakeBus = Callable[..., Awaitable[SignalRecorder]]


@pytest.fixture
async def redis_bus(redis_url: str, prefix: str) -> AsyncIterator[MakeBus]:
    """Create started buses of one deployment, at an optional URL."""
    buses: list[RedisBus] = []

    async def make(url: str = redis_url) -> SignalRecorder:
        buses.append(RedisBus(topology.from_url(url, prefix), prefix))
        recorder = SignalRecorder(buses[-1])
        await recorder.bus.start()
        return recorder

    yield make
    for bus in buses:
        await bus.close()


@pytest.fixture(params=["memory", "redis"])
async def recorders(
    request: pytest.FixtureRequest, redis_bus: MakeBus
) -> tuple[SignalRecorder, SignalRecorder]:
    """The listeners of two instances; in memory these are one and the same."""
    if request.param == "memory":
        bus = MemoryBus()
        await bus.start()
        return SignalRecorder(bus), SignalRecorder(bus)
    return await redis_bus(), await redis_bus()
