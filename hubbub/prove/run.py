"""A run from beginning to end: people talk, faults come, all is killed once more, evidence is gathered."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hubbub.core import clock, tasks
from hubbub.prove import accounts, database, schedule
from hubbub.prove.accounts import Person
from hubbub.prove.clients import Client, World
from hubbub.prove.environment import Options, Stage
from hubbub.prove.faults import Faults
from hubbub.prove.journal import Evidence
from hubbub.prove.probes import Busy, Probes
from hubbub.prove.schedule import QUIET_S, Step

PEOPLE = 4
ROOMS = 3
PAUSE_S = (0.03, 0.15)  # of a writer, between two messages
BURSTS = 1 / 12  # how often a writer sends so many, without waiting for acks
BURST = 6
ARRIVE_S = 30.0  # what everything gets to arrive, when nobody says anything more
LOOK_S = 0.05
Show = Callable[[str], None]


class Run:
    """One run. `stop` ends it early: what there is by then is judged."""

    def __init__(self, options: Options, stage: Stage, show: Show) -> None:
        self._options = options
        self._stage = stage
        self._show = show
        urls = [instance.url for instance in stage.instances]
        self._world = World(stage.http, urls, options.seed)
        self._busy = Busy()
        self._clients: list[Client] = []
        self._writers: list[asyncio.Task[None]] = []
        self.evidence = Evidence(slack=options.slack)
        self.stop = asyncio.Event()

    async def play(self) -> Evidence:
        """All of it."""
        self._show("people come")
        owner, guest = await self._gather()
        self._faults = Faults(self._stage, self._world, self._clients, self.evidence)
        probes = Probes(self._stage, self._world, self.evidence, owner, guest, self._busy)
        self._faults.learn(probes.ways())
        self._world.began = clock.monotonic()
        everybody = [*self._clients, guest]
        for client in everybody:
            client.start()
        try:
            await self._wait(lambda: all(client.up.is_set() for client in everybody))
            self._writers = [tasks.spawn(self._write(each), name="a writer") for each in self._clients]
            await self._torment()
            await self._end(everybody, probes)
        finally:
            self._busy.quiet = True
            for task in self._writers:
                await tasks.stop(task)
            for client in [*everybody, *probes.clients]:
                await client.stop()
        self._show("the judge reads")
        self.evidence.stored = await database.read(self._stage.database_url)
        return self.evidence

    async def _gather(self) -> tuple[Person, Client]:
        """People, rooms, devices; the first person owns the rooms, the last one is the guest."""
        http, url = self._stage.http, self._world.urls[0]
        crowd = [await accounts.register(http, url, f"person{number}") for number in range(PEOPLE + 1)]
        owner, everybody = crowd[0], [person.id for person in crowd]
        rooms = [
            await accounts.make_room(http, url, owner, f"Room {number}", everybody[1:])
            for number in range(ROOMS)
        ]
        for number in range(self._options.clients):
            self._clients.append(Client(self._world, crowd[number % PEOPLE], f"client-{number}"))
        guest = Client(self._world, crowd[-1], "guest")
        for client in [*self._clients, guest]:
            client.journal.rooms = list(rooms)
            self.evidence.journals.append(client.journal)
        return owner, guest

    async def _write(self, client: Client) -> None:
        chance, number = self._world.chance, 0
        while not self._busy.quiet:
            room_id = chance.choice(client.journal.rooms)
            bodies = []
            for _ in range(BURST if chance.random() < BURSTS else 1):
                number += 1
                bodies.append(self._busy.body(f"{client.journal.name} says {number}"))
            await asyncio.gather(*(client.send(room_id, body, lambda: self._busy.quiet) for body in bodies))
            await asyncio.sleep(chance.uniform(*PAUSE_S))

    # The faults.

    async def _torment(self) -> None:
        """Step after step, until the time is over or somebody has enough."""
        ends = clock.monotonic() + self._options.minutes * 60
        await self._pause(QUIET_S)
        steps = schedule.steps(self._options.seed, self._stage.faults, len(self._stage.instances))
        for number, step in enumerate(steps, 1):
            self._faults.spread()
            await self._pause(step.gap)
            if self.stop.is_set() or clock.monotonic() + step.lasts > ends:
                break
            self._show(self._line(number, step, ends))
            await self._faults.do(step)
        await self._pause(ends - clock.monotonic())

    def _line(self, number: int, step: Step, ends: float) -> str:
        left = max(0, round(ends - clock.monotonic()))
        what = f"{step.name}{' and ' + step.during if step.during else ''}"
        return f"{left} s left, {self._world.acks} acknowledged, fault {number}: {what}"

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.stop.wait()

    # The end.

    async def _end(self, everybody: list[Client], probes: Probes) -> None:
        """Silence; everything arrives; everything is ended and started; all is looked at again."""
        self._show("silence: everything has time to arrive")
        self._busy.quiet = True
        await asyncio.wait(self._writers, timeout=ARRIVE_S)
        await self._arrive(everybody)
        for client in everybody:
            client.rest()
        if schedule.PRESENCE in self._stage.faults and not self.stop.is_set():
            await self._ghosts(probes, everybody)
        self._show("everything is killed, and started once more")
        await self._faults.end_all()
        await self._arrive(everybody)

    async def _ghosts(self, probes: Probes, everybody: list[Client]) -> None:
        """Instances are killed and started; one client comes back, and looks for the others."""
        self._show("are the users of killed instances offline?")
        here, absent = everybody[0], everybody[1:]
        others = {client.person.id for client in absent} - {here.person.id}
        await self._faults.kill_all()
        killed = self._world.at
        for client in absent:
            await client.stop()
        await self._faults.start_all()
        await self._wait(here.up.is_set)
        await probes.presence(here, sorted(others), killed)
        for client in absent:
            client.start()

    async def _arrive(self, everybody: list[Client]) -> None:
        """Until everybody has everything that is stored by now."""
        for room_id, seq in (await database.ends(self._stage.database_url)).items():
            self._world.reaches(room_id, seq)
        await self._wait(lambda: all(client.has_all() for client in everybody))

    async def _wait(self, condition: Callable[[], bool]) -> None:
        """Until it is so, or for as long as there is patience: the judge says what is missing then."""
        deadline = clock.monotonic() + ARRIVE_S
        while not condition() and clock.monotonic() < deadline:  # noqa: ASYNC110 - many things, no event
            await asyncio.sleep(LOOK_S)
