"""Buses of two instances, and what each of them heard."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from hubbub.cluster.bus import Bus, Entries, Missed, Signal
from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.redis import servers
from hubbub.cluster.redis.bus import RedisBus
from hubbub.schemas.log import Entry

WAIT_S = 15.0


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[Signal] = []
        self.missed = 0
        bus.listen(self._hear)

    def _hear(self, signal: Signal) -> None:
        if isinstance(signal, Missed):
            self.missed += 1
        else:
            self.heard.append(signal)

    async def has(self, count: int) -> list[Signal]:
        await until(lambda: len(self.heard) >= count)
        return self.heard


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has no signal of its own."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.005)


async def until_asked(question: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the answer to a question is yes."""
    async with asyncio.timeout(WAIT_S):
        while not await question():  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)


def news(room_id: UUID, seq: int, payload: str = "{}") -> Entries:
    return Entries(room_id, (Entry(room_id, seq, "message:new", payload),))


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
        made.append(RedisBus(servers.find(url, prefix), prefix))
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
