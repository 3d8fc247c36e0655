"""Stock clients that are refused for a while reconnect by themselves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from hubbub.core import clock, metrics
from hubbub.realtime.engine.transport import TRANSPORT_CLOSE
from hubbub.realtime.sockets import namespace
from tests.journeys.node_client import Node
from tests.realtime.conftest import OPEN_WRITERS, WebSocketClient
from tests.support.live_instance import LiveInstance, RemoteInstances
from tests.support.server_process import ServerProcess
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

PATIENCE_S = 60.0
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
WEBSOCKET, POLLING = ["websocket"], ["polling"]
# Transports, and the time Python's client waits for the ack of CONNECT: by default, and as documented.
PYTHON = [(WEBSOCKET, 1), (POLLING, 1), (WEBSOCKET, 15), (POLLING, 15)]
NODE = [WEBSOCKET, POLLING, POLLING + WEBSOCKET]
OLDER = ["client-3.1", "client-4.0", "client-4.4", "client-4.7"]  # packages of tests/node


@pytest.fixture(autouse=True)
async def _wires() -> AsyncIterator[None]:
    """Close what a test opened by hand."""
    yield
    while OPEN_WRITERS:
        OPEN_WRITERS.pop().close()


class Python:
    """Python's stock client, used as README has it."""

    def __init__(self, transports: list[str], wait_timeout: int) -> None:
        self._transports, self._wait_timeout = transports, wait_timeout
        self._http = aiohttp.ClientSession()  # it does not always close its own
        self.sio = socketio.AsyncClient(
            reconnection_delay=0.1, reconnection_delay_max=1, http_session=self._http
        )
        self.readies = 0
        self.refusals: list[Any] = []
        self.sio.on("ready", self._ready, namespace="/chat")
        self.sio.on("connect_error", self._refused, namespace="/chat")

    async def _ready(self, _: object) -> None:
        self.readies += 1

    async def _refused(self, data: Any) -> None:
        if isinstance(data, dict) and "data" in data:  # else the transport failed
            self.refusals.append(data)

    async def connect(self, url: str, token: str) -> None:
        while not self.sio.connected:
            try:
                await self.sio.connect(
                    url, namespaces=["/chat"], auth={"token": token},
                    transports=self._transports, wait_timeout=self._wait_timeout,
                )  # fmt: skip
            except (NotConnected, ValueError):
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        await self.sio.shutdown()
        await self._http.close()


class JavaScript:
    """Node's stock client, in a version of its package."""

    def __init__(self, transports: list[str], package: str = "socket.io-client") -> None:
        self._transports, self._package = transports, package
        self._node = Node()

    async def connect(self, url: str, token: str) -> None:
        await self._node.__aenter__()
        await self._node.connect(
            f"{url}/chat", client=self._package, auth={"token": token}, transports=self._transports
        )

    @property
    def readies(self) -> int:
        return sum(line.get("event") == "ready" for line in self._node.lines)

    @property
    def refusals(self) -> list[Any]:
        return [line for line in self._node.lines if line.get("is") == "connect_error" and line["data"]]

    async def close(self) -> None:
        await self._node.__aexit__()


Stock = Python | JavaScript


def _is_ready(client: Stock) -> bool:
    return client.readies == 1


class Crowd:
    """One stock client of each kind, connected."""

    def __init__(self, instance: LiveInstance) -> None:
        self.instance = instance
        self.clients: list[Stock] = [
            *(Python(*each) for each in PYTHON),
            *(JavaScript(each) for each in NODE),
            *(JavaScript(POLLING + WEBSOCKET, package) for package in OLDER),
        ]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        users = [await self.instance.register(f"fan{number}") for number in range(len(self.clients))]
        for client in self.clients:
            self._stack.push_async_callback(client.close)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(
                *(
                    each.connect(self.instance.url, user.token)
                    for each, user in zip(self.clients, users, strict=True)
                )
            )
        await self.ready(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def drop(self) -> None:
        """Close all transports, as a crash of a proxy does."""
        for session in list(self.instance.app.sio.eio.sockets.values()):
            session.close(TRANSPORT_CLOSE)

    async def ready(self, times: int) -> None:
        """Wait until each was ready so many times; none was refused."""
        async with asyncio.timeout(PATIENCE_S):
            while any(each.readies < times for each in self.clients):  # noqa: ASYNC110 - clients of two languages
                await asyncio.sleep(0.02)
        assert [each.refusals for each in self.clients] == [[] for _ in self.clients]


@pytest.mark.slow("6 s: clients wait before they connect again")
@SQLITE
async def test_many_dropped_clients_reconnect(settings) -> None:
    async with (
        LiveInstance(settings.model_copy(update={"handshakes_per_s": 4})) as instance,
        Crowd(instance) as crowd,
    ):
        queued = metrics.counters["connects_queued"]

        crowd.drop()
        await crowd.ready(2)

        assert metrics.counters["connects_queued"] > queued


@POSTGRES
async def test_clients_wait_while_the_database_is_unavailable(settings, database_url) -> None:
    expired = metrics.labelled["connects_removed"]["expired"]
    async with (
        TcpProxy(database_url) as proxy,
        LiveInstance(settings.model_copy(update={"database_url": proxy.url})) as instance,
        Crowd(instance) as crowd,
    ):
        instance.app.sio.connect_handler.max_queue_wait_s = 1.0
        await proxy.stop()
        crowd.drop()
        await until(lambda: metrics.labelled["connects_removed"]["expired"] >= expired + 2)
        await proxy.start()

        await crowd.ready(2)


@pytest.mark.slow("6 s: clients wait before they connect again")
async def test_clients_reconnect_after_a_drain(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, drain_s=2, bcrypt_rounds=4) as server_process,
        RemoteInstances(server_process.url) as instance,
        Crowd(instance) as crowd,
    ):
        assert await server_process.stop() == 0
        await server_process.start()

        await crowd.ready(2)


@SQLITE
async def test_a_drain_closes_waiting_connects_at_once(settings) -> None:
    async with LiveInstance(settings.model_copy(update={"handshakes_per_s": 1})) as instance:
        ada = await instance.register("ada")
        clients = [await WebSocketClient(instance.app.port).handshake("/socket.io/") for _ in range(4)]
        for client in clients:
            await client.receive()
            client.send_text("40/chat," + json.dumps({"token": ada.token}))
        queue = instance.app.sio.connect_handler.queue
        assert queue is not None
        await until(lambda: len(queue) == 3)

        await asyncio.gather(instance.app.drain(), *(client.receive_until_close() for client in clients))

        assert not instance.app.sio.eio.sockets


@SQLITE
async def test_sockets_of_vanished_clients_free_their_slots(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace, "SILENCE_MARGIN_S", 0.1)
    few = {"sockets_per_user": 4, "ping_interval_ms": 300, "ping_timeout_ms": 60_000}
    async with LiveInstance(settings.model_copy(update=few)) as instance, AsyncExitStack() as stack:
        ada = await instance.register("ada")
        ghosts = [
            await WebSocketClient(instance.app.port).handshake("/socket.io/")
            for _ in range(few["sockets_per_user"])
        ]
        for ghost in ghosts:
            ghost.send_text("40/chat," + json.dumps({"token": ada.token}))
        await until(lambda: len(instance.app.chat.connections) == len(ghosts))
        received = [session.received_at for session in instance.app.sio.eio.sockets.values()]
        await until(lambda: min(clock.monotonic() - at for at in received) > 0.4)

        for stock in (Python(["polling"], 1), JavaScript(["websocket"])):
            stack.push_async_callback(stock.close)
            async with asyncio.timeout(PATIENCE_S):
                await stock.connect(instance.url, ada.token)
                await until(partial(_is_ready, stock))
            assert not stock.refusals

        assert len(instance.app.chat.connections) == 2


@SQLITE
async def test_a_client_considered_dead_reconnects(settings) -> None:
    async with (
        LiveInstance(settings.model_copy(update={"sockets_per_user": 1})) as instance,
        Crowd(instance) as crowd,
    ):
        ids = list(instance.app.chat.connections.by_sid)
        for connection in list(instance.app.chat.connections.by_sid.values()):
            connection.client.eio_session.received_at -= 3600
            instance.app.chat._enforce_socket_limit(connection.user.id)

        await crowd.ready(2)

        assert not set(ids) & set(instance.app.chat.connections.by_sid)
