"""Floods of refused CONNECTs from one IP address: clients with valid tokens still connect."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from hubbub.core import metrics
from tests.support.live_instance import LiveInstance
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
HONEST, PER_S, ATTACKERS, SOCKETS = 40, 200, 3, 10


def _token(instance: LiveInstance, *, key: str = "", ttl_s: int = 900, known: bool = False) -> str:
    """A token of a random user, signed with our key unless `key` differs."""
    tokens = instance.app.container.token_issuer
    user_id = UUID(instance.users["eve"].id) if known else uuid4()
    return type(tokens)(key or instance.settings.secret_key, ttl_s, 100).issue_access(user_id, uuid4())[0]


def _connect(**auth: Any) -> str:
    return "40/chat," + json.dumps(auth)


FLOODS: dict[str, Callable[[LiveInstance], str]] = {
    "no token": lambda _: "40/chat,",
    "nonsense": lambda _: _connect(token="x"),
    "another key": lambda instance: _connect(token=_token(instance, key="x" * 40)),
    "expired": lambda instance: _connect(token=_token(instance, ttl_s=-5)),
    "a refresh token": lambda instance: _connect(token=instance.users["eve"].refresh_token),
    "an API key": lambda _: _connect(token="hub_" + "x" * 40),
    "no object": lambda _: "40/chat,[1]",
    "bad cursors": lambda instance: _connect(token=instance.users["eve"].token, cursors={"x": 1}),
    "unknown namespace": lambda _: "40/other,",
    "root namespace": lambda _: "40",
    "a session that never was": lambda instance: _connect(token=_token(instance)),
    "another user's session": lambda instance: _connect(token=_token(instance, known=True)),
    "a user with too many sockets": lambda instance: _connect(token=instance.users["eve"].token),
}
PROVEN = {"a session that never was", "another user's session", "a user with too many sockets"}


async def _attack(http: aiohttp.ClientSession, url: str, packet: str, enough: asyncio.Event) -> None:
    """Send the packet as fast as possible, on successive connections."""
    while not enough.is_set():
        async with http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket") as socket:
            await socket.receive()
            while not enough.is_set():
                await socket.send_str(packet)
                if (await socket.receive()).type is not aiohttp.WSMsgType.TEXT:
                    break


@pytest.mark.parametrize("kind", FLOODS)
async def test_clients_connect_during_a_flood_of_refused_connects(settings, kind: str) -> None:
    few = {"handshakes_per_s": PER_S, "sockets_per_user": SOCKETS, "limit_handshakes": None}
    enough = asyncio.Event()
    async with (
        LiveInstance(settings.model_copy(update=few)) as instance,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as other,
    ):
        users = [await instance.register(name) for name in ("ada", "bob", "cid", "dan")]
        eve = await instance.register("eve")
        if kind == "a user with too many sockets":
            for _ in range(SOCKETS):
                await eve.connect_client()
        fans = [RawClient(other, instance.url, users[number % 4].token) for number in range(HONEST)]
        before = metrics.labelled["connects_refused"].total()
        attacks = [
            asyncio.ensure_future(_attack(instance.http, instance.url, FLOODS[kind](instance), enough))
            for _ in range(ATTACKERS)
        ]
        async with asyncio.timeout(20):
            while metrics.labelled["connects_refused"].total() < before + 10:  # noqa: ASYNC110 - no signal
                await asyncio.sleep(0.01)

        closed = await asyncio.gather(*(fan.connect_with_retries() for fan in fans))

        enough.set()
        await asyncio.wait(attacks)
        for fan in fans:
            await fan.close()
    assert closed == [0] * HONEST, "none had to connect again"


@pytest.mark.parametrize("kind", sorted(FLOODS.keys() - PROVEN))
async def test_unauthenticated_connects_use_no_shared_resource(settings, kind: str) -> None:
    async with LiveInstance(settings.model_copy(update={"handshakes_per_s": 10})) as instance:
        await instance.register("eve")
        queue = instance.app.sio.connect_handler.queue
        assert queue is not None
        full_at, statements = queue._limiter._full_at, metrics.counters["database_statements"]

        async with instance.http.ws_connect(f"{instance.url}/socket.io/?EIO=4&transport=websocket") as socket:
            for _ in range(5):
                await socket.send_str(FLOODS[kind](instance))
            received = [message.data async for message in socket]

        assert sum(text.startswith("44") for text in received) == 5
        assert socket.close_code == 1008
        assert queue._limiter._full_at == full_at
        assert metrics.counters["database_statements"] - statements < 5, "the look once a second asks, too"
        assert metrics.gauges["connects_waiting"]() == 0
