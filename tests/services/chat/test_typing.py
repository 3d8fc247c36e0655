"""Typing is one state for each user and room, on all instances, compared with a model in virtual time."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from hubbub.cluster.bus import Signal, Typing
from hubbub.cluster.memory import MemoryBus
from hubbub.core import clock
from hubbub.schemas.eventlog.entries import Entry
from hubbub.services.instance.typing_tracker import REPEAT_INTERVAL_S, TYPING_TTL_S, TypingTracker, _to_us
from tests.support import virtual_time

ROOM = uuid4()
SLOWEST_S = 0.02  # of a signal between two instances
FINE_S = 0.06  # by which something may be late or early
Emitted = tuple[float, UUID, bool]


class Instance:
    """The states of one instance, and what its listeners receive."""

    def __init__(self, network: "Network") -> None:
        self._network = network
        self.bus = MemoryBus()
        self.bus.add_handler(self._on_signal)
        self.typists = TypingTracker(self.bus)
        self.typists.emit = lambda _, user_id, typing: self.heard.append((clock.monotonic(), user_id, typing))
        self.heard: list[Emitted] = []
        self.foreign = False

    def _on_signal(self, signal: Signal) -> None:
        assert isinstance(signal, Typing)
        self.typists.on_signal(signal)
        if not self.foreign:
            self._network.carry(self, signal)

    def receive(self, signal: Signal) -> None:
        self.foreign = True
        self.bus.publish(signal)
        self.foreign = False

    def deliver(self, entry: Entry) -> None:
        if entry.room_id in self.typists.rooms:
            self.typists.on_entries(entry.room_id, [entry])


class Network:
    """Two instances; signals of one keep their order and take up to 20 ms, entries too."""

    def __init__(self, seed: int, *, connected: bool = True) -> None:
        self.random = random.Random(seed)
        self.connected = connected
        self.instances = [Instance(self), Instance(self)]
        self._free_at = [0.0, 0.0]

    def carry(self, sender: Instance, signal: Signal) -> None:
        if self.connected:
            self._later(sender, lambda other: other.receive(signal))

    def append(self, sender: Instance, entry: Entry) -> None:
        sender.deliver(entry)
        self._later(sender, lambda other: other.deliver(entry))

    def _later(self, sender: Instance, receive: Callable[[Instance], None]) -> None:
        index = self.instances.index(sender)
        now = clock.monotonic()
        at = max(self._free_at[index], now + self.random.uniform(0, SLOWEST_S))
        self._free_at[index] = at + 1e-6
        other = self.instances[1 - index]
        asyncio.get_running_loop().call_later(at - now, receive, other)


@dataclass
class Model:
    """When a user typed, by what their devices did; `started` is the last start, None when not typing."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    began: float = 0.0
    started: float | None = None

    def start(self, now: float) -> None:
        self.expire(now)
        if self.started is None:
            self.began = now
        self.started = now

    def end(self, now: float) -> None:
        self.expire(now)
        if self.started is not None:
            self.spans.append((self.began, now))
            self.started = None

    def expire(self, now: float) -> None:
        if self.started is not None and now >= self.started + TYPING_TTL_S:
            self.spans.append((self.began, self.started + TYPING_TTL_S))
            self.started = None

    def expires_about(self, now: float) -> bool:
        return self.started is not None and abs(self.started + TYPING_TTL_S - now) <= FINE_S


def entry(event: str, user_id: UUID) -> Entry:
    at = clock.rfc3339(clock.now())
    payload = f'{{"actor_id":"{user_id}","at":"{at}","message":{{"body":"\\"actor_id\\""}}}}'
    return Entry(ROOM, 1, event, payload, user_id if event == "member:left" else None)


def wrong(received: list[Emitted], user_id: UUID, spans: list[tuple[float, float]]) -> list[str]:
    """What listeners received of a user, compared with when the user typed."""
    own = [(at, typing) for at, each, typing in received if each == user_id]
    starts = [at for at, typing in own if typing]
    faults = [
        f"starts at {one} and {other}"
        for one, other in pairwise(starts)
        if other - one < REPEAT_INTERVAL_S - FINE_S
    ]
    rest = list(own)
    following = [begin for begin, _ in spans[1:]]
    for (begin, end), limit in zip(spans, [*following, float("inf")], strict=False):
        earlier = [at for at, typing in own[: len(own) - len(rest)] if typing]
        due = max(begin, earlier[-1] + REPEAT_INTERVAL_S if earlier else begin)
        inside = [it for it in rest if it[0] <= end + FINE_S and it[0] < limit]
        rest = rest[len(inside) :]
        if due > end - FINE_S:
            fine = not inside or due <= end + FINE_S  # too short to be seen, or just so
        else:
            fine = (
                [typing for _, typing in inside] == [True] * (len(inside) - 1) + [False]
                and len(inside) > 1
                and abs(inside[0][0] - due) <= FINE_S
                and abs(inside[-1][0] - end) <= FINE_S
            )
        if not fine:
            faults.append(f"{inside} for {begin}–{end}, due {due}")
    return faults if not rest else [*faults, f"more: {rest}"]


STEPS = ("start", "start", "start", "stop", "send", "leave", "wait", "wait")


async def play(network: Network, steps: int, *, alone: bool) -> list[str]:
    """Random steps of two users' devices; with `alone` each instance is compared with its own devices."""
    users = [uuid4(), uuid4()]
    models = {(user, here): Model() for user in users for here in (network.instances if alone else (None,))}
    for _ in range(steps):
        step, user = network.random.choice(STEPS), network.random.choice(users)
        here = network.random.choice(network.instances)
        while any(model.expires_about(clock.monotonic()) for model in models.values()):  # noqa: ASYNC110 - of virtual time
            await asyncio.sleep(FINE_S)  # the order then depends on the network
        now = clock.monotonic()
        own = models[user, here if alone else None]
        match step:
            case "start":
                own.start(now)
                here.typists.start(ROOM, user)
            case "stop":
                own.end(now)
                here.typists.stop(ROOM, user)
            case "send" | "leave":
                for (each, _), model in models.items():
                    if each == user:
                        model.end(now)
                network.append(here, entry("message:new" if step == "send" else "member:left", user))
            case _:
                await asyncio.sleep(network.random.choice((0.5, 1.5, 3.0, 7.0)))
        await asyncio.sleep(network.random.uniform(2 * SLOWEST_S, 1.0))
    await asyncio.sleep(2 * TYPING_TTL_S + REPEAT_INTERVAL_S)
    faults = []
    for (user, where), model in models.items():
        model.expire(clock.monotonic())
        for instance in network.instances if where is None else [where]:
            faults += wrong(instance.heard, user, model.spans)
    assert all(instance.typists.rooms == {} for instance in network.instances), "nothing is kept for ever"
    return faults


@pytest.mark.parametrize("seed", range(30))
def test_two_instances_and_several_devices_are_one_state(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        assert await play(Network(seed), 60, alone=False) == []

    virtual_time.run_in_virtual_time(monkeypatch, test)


@pytest.mark.parametrize("seed", range(10))
def test_without_a_bus_each_instance_has_its_own_state(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        assert await play(Network(seed, connected=False), 60, alone=True) == []

    virtual_time.run_in_virtual_time(monkeypatch, test)


def test_a_start_published_after_a_leave_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members saw it for up to 6 s."""

    async def test() -> None:
        (here, there), user = Network(1, connected=False).instances, uuid4()
        here.receive(Typing(ROOM, user, _to_us(clock.now()), typing=True))
        late = _to_us(clock.now()) + 1000  # of another instance, which publishes it after 2 s
        await asyncio.sleep(1)
        here.deliver(entry("member:left", user))

        here.receive(Typing(ROOM, user, late, typing=True, age_ms=1000))
        await asyncio.sleep(REPEAT_INTERVAL_S)

        assert [typing for _, _, typing in here.heard] == [True, False]
        assert there.heard == []

    virtual_time.run_in_virtual_time(monkeypatch, test)


@pytest.mark.soak
@pytest.mark.parametrize("connected", [True, False])
def test_random_runs_match_the_model(connected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        for seed in range(1000):
            network = Network(seed, connected=connected)
            assert await play(network, 100, alone=not connected) == [], seed

    virtual_time.run_in_virtual_time(monkeypatch, test)


def test_an_older_signal_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        (here, _), user = Network(1).instances, uuid4()
        here.receive(Typing(ROOM, user, 5, typing=True))
        here.receive(Typing(ROOM, user, 7, typing=False))

        here.receive(Typing(ROOM, user, 6, typing=True))
        here.receive(Typing(ROOM, user, 7, typing=True))

        assert [typing for _, _, typing in here.heard] == [True, False]

    virtual_time.run_in_virtual_time(monkeypatch, test)


def test_an_older_message_found_late_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        (here, _), user = Network(1).instances, uuid4()
        old = entry("message:new", user)
        await asyncio.sleep(30)
        here.typists.start(ROOM, user)

        here.deliver(old)

        assert [typing for _, _, typing in here.heard] == [True]

    virtual_time.run_in_virtual_time(monkeypatch, test)


def test_a_continued_start_is_published_with_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        (here, there), user = Network(1).instances, uuid4()
        here.typists.start(ROOM, user)
        await asyncio.sleep(1.5)
        here.typists.start(ROOM, user)
        await asyncio.sleep(10)

        for instance in (here, there):
            at, _, typing = instance.heard[-1]
            assert not typing
            assert at == pytest.approx(1.5 + TYPING_TTL_S, abs=FINE_S)

    virtual_time.run_in_virtual_time(monkeypatch, test)


def test_repeated_starts_are_published_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        network, user = Network(1), uuid4()
        here = network.instances[0]
        published: list[Signal] = []
        here.bus.add_handler(published.append)

        for _ in range(1000):
            here.typists.start(ROOM, user)
            await asyncio.sleep(0.01)

        assert len(published) <= 10 / REPEAT_INTERVAL_S + 1
        assert len(here.heard) <= 10 / REPEAT_INTERVAL_S + 1

    virtual_time.run_in_virtual_time(monkeypatch, test)
