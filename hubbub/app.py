"""The composition root: builds the parts, starts them in order, stops them in reverse."""

import logging
import resource
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from hubbub.cluster.bus import Bus
from hubbub.cluster.memory import MemoryBus, MemoryPresence, MemoryRateLimiter
from hubbub.cluster.presence import Instance, Presence
from hubbub.cluster.rate_limiter import RateLimiter
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.bus import RedisBus
from hubbub.cluster.redis.presence import RedisPresence
from hubbub.cluster.redis.rate_limiter import RedisRateLimiter
from hubbub.config import Settings
from hubbub.core import clock
from hubbub.db import database, migrations
from hubbub.db.database_lock import DatabaseLock
from hubbub.gateways.oauth import registry
from hubbub.gateways.oauth.client import Client
from hubbub.http import app as http_app
from hubbub.http import listening
from hubbub.http import metrics as http_metrics
from hubbub.http.app_keys import ORIGINS, mark_accepted
from hubbub.http.ip_limits import IpLimits
from hubbub.http.server import Runner
from hubbub.http.untrusted_proxies import UntrustedProxies
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.chat import events
from hubbub.realtime.chat.draining import drain
from hubbub.realtime.chat.namespace import ChatNamespace
from hubbub.realtime.engine.bounds import Bounds
from hubbub.realtime.socketio.cluster_manager import ClusterManager
from hubbub.realtime.socketio.connect_queue import AdmissionLimits
from hubbub.realtime.socketio.server import SocketIOServer
from hubbub.services import container
from hubbub.services.instance import processes
from hubbub.services.seed import dev_admin
from hubbub.workers import registry as jobs
from hubbub.workers.worker import Worker

if TYPE_CHECKING:
    from hubbub.services.context import Container

SOCKETS_SHARE = 0.6  # of the time for draining; the rest is for requests and for what is to be stored
SHUTDOWN_S = 2.0  # for requests under way
LINGER_S = 2.0  # for the rest of a body that was refused; aiohttp waits even when the client is gone
HANDSHAKES_UNLIMITED = 10_000  # handshakes a second above which the limit of an IP address is lifted, too
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened to on all, opened on one


class App:
    """One instance of hubbub. Use it as an async context manager, or `start` and `stop`."""

    def __init__(self, settings: Settings, bus: Bus | None = None) -> None:
        self.settings = settings
        alone = (bus, MemoryPresence(), MemoryRateLimiter()) if bus is not None else None
        self._bus, self._presence, self._allowances = alone or _shared(settings)
        self.parts: Container
        self.chat: ChatNamespace
        self.sio: SocketIOServer
        self.port = 0
        self._started_at = clock.rfc3339(clock.now())
        self._stack = AsyncExitStack()
        self._site: listening.Site
        self._process: processes.Process
        self.login: dev_admin.Login | None = None  # of the admin of development

    @property
    def url(self) -> str:
        """Where it answers, for a client on this machine."""
        host = ANY_HOST.get(self.settings.host, self.settings.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> Self:
        """Open the database (migrating SQLite), start the parts, and then, when all is done, listen.

        Raises DatabaseProblem, StartRefused, CannotListen, ConfigError.
        """
        try:
            with _database_problems(self.settings):
                await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        # The port first: who finds it taken shall not touch the database of the one who has it.
        reserved = listening.reserve(self.settings.host, self.settings.port)
        self._stack.callback(reserved.close)
        self.port = reserved.getsockname()[1]
        self._process = await _open_database(self._stack, self.settings, processes.SERVE)
        self.parts = await container.build(self.settings, self._bus, self._presence, self._allowances)
        client = await self._stack.enter_async_context(Client())
        self.parts.providers = registry.build(self.settings, client)
        await self._bus.start()
        self._stack.push_async_callback(self._bus.close)
        self.parts.appender.start()
        self._stack.push_async_callback(self.parts.appender.close)
        for activity in (self.parts.activity, self.parts.key_activity):
            activity.start()
            self._stack.push_async_callback(activity.close)
        if self.settings.inline_workers:
            worker = Worker(self.parts, jobs.TABLE)
            await worker.start()
            self._stack.push_async_callback(worker.close)
        self.login = await dev_admin.development_admin(self.parts)
        await self._serve(reserved)

    async def _serve(self, reserved: socket.socket) -> None:
        settings = self.settings
        self.chat = ChatNamespace(self.parts)
        web_app = http_app.build(self.parts)
        self._presence.describe(self._describe)
        self.sio = SocketIOServer(
            {events.NAMESPACE: self.chat},
            links=ClusterManager(self._bus),
            ping_interval=settings.ping_interval_ms / 1000,
            ping_timeout=settings.ping_timeout_ms / 1000,
            max_http_buffer_size=settings.max_payload_bytes,
            cors_allowed_origins=web_app[ORIGINS].rule(),
            cors_credentials=False,
            sessions_per_address=settings.sockets_per_address,
            trusted_proxies=settings.trusted_proxies,
            instance=settings.instance_id,
            admission=AdmissionLimits(
                settings.handshakes_per_s, settings.sockets_per_user, lambda: not database.away()
            ),
            bounds=Bounds() if settings.limit_events is not None else Bounds(packets=None, size=None),
            max_output=settings.max_output_bytes,
            handshakes=_handshake_rate(settings),
            logger=logging.getLogger("socketio"),
            engineio_logger=logging.getLogger("engineio"),
        )
        self.sio.attach(web_app)
        self.sio.eio.on_accepted_request = mark_accepted
        runner = Runner(
            web_app,
            shutdown_timeout=SHUTDOWN_S,
            lingering_time=LINGER_S,
            limits=_ip_limits(settings, UntrustedProxies(self._process.report_untrusted_proxy)),
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        if (apart := await http_metrics.open_port(settings)) is not None:
            self._stack.push_async_callback(apart.cleanup)
        await self.chat.start()
        self._stack.push_async_callback(self.chat.close)
        self._site = await listening.listen(runner, reserved)

    def _describe(self) -> Instance:
        parts, residents = self.parts, self.parts.residents
        return Instance(
            self.settings.instance_id,
            self._started_at,
            connections=len(self.chat.connections),
            users=len(residents),
            rooms=len(residents.rooms),
            draining=parts.draining,
        )

    async def drain(self) -> None:
        """Take nobody in any more and let everybody go; leaves some of `HUBBUB_DRAIN_S` for what follows."""
        self.parts.draining = True
        self.sio.drain()
        await drain(self.chat.connections, self.settings.drain_s * SOCKETS_SHARE)

    async def stop(self) -> None:
        """Stop everything, in reverse; what was accepted is stored first."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def _open_database(stack: AsyncExitStack, settings: Settings, kind: str) -> processes.Process:
    """Open the database for a process that is registered in it until `stack` closes.

    Raises DatabaseProblem, StartRefused, Unavailable.
    """
    stack.enter_context(DatabaseLock(settings, f"hubbub {kind}"))
    if settings.uses_sqlite:
        await migrations.up(settings)
    await migrations.open_current(settings)
    stack.push_async_callback(database.close)
    process = processes.Process(settings, kind)
    stack.push_async_callback(process.close)
    await process.register()
    return process


def _handshake_rate(settings: Settings) -> Rate | None:
    """Handshakes of one IP address; None where a setting lifts the limit."""
    return settings.limit_handshakes if settings.handshakes_per_s <= HANDSHAKES_UNLIMITED else None


def _ip_limits(settings: Settings, untrusted: UntrustedProxies) -> IpLimits:
    """The limits of IP addresses; half of the descriptors are always left for the others."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return IpLimits(
        trusted=settings.trusted_proxies,
        most_open=max(1, min(2 * settings.sockets_per_address, descriptors // 2)),
        rates=settings.limit_http is not None and _handshake_rate(settings) is not None,
        untrusted=untrusted,
    )


def _shared(settings: Settings) -> tuple[Bus, Presence, RateLimiter]:
    """What instances share; in memory when there is one."""
    if settings.redis_url is None:
        return MemoryBus(), MemoryPresence(), MemoryRateLimiter()
    found = topology.from_url(settings.redis_url, settings.redis_prefix)
    bus = RedisBus(found, settings.redis_prefix)
    presence = RedisPresence(found, settings.redis_prefix, bus, name=settings.instance_id)
    return bus, presence, RedisRateLimiter(found, settings.redis_prefix)


async def open_worker(settings: Settings, stack: AsyncExitStack) -> None:
    """Start a worker that runs until `stack` closes. Raises DatabaseProblem, StartRefused."""
    with _database_problems(settings):
        await _open_database(stack, settings, processes.WORKER)
        bus, presence, allowances = _shared(settings)
        parts = await container.build(settings, bus, presence, allowances)
        await bus.start()
        stack.push_async_callback(bus.close)
        worker = Worker(parts, jobs.TABLE)
        await worker.start()
        stack.push_async_callback(worker.close)


@contextmanager
def _database_problems(settings: Settings) -> Iterator[None]:
    """Turn what a start raises while the database is unavailable into one line that names the database."""
    try:
        yield
    except Exception as error:
        if (problem := database.explained(settings, error)) is None:
            raise
        raise problem from error
