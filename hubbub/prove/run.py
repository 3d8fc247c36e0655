"""A run from beginning to end: people talk, faults come, all is killed once more, evidence is gathered."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hubbub.core import clock, tasks
from hubbub.prove import accounts, database, schedule
from hubbub.prove.accounts import User
from hubbub.prove.clients import Client, SharedState
from hubbub.prove.environment import Environment, Options
from hubbub.prove.faults import FaultInjector
from hubbub.prove.journal import Evidence
from hubbub.prove.probes import MessageLoad, Probes
from hubbub.prove.schedule import INITIAL_DELAY_S, Step

USER_COUNT = 4
ROOM_COUNT = 3
SEND_DELAY_RANGE_S = (0.03, 0.15)  # of a writer, between two messages
BURST_SHARE = 1 / 12  # how often a writer sends so many, without waiting for acks
BURST_MESSAGES = 6
DELIVERY_TIMEOUT_S = 30.0  # what everything gets to arrive, when nobody says anything more
POLL_INTERVAL_S = 0.05
OnProgress = Callable[[str], None]


class Run:
    """One run. `stop` ends it early: what there is by then is judged."""

    def __init__(self, options: Options, env: Environment, on_progress: OnProgress) -> None:
        self._options = options
        self._env = env
        self._on_progress = on_progress
        urls = [instance.url for instance in env.instances]
        self._shared = SharedState(env.http, urls, options.seed)
        self._load = MessageLoad()
        self._clients: list[Client] = []
        self._writers: list[asyncio.Task[None]] = []
        self.evidence = Evidence(slack=options.slack)
        self.stop = asyncio.Event()

    async def execute(self) -> Evidence:
        """All of it."""
        self._on_progress("people come")
        owner, member = await self._set_up()
        self._injector = FaultInjector(self._env, self._shared, self._clients, self.evidence)
        probes = Probes(self._env, self._shared, self.evidence, owner, member, self._load)
        self._injector.add_handlers(probes.handlers())
        self._shared.started_at = clock.monotonic()
        clients = [*self._clients, member]
        for client in clients:
            client.start()
        try:
            await self._wait_until(lambda: all(client.ready.is_set() for client in clients))
            self._writers = [
                tasks.spawn(self._send_messages(each), name="a writer") for each in self._clients
            ]
            await self._inject_faults()
            await self._finish(clients, probes)
        finally:
            self._load.stopped = True
            for task in self._writers:
                await tasks.stop(task)
            for client in [*clients, *probes.clients]:
                await client.stop()
        self._on_progress("the judge reads")
        self.evidence.stored = await database.read_stored(self._env.database_url)
        return self.evidence

    async def _set_up(self) -> tuple[User, Client]:
        """People, rooms, devices; the first person owns the rooms, the last one is the guest."""
        http, url = self._env.http, self._shared.urls[0]
        users = [await accounts.register(http, url, f"person{number}") for number in range(USER_COUNT + 1)]
        owner, user_ids = users[0], [user.id for user in users]
        rooms = [
            await accounts.create_room(http, url, owner, f"Room {number}", user_ids[1:])
            for number in range(ROOM_COUNT)
        ]
        for number in range(self._options.clients):
            self._clients.append(Client(self._shared, users[number % USER_COUNT], f"client-{number}"))
        member = Client(self._shared, users[-1], "guest")
        for client in [*self._clients, member]:
            client.journal.rooms = list(rooms)
            self.evidence.journals.append(client.journal)
        return owner, member

    async def _send_messages(self, client: Client) -> None:
        rng, number = self._shared.rng, 0
        while not self._load.stopped:
            room_id = rng.choice(client.journal.rooms)
            bodies = []
            for _ in range(BURST_MESSAGES if rng.random() < BURST_SHARE else 1):
                number += 1
                bodies.append(self._load.pad(f"{client.journal.name} says {number}"))
            await asyncio.gather(*(client.send(room_id, body, lambda: self._load.stopped) for body in bodies))
            await asyncio.sleep(rng.uniform(*SEND_DELAY_RANGE_S))

    # The faults.

    async def _inject_faults(self) -> None:
        """Step after step, until the time is over or somebody has enough."""
        ends_at = clock.monotonic() + self._options.minutes * 60
        await self._sleep(INITIAL_DELAY_S)
        steps = schedule.generate_steps(self._options.seed, self._env.faults, len(self._env.instances))
        for number, step in enumerate(steps, 1):
            self._injector.rebalance_clients()
            await self._sleep(step.delay_s)
            if self.stop.is_set() or clock.monotonic() + step.duration_s > ends_at:
                break
            self._on_progress(self._progress_text(number, step, ends_at))
            await self._injector.inject(step)
        await self._sleep(ends_at - clock.monotonic())

    def _progress_text(self, number: int, step: Step, ends_at: float) -> str:
        seconds_left = max(0, round(ends_at - clock.monotonic()))
        fault = f"{step.name}{' and ' + step.nested if step.nested else ''}"
        return f"{seconds_left} s left, {self._shared.ack_count} acknowledged, fault {number}: {fault}"

    async def _sleep(self, duration_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, duration_s)):
                await self.stop.wait()

    # The end.

    async def _finish(self, clients: list[Client], probes: Probes) -> None:
        """Silence; everything arrives; everything is ended and started; all is looked at again."""
        self._on_progress("silence: everything has time to arrive")
        self._load.stopped = True
        await asyncio.wait(self._writers, timeout=DELIVERY_TIMEOUT_S)
        await self._wait_delivered(clients)
        for client in clients:
            client.record_checkpoint()
        if schedule.PRESENCE in self._env.faults and not self.stop.is_set():
            await self._check_presence(probes, clients)
        self._on_progress("everything is killed, and started once more")
        await self._injector.restart_all()
        await self._wait_delivered(clients)

    async def _check_presence(self, probes: Probes, clients: list[Client]) -> None:
        """Instances are killed and started; one client comes back, and looks for the others."""
        self._on_progress("are the users of killed instances offline?")
        observer, stopped = clients[0], clients[1:]
        user_ids = {client.user.id for client in stopped} - {observer.user.id}
        await self._injector.kill_all()
        killed_at = self._shared.elapsed_s
        for client in stopped:
            await client.stop()
        await self._injector.start_all()
        await self._wait_until(observer.ready.is_set)
        await probes.probe_presence(observer, sorted(user_ids), killed_at)
        for client in stopped:
            client.start()

    async def _wait_delivered(self, clients: list[Client]) -> None:
        """Until everybody has everything that is stored by now."""
        for room_id, seq in (await database.last_seqs(self._env.database_url)).items():
            self._shared.record_seq(room_id, seq)
        await self._wait_until(lambda: all(client.is_complete() for client in clients))

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        """Until it is so, or for as long as there is patience: the judge says what is missing then."""
        deadline = clock.monotonic() + DELIVERY_TIMEOUT_S
        while not condition() and clock.monotonic() < deadline:  # noqa: ASYNC110 - many things, no event
            await asyncio.sleep(POLL_INTERVAL_S)
