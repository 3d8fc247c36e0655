"""A run: users exchange messages, faults are injected, everything is killed once, evidence is gathered."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hubbub.core import clock, tasks
from hubbub.prove import accounts, database, schedule, waiting
from hubbub.prove.accounts import User
from hubbub.prove.clients import Client
from hubbub.prove.environment import Environment, Options
from hubbub.prove.faults import FaultInjector
from hubbub.prove.journal import Evidence
from hubbub.prove.probes import MessageLoad, Probes
from hubbub.prove.schedule import INITIAL_DELAY_S, Step
from hubbub.prove.shared_state import SharedState

USER_COUNT = 4
ROOM_COUNT = 3
SEND_DELAY_RANGE_S = (0.03, 0.15)  # of a writer, between two messages
BURST_SHARE = 1 / 12  # how often a writer sends a burst without waiting for acks
BURST_MESSAGES = 6
DELIVERY_TIMEOUT_S = 30.0  # for all entries to arrive after the last send
OnProgress = Callable[[str], None]


class Run:
    """One run. `stop` ends it early: what happened by then is checked."""

    def __init__(self, options: Options, env: Environment, on_progress: OnProgress) -> None:
        self._options = options
        self._env = env
        self._on_progress = on_progress  # called with a line of text
        urls = [instance.url for instance in env.instances]
        self._shared = SharedState(env.http, urls, options.seed)
        self._load = MessageLoad()  # what the writers send
        self._clients: list[Client] = []  # of the writers
        self._writers: list[asyncio.Task[None]] = []
        self.evidence = Evidence(slack=options.slack)
        self.stop = asyncio.Event()  # set to end the run early

    async def execute(self) -> Evidence:
        """Run everything; return the evidence."""
        self._on_progress("registering users")
        owner, member = await self._set_up()
        self._injector = FaultInjector(self._env, self._shared, self._clients, self.evidence)
        probes = Probes(self._env, self._shared, self.evidence, owner, member, self._load)
        self._injector.add_handlers(probes.handlers())
        self._shared.started_at = clock.monotonic()
        clients = [*self._clients, member]
        for client in clients:
            client.start()
        try:
            await waiting.until(lambda: all(client.ready.is_set() for client in clients), DELIVERY_TIMEOUT_S)
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
        self._on_progress("reading the database")
        self.evidence.stored = await database.read_stored(self._env.database_url)
        return self.evidence

    async def _set_up(self) -> tuple[User, Client]:
        """Create users, rooms and clients. The first user owns the rooms; the last one is for the probes."""
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

    # Faults.

    async def _inject_faults(self) -> None:
        """Inject step after step, until the time is over or the run is stopped."""
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

    # The end of a run.

    async def _finish(self, clients: list[Client], probes: Probes) -> None:
        """Stop the writers, wait for the delivery, kill and restart everything, and compare once more."""
        self._on_progress("writers stopped, waiting for the delivery")
        self._load.stopped = True
        await asyncio.wait(self._writers, timeout=DELIVERY_TIMEOUT_S)
        await self._wait_delivered(clients)
        for client in clients:
            client.record_checkpoint()
        if schedule.PRESENCE in self._env.faults and not self.stop.is_set():
            await self._check_presence(probes, clients)
        self._on_progress("killing and restarting everything")
        await self._injector.restart_all()
        await self._wait_delivered(clients)

    async def _check_presence(self, probes: Probes, clients: list[Client]) -> None:
        """Kill and restart the instances; one client reconnects and queries the presence of the others."""
        self._on_progress("checking the presence of users of killed instances")
        observer, stopped = clients[0], clients[1:]
        user_ids = {client.user.id for client in stopped} - {observer.user.id}
        await self._injector.kill_all()
        killed_at = self._shared.elapsed_s
        for client in stopped:
            await client.stop()
        await self._injector.start_all()
        await waiting.until(observer.ready.is_set, DELIVERY_TIMEOUT_S)
        await probes.probe_presence(observer, sorted(user_ids), killed_at)
        for client in stopped:
            client.start()

    async def _wait_delivered(self, clients: list[Client]) -> None:
        """Wait until all clients have everything that is stored now. The checker reports what is missing."""
        for room_id, seq in (await database.last_seqs(self._env.database_url)).items():
            self._shared.record_seq(room_id, seq)
        await waiting.until(lambda: all(client.is_complete() for client in clients), DELIVERY_TIMEOUT_S)
