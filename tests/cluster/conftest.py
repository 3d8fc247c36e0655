"""Buses of two instances, and what each of them heard."""

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


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[Signal] = []
        self.missed = 0
        bus.listen(self._hear)

    def _hear(self, signal: Signal) -> None:
        if isinstance(signal, SignalsLost):
            self.missed += 1
        else:
            self.heard.append(signal)

    async def has(self, count: int) -> list[Signal]:
        await until(lambda: len(self.heard) >= count)
        return self.heard


def news(room_id: UUID, seq: int, payload: str = "{}") -> EntriesAppended:
    return EntriesAppended(room_id, (Entry(room_id, seq, "message:new", payload),))


@pytest.fixture
def prefix() -> str:
    """Channels of this test alone."""
    return f"test-{uuid4().hex}"


MakeBus = Callable[..., Awaitable[Ear]]


@pytest.fixture
async def redis_bus(redis_url: str, prefix: str) -> AsyncIterator[MakeBus]:
    """Makes started buses of one deployment, at an address that may be given."""
    made: list[RedisBus] = []

    async def make(url: str = redis_url) -> Ear:
        made.append(RedisBus(topology.from_url(url, prefix), prefix))
        ear = Ear(made[-1])
        await ear.bus.start()
        return ear

    yield make
    for bus in made:
        await bus.close()


@pytest.fixture(params=["memory", "redis"])
async def ears(request: pytest.FixtureRequest, redis_bus: MakeBus) -> tuple[Ear, Ear]:
    """The listeners of two instances; in memory these are one and the same."""
    if request.param == "memory":
        bus = MemoryBus()
        await bus.start()
        return Ear(bus), Ear(bus)
    return await redis_bus(), await redis_bus()
