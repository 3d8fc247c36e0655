"""An instance drains: readiness first, its clients in waves, nothing lost, exit 0 in time (G9)."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack, suppress
from uuid import uuid4

import aiohttp
import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import RemoteInstances
from tests.support.raw_client import RawClient
from tests.support.server_process import ServerProcess
from tests.support.tcp_proxy import TcpProxy

CROWD = 60
PASSWORD = "correct horse battery"


@pytest.fixture
async def server_process(database_url, tmp_path):
    """An instance that takes its time over passwords."""
    options = {"bcrypt_rounds": 12, "sockets_per_user": 100, "drain_s": 20, "default_rooms": "", **UNLIMITED}
    async with ServerProcess(tmp_path, database_url=database_url, **options) as process:
        yield process


@pytest.fixture
async def remote_instances(server_process):
    """The users of the instance, over the network."""
    async with RemoteInstances(server_process.url) as made:
        yield made


class Probe:
    """What a load balancer sees."""

    def __init__(self, http, url):
        self._http = http
        self._url = url
        self.answers = []

    async def run(self):
        with suppress(aiohttp.ClientError, OSError):
            while True:
                async with self._http.get(f"{self._url}/health/ready") as answer:
                    self.answers.append((answer.status, (await answer.json())["checks"]["draining"]))
                await asyncio.sleep(0.01)


async def closings(fans):
    """Return when each client received `closing`."""

    async def one(fan):
        await fan.wait_for_count("closing", 1)
        return time.monotonic()

    return await asyncio.gather(*(one(fan) for fan in fans))


async def test_every_client_is_closed_and_acknowledged_messages_are_stored(
    remote_instances, server_process, figures
):
    user = await remote_instances.register("ada")
    ada = await user.connect_client()
    room_id = (await ada.call("room:create", kind="private"))["room"]["id"]
    acked, probe = [], Probe(remote_instances.http, remote_instances.url)

    async def send():
        while True:
            answer = await ada.call_for_ack("message:send", room_id=room_id, client_id=str(uuid4()), body="x")
            acked.append(answer["data"]["message"]["seq"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        fans = [RawClient(http, remote_instances.url, user.token) for _ in range(CROWD)]
        await asyncio.gather(*(fan.connect() for fan in fans))
        probing = asyncio.ensure_future(probe.run())
        sending = [asyncio.ensure_future(send()) for _ in range(3)]
        await fans[0].wait_for_count("message:new", 5)
        login = asyncio.ensure_future(
            remote_instances.rest(
                "POST", "/auth/login", json={"email": "ada@example.com", "password": PASSWORD}
            )
        )
        await asyncio.sleep(0.3)  # it is running, or done
        began = time.monotonic()

        server_process.signal(signal.SIGTERM)
        times = await closings(fans)
        code = await server_process.wait()

        seconds = time.monotonic() - began
        assert (await login)[0] == 200
        waits_ms = [dict(fan.events)["server:draining"]["reconnect_in_ms"] for fan in fans]
        said = [dict(fan.events)["closing"] for fan in fans]
    for task in (*sending, probing):
        task.cancel()
    assert code == 0
    assert seconds < 20
    assert {each["code"] for each in said} == {"draining"}
    assert [each["retry_after_ms"] for each in said] == waits_ms
    assert len(set(waits_ms)) > CROWD / 2, "spread out"
    assert max(times) - min(times) > 0.1, "in waves"
    assert probe.answers == sorted(probe.answers), "never ready again"
    figures(
        f"{CROWD + 1} sockets gone and the process ended after {seconds:.1f} s; {len(acked)} messages acked"
    )

    await server_process.start()
    _, page = await user.rest("GET", f"/rooms/{room_id}/messages?limit=100")
    stored = {message["seq"] for message in page["data"]}
    assert {seq for seq in acked if seq >= min(stored)} <= stored
    assert server_process.error_lines() == []


@pytest.fixture
async def hanging_instance(database_url, tmp_path):
    """Run an instance whose database hangs, during a send."""
    async with AsyncExitStack() as stack:

        async def make(**more):
            proxy = await stack.enter_async_context(TcpProxy(database_url))
            options = {"database_url": proxy.url, "default_rooms": "", **UNLIMITED, **more}
            server_process = await stack.enter_async_context(ServerProcess(tmp_path, **options))
            remote_instances = await stack.enter_async_context(RemoteInstances(server_process.url))
            ada = await (await remote_instances.register("ada")).connect_client()
            room_id = (await ada.call("room:create", kind="private"))["room"]["id"]
            proxy.freeze()
            await ada.sio.emit(
                "message:send",
                {"room_id": room_id, "client_id": str(uuid4()), "body": "x"},
                namespace="/chat",
            )
            await asyncio.wait_for(proxy.data_blocked.wait(), 10)
            return server_process, ada

        yield make


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_a_hanging_database_delays_the_drain_within_bounds(hanging_instance):
    server_process, _ = await hanging_instance(drain_s=3)
    began = time.monotonic()

    code = await server_process.stop()

    assert code == 0
    assert time.monotonic() - began < 10
    assert server_process.error_lines() == []


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_a_second_signal_stops_at_once(hanging_instance):
    server_process, ada = await hanging_instance(drain_s=30)
    server_process.signal(signal.SIGTERM)
    await ada.next_event("server:draining")

    server_process.signal(signal.SIGINT)

    assert await server_process.wait() == 1
