"""Injects faults into instances, servers and connections; records their effects and the recovery."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
from redis.asyncio import Redis

from hubbub.core import ids
from hubbub.prove import failover, servers, waiting
from hubbub.prove.accounts import UnexpectedResult
from hubbub.prove.clients import Client
from hubbub.prove.environment import Environment
from hubbub.prove.journal import Evidence, Fault, Probe
from hubbub.prove.processes import NotStarted, Process
from hubbub.prove.proxy import Proxy
from hubbub.prove.schedule import Step
from hubbub.prove.shared_state import SharedState
from hubbub.prove.socketio_client import ConnectionLost

RECOVERY_TIMEOUT_S = 45.0
LOSS_RATE = 0.4  # share of the published messages that are dropped
DUPLICATE_SENDS = 8  # messages that two devices send at once
FaultHandler = Callable[[Step], Awaitable[None]]


class FaultInjector:
    """Runs steps one after the other and records their effects."""

    def __init__(
        self, env: Environment, shared: SharedState, clients: list[Client], evidence: Evidence
    ) -> None:
        self._env = env  # what faults are injected into
        self._shared = shared
        self._clients = clients  # that must be served again after a fault
        self._evidence = evidence  # where faults and probes are recorded
        self._effects = evidence.effects  # counts the confirmed effects
        self._handlers: dict[str, FaultHandler] = {  # by the name of the fault
            "kill": self._kill_instance,
            "pause": self._pause_instance,
            "rolling": self._rolling_restart,
            "roam": self._drop_connections,
            "twins": self._send_duplicates,
            "redis-down": self._redis_down,
            "redis-flush": self._redis_flush,
            "redis-drop": self._redis_drop,
            "redis-pause": self._redis_pause,
            "database-restart": self._database_restart,
            "database-pause": self._database_pause,
            "database-cut": self._database_cut,
            "failover": self._failover,
        }

    def add_handlers(self, handlers: dict[str, FaultHandler]) -> None:
        """Add handlers for further kinds of steps."""
        self._handlers |= handlers

    async def inject(self, step: Step) -> None:
        """Run a step to its end, until all clients are served again."""
        runs = [self._run_step(step)]
        if step.nested:
            runs.append(self._inject_nested(step))
        await asyncio.gather(*runs)

    async def _inject_nested(self, step: Step) -> None:
        await asyncio.sleep(step.duration_s / 3)
        await self._run_step(Step(step.nested, 0, step.instance, step.duration_s / 6, crash=True))

    async def _run_step(self, step: Step) -> None:
        """Inject a fault, wait for the recovery, and record both."""
        started_at, failure = self._shared.elapsed_s, ""
        try:
            await self._handlers[step.name](step)
        except (
            NotStarted,
            UnexpectedResult,
            ConnectionLost,
            aiohttp.ClientError,
            *failover.SERVER_ERRORS,
            OSError,
        ) as error:
            failure = f"{error}" or type(error).__name__
        ended_at = self._shared.elapsed_s
        recovered_at = await self._wait_recovered()
        target = f"instance {step.instance}" if step.name in {"kill", "pause"} else "all"
        self._evidence.faults.append(Fault(step.name, target, started_at, ended_at, recovered_at, failure))

    async def _wait_recovered(self) -> float | None:
        """Return when all clients were connected and an ack arrived; None if that took too long."""
        acks = self._shared.ack_count

        def is_recovered() -> bool:
            return self._shared.ack_count > acks and all(each.ready.is_set() for each in self._clients)

        recovered = await waiting.until(is_recovered, RECOVERY_TIMEOUT_S)
        return self._shared.elapsed_s if recovered else None

    # Instances.

    async def _kill_instance(self, step: Step) -> None:
        instance = self._env.instances[step.instance]
        self._effects["instances killed"] += await instance.process.kill()
        await asyncio.sleep(step.duration_s)
        await instance.restart(self._env.http)

    async def _pause_instance(self, step: Step) -> None:
        process = self._env.instances[step.instance].process
        await self._pause_process(process, step.duration_s, "instances paused")

    async def _pause_process(self, process: Process, duration_s: float, effect: str) -> None:
        process.pause()
        try:
            await asyncio.sleep(duration_s)
            self._effects[effect] += process.count_paused()
        finally:
            process.resume()

    async def _rolling_restart(self, _step: Step) -> None:
        codes = []
        for instance in self._env.instances:
            codes.append(await instance.drain())
            await instance.start(self._env.http)
        self._effects["instances replaced"] += codes.count(0)
        if any(codes):
            raise UnexpectedResult(f"the instances ended with {codes}")

    async def restart_all(self) -> None:
        """Kill and restart all instances, and crash the run's own servers, which empties Redis."""
        await self.kill_all()
        for server in (self._env.postgres, self._env.redis):
            if server is not None:
                await server.crash()
                await server.start()
        await self.start_all()

    async def kill_all(self) -> None:
        """Kill all instances at once, with SIGKILL; `start_all` starts them again."""
        killed = await asyncio.gather(*(instance.process.kill() for instance in self._env.instances))
        self._effects["instances killed"] += sum(killed)

    async def start_all(self) -> None:
        """Start all instances again."""
        await asyncio.gather(*(instance.restart(self._env.http) for instance in self._env.instances))

    # Connections.

    def rebalance_clients(self) -> None:
        """Distribute the clients over the instances, so that a fault of any instance affects some."""
        count = len(self._env.instances)
        for number, client in enumerate(self._clients):
            target = number % count
            if client.instance != target and client.socket is not None:
                client.next_instance = target
                client.socket.drop("roams")

    async def _drop_connections(self, _step: Step) -> None:
        for client in self._clients:
            if client.socket is not None and self._shared.rng.random() < 1 / 2:
                client.socket.drop("roams")
                self._effects["connections dropped by clients"] += 1

    async def _send_duplicates(self, _step: Step) -> None:
        """Send one message from two devices of a user at once, on two instances if possible."""
        first = self._shared.rng.choice(self._clients)
        same_user = [each for each in self._clients if each.user is first.user and each is not first]
        elsewhere = [each for each in same_user if each.instance != first.instance]
        if not same_user:
            return
        second = self._shared.rng.choice(elsewhere or same_user)
        for number in range(DUPLICATE_SENDS):
            room_id, client_id = self._shared.rng.choice(first.journal.rooms), str(ids.uuid7())
            body = f"twins {number}"
            outcomes = await asyncio.gather(
                *(each.send_once(room_id, body, client_id) for each in (first, second, first))
            )
            self._effects["messages sent by two devices at once"] += outcomes.count("ok") > 1

    # Redis.

    async def _redis_down(self, step: Step) -> None:
        proxy, server = self._redis_proxy(), self._env.redis
        cuts_before = proxy.closed_connections
        await proxy.stop()
        self._effects["connections to Redis cut"] += proxy.closed_connections - cuts_before
        try:
            if server is not None:
                await server.crash()
            await asyncio.sleep(step.duration_s)
            if server is not None:
                await server.start()
        finally:
            await proxy.start()

    async def _redis_flush(self, _step: Step) -> None:
        assert self._env.redis is not None  # noqa: S101 - otherwise there are no such steps
        client = Redis.from_url(self._env.redis.url)
        try:
            self._effects["keys of Redis flushed"] += await client.dbsize()
            await client.flushall()
        finally:
            await client.aclose()

    async def _redis_drop(self, step: Step) -> None:
        proxy = self._redis_proxy()
        dropped_before, proxy.loss_rate = proxy.dropped_messages, LOSS_RATE
        try:
            await asyncio.sleep(step.duration_s)
        finally:
            proxy.loss_rate = 0.0
            self._effects["messages of Redis dropped"] += proxy.dropped_messages - dropped_before

    async def _redis_pause(self, step: Step) -> None:
        proxy = self._redis_proxy()
        proxy.pause()
        try:
            await asyncio.sleep(step.duration_s)
        finally:
            proxy.resume()
            self._effects["pauses of Redis"] += 1

    def _redis_proxy(self) -> Proxy:
        assert self._env.redis_proxy is not None  # noqa: S101 - otherwise there are no such steps
        return self._env.redis_proxy

    # The database.

    async def _database_restart(self, step: Step) -> None:
        server = self._env.postgres
        assert server is not None  # noqa: S101 - otherwise there are no such steps
        await (server.crash() if step.crash else server.stop())
        effect = "PostgreSQL crashed" if step.crash else "PostgreSQL stopped"
        self._effects[effect] += not server.process.running
        await asyncio.sleep(step.duration_s)
        await server.start()

    async def _database_pause(self, step: Step) -> None:
        assert self._env.postgres is not None  # noqa: S101 - otherwise there are no such steps
        process = self._env.postgres.process
        await self._pause_process(process, step.duration_s, "processes of PostgreSQL paused")

    async def _database_cut(self, step: Step) -> None:
        proxy = self._env.database_proxy
        assert proxy is not None  # noqa: S101 - otherwise there are no such steps
        cuts_before = proxy.closed_connections
        await proxy.stop()
        self._effects["connections to PostgreSQL cut"] += proxy.closed_connections - cuts_before
        try:
            await asyncio.sleep(step.duration_s)
        finally:
            await proxy.start()

    # Failover of both.

    async def _failover(self, step: Step) -> None:
        """Fail over the run's own PostgreSQL and Redis. The former servers run on for a while."""
        env = self._env
        if env.redis is not None and env.redis_proxy is not None:
            former, env.redis = await failover.promote_redis(env.folder, env.redis, env.redis_proxy)
            self._effects["Redis replicas promoted"] += 1
            await asyncio.sleep(step.duration_s)
            await former.stop()
        if env.postgres is not None and servers.supports_standby(env.postgres):
            former = env.postgres
            port = env.spare_port
            env.postgres = await failover.promote_postgres(env.folder, former, port, crash=step.crash)
            await self._record_resumption("PostgreSQL")
            env.spare_port = urlsplit(former.url).port or 0
            database_path = urlsplit(env.database_url).path
            env.database_url = urlsplit(env.postgres.url)._replace(path=database_path).geturl()
            self._effects["PostgreSQL standbys promoted"] += 1
            await asyncio.sleep(step.duration_s)
            await former.stop()

    async def _record_resumption(self, service: str) -> None:
        """Record the time until the next ack."""
        started_at, acks = self._shared.elapsed_s, self._shared.ack_count
        resumed = await waiting.until(lambda: self._shared.ack_count > acks, RECOVERY_TIMEOUT_S)
        duration_s = self._shared.elapsed_s - started_at if resumed else None
        self._evidence.probes.append(Probe("failover", started_at, duration_s, service))
