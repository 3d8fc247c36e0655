"""The composition root: builds the components, starts them in order, stops them in reverse."""

import asyncio
import logging
import resource
import socket
from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Self, cast

from hubbub.cluster import builder, components
from hubbub.cluster.bus import Bus
from hubbub.cluster.presence import Instance
from hubbub.config import Settings
from hubbub.core import clock, metrics
from hubbub.core.turn_budget import TurnBudget
from hubbub.db import database, migrations
from hubbub.db.database_lock import DatabaseLock
from hubbub.gateways.oauth import registry
from hubbub.gateways.oauth.client import ProviderClient
from hubbub.gateways.storage import registry as storages
from hubbub.http import app as http_app
from hubbub.http import listening
from hubbub.http import metrics as http_metrics
from hubbub.http.app_keys import CORS_ORIGINS, mark_socket_accepted
from hubbub.http.ip_limits import IpLimits
from hubbub.http.middleware import ip_filter
from hubbub.http.server import Runner
from hubbub.http.untrusted_proxies import UntrustedProxies
from hubbub.http.upgrade_request import UpgradeRequest
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.chat import events
from hubbub.realtime.chat.namespace import ChatNamespace
from hubbub.realtime.engine.bounds import Bounds
from hubbub.realtime.notifications import events as inbox_events
from hubbub.realtime.notifications.namespace import NotificationsNamespace
from hubbub.realtime.socketio.cluster_manager import ClusterManager
from hubbub.realtime.socketio.connect_queue import AdmissionLimits
from hubbub.realtime.socketio.server import SocketIOServer
from hubbub.realtime.sockets.connections import UserSockets
from hubbub.realtime.sockets.draining import drain
from hubbub.schemas.jobs import Queue
from hubbub.services import container
from hubbub.services.instance import processes
from hubbub.services.seed import dev_admin
from hubbub.workers import registry as jobs
from hubbub.workers.scheduler import Scheduler
from hubbub.workers.worker import Worker

if TYPE_CHECKING:
    from aiohttp import web

    from hubbub.services.context import Container

SOCKET_DRAIN_SHARE = 0.6  # of the drain timeout; the rest is for requests and for messages to be stored
SHUTDOWN_TIMEOUT_S = 2.0  # for open requests
LINGERING_TIME_S = 2.0  # for the rest of a refused body; aiohttp waits even after a disconnect
# Handshakes per second above which the limit of an IP address is lifted as well.
UNLIMITED_HANDSHAKES_PER_S = 10_000
LOOPBACK_BY_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - for URLs of this machine


class App:
    """One instance of hubbub. Use it as an async context manager, or `start` and `stop`."""

    def __init__(self, settings: Settings, bus: Bus | None = None) -> None:
        self.settings = settings
        # What instances share.
        self._components = builder.build(settings) if bus is None else components.in_memory(bus)
        self._bus, self._presence = self._components.bus, self._components.presence
        self.container: Container  # what operations need; set by `start`, like the next four
        self.user_sockets: UserSockets  # the sockets of all namespaces
        self.chat: ChatNamespace
        self.notifications: NotificationsNamespace
        self.sio: SocketIOServer
        self.port = 0  # of the listening socket
        self._started_at = clock.rfc3339(clock.now())
        self._stack = AsyncExitStack()  # closes the started components in reverse
        self._site: listening.Site
        self._process: processes.Process  # the row of this process in the database
        self.dev_admin_login: dev_admin.DevAdminLogin | None = None  # set in development

    @property
    def url(self) -> str:
        """URL for clients on this machine."""
        host = LOOPBACK_BY_WILDCARD.get(self.settings.host, self.settings.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> Self:
        """Open the database (SQLite is migrated), start the components, and listen when all are ready.

        Raises DatabaseProblem, StartRefused, CannotListen, ConfigError.
        """
        try:
            with _explain_database_errors(self.settings):
                await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        # The port first: a process that finds it taken must not touch the database of the other one.
        reserved = listening.reserve(self.settings.host, self.settings.port)
        self._stack.callback(reserved.close)
        self.port = reserved.getsockname()[1]
        self._process = await _open_database(self._stack, self.settings, processes.SERVE)
        storage = storages.build(self.settings)
        self._stack.push_async_callback(storage.close)
        self.container = await container.build(self.settings, self._components, storage)
        self._stack.callback(self.container.image_pool.close)
        client = await self._stack.enter_async_context(ProviderClient())
        self.container.identity_providers = registry.build(self.settings, client)
        await self._bus.start()
        self._stack.push_async_callback(self._bus.close)
        await self.container.cache.start()
        self.container.message_writer.start()
        self._stack.push_async_callback(self.container.message_writer.close)
        for tracker in self.container.trackers:
            tracker.start()
            self._stack.push_async_callback(tracker.close)
        if self.settings.inline_workers:
            for component in (Worker(self.container, jobs.HANDLERS), Scheduler(self.container)):
                component.start()
                self._stack.push_async_callback(component.close)
        self.dev_admin_login = await dev_admin.ensure_dev_admin(self.container)
        await self._serve(reserved)

    async def _serve(self, reserved: socket.socket) -> None:
        turn_budget = TurnBudget()  # shared: a handshake is followed by its CONNECT
        self.user_sockets = UserSockets()
        metrics.gauge("connections", lambda: len(self.user_sockets))
        self.chat = ChatNamespace(self.container, self.user_sockets)
        self.notifications = NotificationsNamespace(self.container, self.user_sockets)
        web_app = http_app.build(self.container)
        self._presence.register_instance(self._describe)
        self.sio = self._build_sio(web_app, turn_budget)
        runner = self._build_runner(web_app, turn_budget)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        if (metrics_runner := await http_metrics.open_port(self.settings)) is not None:
            self._stack.push_async_callback(metrics_runner.cleanup)
        for namespace in (self.chat, self.notifications):
            await namespace.start()
            self._stack.push_async_callback(namespace.close)
        self._site = await listening.listen(runner, reserved)

    def _build_sio(self, web_app: "web.Application", turn_budget: TurnBudget) -> SocketIOServer:
        """Build the Socket.IO server of both namespaces, and attach it to the application."""
        settings = self.settings
        admission = AdmissionLimits(
            settings.handshakes_per_s, settings.sockets_per_user, lambda: not database.unavailable()
        )
        unlimited = settings.limit_events is None
        sio = SocketIOServer(
            {events.NAMESPACE: self.chat, inbox_events.NAMESPACE: self.notifications},
            client_manager=ClusterManager(self._bus),
            ping_interval=settings.ping_interval_ms / 1000,
            ping_timeout=settings.ping_timeout_ms / 1000,
            max_http_buffer_size=settings.max_payload_bytes,
            cors_allowed_origins=web_app[CORS_ORIGINS].engineio_option(),
            cors_credentials=False,
            max_sessions_per_ip=settings.sockets_per_address,
            trusted_proxies=settings.trusted_proxies,
            instance=settings.instance_id,
            admission=admission,
            bounds=Bounds(packet_rate=None, byte_rate=None) if unlimited else Bounds(),
            max_output_bytes=settings.max_output_bytes,
            handshake_rate=_handshake_rate(settings),
            turn_budget=turn_budget,
            logger=logging.getLogger("socketio"),
            engineio_logger=logging.getLogger("engineio"),
        )
        sio.attach(web_app)
        sio.eio.on_accepted_request = mark_socket_accepted
        return sio

    def _build_runner(self, web_app: "web.Application", turn_budget: TurnBudget) -> Runner:
        """Build the HTTP server of the application."""
        return Runner(
            web_app,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
            lingering_time=LINGERING_TIME_S,
            limits=_ip_limits(self.settings, UntrustedProxies(self._process.report_untrusted_proxy)),
            upgrade=self._upgrade,
            turn_budget=turn_budget,
            respond_early=http_app.early_responder(self.container),
        )

    def _upgrade(self, handshake: UpgradeRequest) -> bool:
        """Accept a WebSocket before the middlewares, of which the filter of IP addresses concerns it."""
        request = cast("web.Request", handshake)  # it has what a handshake reads of one
        return ip_filter.is_allowed(self.settings, request) and self.sio.eio.upgrade(request)

    def _describe(self) -> Instance:
        container, cache = self.container, self.container.membership_cache
        return Instance(
            self.settings.instance_id,
            self._started_at,
            connections=len(self.user_sockets),
            users=len(cache),
            rooms=len(cache.rooms),
            draining=container.draining,
        )

    async def drain(self) -> None:
        """Accept no more connections and close all; use only a part of `HUBBUB_DRAIN_S`."""
        self.container.draining = True
        self.sio.drain()
        namespaces, timeout_s = (self.chat, self.notifications), self.settings.drain_s * SOCKET_DRAIN_SHARE
        await asyncio.gather(*(drain(namespace.connections, timeout_s) for namespace in namespaces))

    async def stop(self) -> None:
        """Stop everything in reverse. Accepted messages are stored first."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def _open_database(stack: AsyncExitStack, settings: Settings, kind: str) -> processes.Process:
    """Open the database for a process and register the process, until `stack` closes.

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
    """Return the rate of handshakes of one IP address; None if a setting lifts the limit."""
    return settings.limit_handshakes if settings.handshakes_per_s <= UNLIMITED_HANDSHAKES_PER_S else None


def _ip_limits(settings: Settings, untrusted_proxies: UntrustedProxies) -> IpLimits:
    """Return the limits of IP addresses. One may use at most half of the file descriptors."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return IpLimits(
        trusted_proxies=settings.trusted_proxies,
        max_connections=max(1, min(2 * settings.sockets_per_address, descriptors // 2)),
        limit_rates=settings.limit_http is not None and _handshake_rate(settings) is not None,
        untrusted_proxies=untrusted_proxies,
    )


async def open_worker(settings: Settings, stack: AsyncExitStack, queues: Collection[Queue]) -> None:
    """Start a worker of these queues that runs until `stack` closes. Raises DatabaseProblem, StartRefused."""
    with _explain_database_errors(settings):
        worker = Worker(await _open_background(stack, settings, processes.WORKER), jobs.HANDLERS, queues)
        worker.start()
        stack.push_async_callback(worker.close)


async def open_scheduler(settings: Settings, stack: AsyncExitStack) -> None:
    """Start a scheduler that runs until `stack` closes. Raises DatabaseProblem, StartRefused."""
    with _explain_database_errors(settings):
        scheduler = Scheduler(await _open_background(stack, settings, processes.SCHEDULER))
        scheduler.start()
        stack.push_async_callback(scheduler.close)


async def _open_background(stack: AsyncExitStack, settings: Settings, kind: str) -> "Container":
    """Open the database and the bus for a process without clients. Returns its container."""
    await _open_database(stack, settings, kind)
    storage = storages.build(settings)
    stack.push_async_callback(storage.close)
    built = await container.build(settings, builder.build(settings), storage)
    await built.bus.start()
    stack.push_async_callback(built.bus.close)
    return built


@contextmanager
def _explain_database_errors(settings: Settings) -> Iterator[None]:
    """Turn the errors of an unavailable database into one line that names the database."""
    try:
        yield
    except Exception as error:
        if (problem := database.explain(settings, error)) is None:
            raise
        raise problem from error
