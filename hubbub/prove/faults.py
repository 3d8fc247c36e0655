"""What is done to instances, servers and connections; that it was done; and when all was well again."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
from redis.asyncio import Redis

from hubbub.core import clock, ids
from hubbub.prove import failover, servers
from hubbub.prove.accounts import Unwilling
from hubbub.prove.clients import Client, World
from hubbub.prove.environment import Stage
from hubbub.prove.journal import Evidence, Fault, Probe
from hubbub.prove.processes import NotStarted, Process
from hubbub.prove.proxy import Relay
from hubbub.prove.schedule import Step
from hubbub.prove.socketio_client import Lost

HEAL_S = 45.0
LOOK_S = 0.02
LOST = 0.4  # share of the published messages that do not arrive
PAIRS = 8  # messages that twins send
Way = Callable[[Step], Awaitable[None]]


class Faults:
    """Carries out steps, one after the other, and writes down what came of them."""

    def __init__(self, stage: Stage, world: World, clients: list[Client], evidence: Evidence) -> None:
        self._stage = stage
        self._world = world
        self._clients = clients
        self._evidence = evidence
        self._done = evidence.done
        self._ways: dict[str, Way] = {
            "kill": self._kill,
            "pause": self._pause,
            "rolling": self._rolling,
            "roam": self._roam,
            "twins": self._twins,
            "redis-down": self._redis_down,
            "redis-flush": self._redis_flush,
            "redis-drop": self._redis_drop,
            "redis-pause": self._redis_pause,
            "database-restart": self._database_restart,
            "database-pause": self._database_pause,
            "database-cut": self._database_cut,
            "failover": self._failover,
        }

    def learn(self, ways: dict[str, Way]) -> None:
        """Further kinds of steps, and how to do them."""
        self._ways |= ways

    async def do(self, step: Step) -> None:
        """One step to its end, and until everybody is served again."""
        work = [self._timed(step)]
        if step.during:
            work.append(self._meanwhile(step))
        await asyncio.gather(*work)

    async def _meanwhile(self, step: Step) -> None:
        await asyncio.sleep(step.lasts / 3)
        await self._timed(Step(step.during, 0, step.instance, step.lasts / 6, hard=True))

    async def _timed(self, step: Step) -> None:
        """Do it, wait until all is well, and write both down."""
        began, trouble = self._world.at, ""
        try:
            await self._ways[step.name](step)
        except (NotStarted, Unwilling, Lost, aiohttp.ClientError, *failover.REFUSED, OSError) as error:
            trouble = f"{error}" or type(error).__name__
        ended = self._world.at
        healed = await self._healed()
        target = f"instance {step.instance}" if step.name in {"kill", "pause"} else "all"
        self._evidence.faults.append(Fault(step.name, target, began, ended, healed, trouble))

    async def _healed(self) -> float | None:
        """When everybody was connected and an ack had come again; None if that took too long."""
        acks, deadline = self._world.acks, clock.monotonic() + HEAL_S
        while clock.monotonic() < deadline:
            if self._world.acks > acks and all(client.up.is_set() for client in self._clients):
                return self._world.at
            await asyncio.sleep(LOOK_S)
        return None

    # Instances.

    async def _kill(self, step: Step) -> None:
        instance = self._stage.instances[step.instance]
        self._done["instances killed"] += await instance.process.kill()
        await asyncio.sleep(step.lasts)
        await instance.revive(self._stage.http)

    async def _pause(self, step: Step) -> None:
        await self._still(self._stage.instances[step.instance].process, step.lasts, "instances stood still")

    async def _still(self, process: Process, seconds: float, what: str) -> None:
        process.stand_still()
        try:
            await asyncio.sleep(seconds)
            self._done[what] += process.standing()
        finally:
            process.go_on()

    async def _rolling(self, _step: Step) -> None:
        codes = []
        for instance in self._stage.instances:
            codes.append(await instance.drain())
            await instance.start(self._stage.http)
        self._done["instances replaced"] += codes.count(0)
        if any(codes):
            raise Unwilling(f"the instances ended with {codes}")

    async def end_all(self) -> None:
        """The end of everything at once, Redis emptied and PostgreSQL crashed if they are the run's own."""
        await self.kill_all()
        for server in (self._stage.postgres, self._stage.redis):
            if server is not None:
                await server.crash()
                await server.start()
        await self.start_all()

    async def kill_all(self) -> None:
        """Every instance at once, by SIGKILL; started again by `start_all`."""
        killed = await asyncio.gather(*(instance.process.kill() for instance in self._stage.instances))
        self._done["instances killed"] += sum(killed)

    async def start_all(self) -> None:
        """All of them again."""
        await asyncio.gather(*(instance.revive(self._stage.http) for instance in self._stage.instances))

    # Connections.

    def spread(self) -> None:
        """Send clients on from where many are to where few are: a fault of any instance is to be felt."""
        count = len(self._stage.instances)
        for number, client in enumerate(self._clients):
            home = number % count
            if client.instance != home and client.socket is not None:
                client.next = home
                client.socket.drop("roams")

    async def _roam(self, _step: Step) -> None:
        for client in self._clients:
            if client.socket is not None and self._world.chance.random() < 1 / 2:
                client.socket.drop("roams")
                self._done["connections dropped by clients"] += 1

    async def _twins(self, _step: Step) -> None:
        """Two devices of one person, on two instances if possible, send the same message at once."""
        one = self._world.chance.choice(self._clients)
        others = [each for each in self._clients if each.person is one.person and each is not one]
        apart = [each for each in others if each.instance != one.instance]
        if not others:
            return
        other = self._world.chance.choice(apart or others)
        for number in range(PAIRS):
            room_id, client_id = self._world.chance.choice(one.journal.rooms), str(ids.uuid7())
            body = f"twins {number}"
            said = await asyncio.gather(*(each.say(room_id, body, client_id) for each in (one, other, one)))
            self._done["messages sent by two devices at once"] += said.count("ok") > 1

    # Redis.

    async def _redis_down(self, step: Step) -> None:
        relay, own = self._relay(), self._stage.redis
        cuts = relay.cuts
        await relay.down()
        self._done["connections to Redis cut"] += relay.cuts - cuts
        try:
            if own is not None:
                await own.crash()
            await asyncio.sleep(step.lasts)
            if own is not None:
                await own.start()
        finally:
            await relay.up()

    async def _redis_flush(self, _step: Step) -> None:
        assert self._stage.redis is not None  # noqa: S101 - else there are no such steps
        client = Redis.from_url(self._stage.redis.url)
        try:
            self._done["keys of Redis flushed"] += await client.dbsize()
            await client.flushall()
        finally:
            await client.aclose()

    async def _redis_drop(self, step: Step) -> None:
        relay = self._relay()
        losses, relay.lost = relay.losses, LOST
        try:
            await asyncio.sleep(step.lasts)
        finally:
            relay.lost = 0.0
            self._done["messages of Redis dropped"] += relay.losses - losses

    async def _redis_pause(self, step: Step) -> None:
        relay = self._relay()
        relay.hold()
        try:
            await asyncio.sleep(step.lasts)
        finally:
            relay.flow()
            self._done["times Redis was silent"] += 1

    def _relay(self) -> Relay:
        assert self._stage.relay is not None  # noqa: S101 - else there are no such steps
        return self._stage.relay

    # The database.

    async def _database_restart(self, step: Step) -> None:
        server = self._stage.postgres
        assert server is not None  # noqa: S101 - else there are no such steps
        await (server.crash() if step.hard else server.stop())
        self._done["PostgreSQL crashed" if step.hard else "PostgreSQL stopped"] += not server.process.running
        await asyncio.sleep(step.lasts)
        await server.start()

    async def _database_pause(self, step: Step) -> None:
        assert self._stage.postgres is not None  # noqa: S101 - else there are no such steps
        await self._still(self._stage.postgres.process, step.lasts, "processes of PostgreSQL stood still")

    async def _database_cut(self, step: Step) -> None:
        relay = self._stage.database_relay
        assert relay is not None  # noqa: S101 - else there are no such steps
        cuts = relay.cuts
        await relay.down()
        self._done["connections to PostgreSQL cut"] += relay.cuts - cuts
        try:
            await asyncio.sleep(step.lasts)
        finally:
            await relay.up()

    # Both, to another server.

    async def _failover(self, step: Step) -> None:
        """PostgreSQL and Redis, as far as they are the run's own; the earlier servers stay for a while."""
        stage = self._stage
        if stage.redis is not None and stage.relay is not None:
            earlier, stage.redis = await failover.redis(stage.folder, stage.redis, stage.relay)
            self._done["Redis replicas promoted"] += 1
            await asyncio.sleep(step.lasts)
            await earlier.stop()
        if stage.postgres is not None and servers.has_standby(stage.postgres):
            earlier = stage.postgres
            port = stage.spare_port
            stage.postgres = await failover.postgres(stage.folder, earlier, port, hard=step.hard)
            await self._resumed("PostgreSQL")
            stage.spare_port = urlsplit(earlier.url).port or 0
            stage.database_url = (
                urlsplit(stage.postgres.url)._replace(path=urlsplit(stage.database_url).path).geturl()
            )
            self._done["PostgreSQL standbys promoted"] += 1
            await asyncio.sleep(step.lasts)
            await earlier.stop()

    async def _resumed(self, what: str) -> None:
        """Write down how long it takes until an ack comes."""
        began, acks, deadline = self._world.at, self._world.acks, clock.monotonic() + HEAL_S
        while self._world.acks == acks and clock.monotonic() < deadline:  # noqa: ASYNC110 - as in _healed
            await asyncio.sleep(LOOK_S)
        took = self._world.at - began if self._world.acks > acks else None
        self._evidence.probes.append(Probe("failover", began, took, what))
