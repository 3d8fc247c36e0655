"""The composition root: builds the parts, starts them in order, stops them in reverse."""

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from aiohttp import web

from hubbub.cluster.allowances import Allowances
from hubbub.cluster.bus import Bus
from hubbub.cluster.memory import MemoryAllowances, MemoryBus, MemoryPresence
from hubbub.cluster.presence import Instance, Presence
from hubbub.cluster.redis import servers
from hubbub.cluster.redis.allowances import RedisAllowances
from hubbub.cluster.redis.bus import RedisBus
from hubbub.cluster.redis.presence import RedisPresence
from hubbub.config import Settings
from hubbub.core import clock, garbage, metrics
from hubbub.gateways.oauth import directory
from hubbub.gateways.oauth.client import Client
from hubbub.http import app as http_app
from hubbub.http import metrics as http_metrics
from hubbub.http.server import Runner
from hubbub.realtime import chat
from hubbub.realtime.draining import drain
from hubbub.realtime.reach import Reach
from hubbub.realtime.server import ChatServer
from hubbub.realtime.stock import Server
from hubbub.services import assembly, database, migrations, welcome
from hubbub.workers import work as jobs
from hubbub.workers.worker import Worker

if TYPE_CHECKING:
    from hubbub.services.context import Parts

log = logging.getLogger(__name__)

SOCKETS_SHARE = 0.6  # of the time for draining; the rest is for requests and for what is to be stored
SHUTDOWN_S = 2.0  # for requests under way
LEAST_S = 2.0  # that stopping may take, however short the time for draining is
LINGER_S = 2.0  # for the rest of a body that was refused; aiohttp waits even when the client is gone
BACKLOG = 4096


class App:
    """One instance of hubbub. Use it as an async context manager, or `start` and `stop`."""

    def __init__(self, settings: Settings, bus: Bus | None = None) -> None:
        self.settings = settings
        alone = (bus, MemoryPresence(), MemoryAllowances()) if bus is not None else None
        self._bus, self._presence, self._allowances = alone or _shared(settings)
        self.parts: Parts
        self.chat: ChatServer
        self.sio: Server
        self.port = 0
        self._started_at = clock.rfc3339(clock.now())
        self._stack = AsyncExitStack()
        self._site: web.BaseSite

    @property
    def url(self) -> str:
        """Where it answers."""
        host = self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> Self:
        """Open the database (migrating SQLite), start the parts, listen.

        Raises DatabaseProblem, OSError (the port is taken).
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        # The port first: who finds it taken shall not touch the database of the one who has it.
        listener = self._listen()
        self._stack.callback(listener.close)
        if self.settings.database_url.startswith("sqlite"):
            await migrations.up(self.settings)
        await migrations.open_current(self.settings)
        self._stack.push_async_callback(database.close)
        self.parts = await assembly.build(self.settings, self._bus, self._presence, self._allowances)
        client = await self._stack.enter_async_context(Client())
        self.parts.providers = directory.build(self.settings, client)
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
        await self._serve(listener)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
        listener = socket.create_server(
            (self.settings.host, self.settings.port), family=family, backlog=BACKLOG
        )
        self.port = listener.getsockname()[1]
        return listener

    async def _serve(self, listener: socket.socket) -> None:
        settings = self.settings
        self.chat = ChatServer(self.parts)
        self._presence.describe(self._describe)
        self.sio = Server(
            {chat.NAMESPACE: self.chat},
            links=Reach(self._bus),
            ping_interval=settings.ping_interval_ms / 1000,
            ping_timeout=settings.ping_timeout_ms / 1000,
            max_http_buffer_size=settings.max_payload_bytes,
            cors_allowed_origins="*" if "*" in settings.cors_origins else list(settings.cors_origins) or None,
            cors_credentials=False,
            sessions_per_address=2
            * settings.sockets_per_address,  # those past the limit are told so, in words
            trusted_proxies=settings.trusted_proxies,
            instance=settings.instance_id,
            logger=logging.getLogger("socketio"),
            engineio_logger=logging.getLogger("engineio"),
        )
        web_app = http_app.build(self.parts)
        self.sio.attach(web_app)
        runner = Runner(web_app, shutdown_timeout=SHUTDOWN_S, lingering_time=LINGER_S)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        if (apart := await http_metrics.open_port(settings)) is not None:
            self._stack.push_async_callback(apart.cleanup)
        await self.chat.start()
        self._stack.push_async_callback(self.chat.close)
        self._site = web.SockSite(runner, listener)
        await self._site.start()

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
        self.sio.eio.leaving = True
        await drain(self.chat.connections, self.settings.drain_s * SOCKETS_SHARE)

    async def stop(self) -> None:
        """Stop everything, in reverse; what was accepted is stored first."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _shared(settings: Settings) -> tuple[Bus, Presence, Allowances]:
    """What instances share; in memory when there is one."""
    if settings.redis_url is None:
        return MemoryBus(), MemoryPresence(), MemoryAllowances()
    found = servers.find(settings.redis_url, settings.redis_prefix)
    bus = RedisBus(found, settings.redis_prefix)
    presence = RedisPresence(found, settings.redis_prefix, bus)
    return bus, presence, RedisAllowances(found, settings.redis_prefix)


async def serve(settings: Settings) -> int:
    """Run an instance until SIGTERM or SIGINT, then drain; a second signal ends it at once."""
    began = clock.monotonic()
    app = await App(settings).start()
    stopping = _on_signals()
    seconds = round(clock.monotonic() - began, 3)
    metrics.gauge("start_seconds", lambda: seconds)
    garbage.settle()
    log.info("listening", extra={"url": app.url, "start_s": seconds, "instance": settings.instance_id})
    try:
        sys.stdout.write(welcome.text(settings, app.url, await welcome.development_admin(app.parts)))
        sys.stdout.flush()
        await stopping.wait()
        log.info("stopping")
        asyncio.get_running_loop().call_later(max(settings.drain_s, LEAST_S), _give_up)
        await app.drain()
    finally:
        await app.stop()
    log.info("stopped")
    return 0


def _give_up() -> None:
    """The time for draining is over. What was acknowledged is stored; the rest its senders send again."""
    log.warning("not everything stopped in time")
    logging.shutdown()
    os._exit(0)


async def work(settings: Settings) -> int:
    """Do jobs until SIGTERM or SIGINT, then finish what is being done; a second signal ends it at once."""
    stopping = _on_signals()
    if settings.uses_sqlite:
        await migrations.up(settings)
    async with AsyncExitStack() as stack:
        await migrations.open_current(settings)
        stack.push_async_callback(database.close)
        bus, presence, allowances = _shared(settings)
        parts = await assembly.build(settings, bus, presence, allowances)
        await bus.start()
        stack.push_async_callback(bus.close)
        worker = Worker(parts, jobs.TABLE)
        await worker.start()
        stack.push_async_callback(worker.close)
        log.info("working", extra={"instance": settings.instance_id})
        await stopping.wait()
        log.info("stopping")
        asyncio.get_running_loop().call_later(max(settings.drain_s, LEAST_S), _give_up)
    log.info("stopped")
    return 0


def _on_signals() -> asyncio.Event:
    """Set by the first signal; the second ends the process."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            log.warning("stopping at once")
            logging.shutdown()
            os._exit(1)  # nothing that hangs may hold up somebody who asks twice
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stopping
