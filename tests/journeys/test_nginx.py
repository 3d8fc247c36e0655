"""Three instances behind nginx with the configuration in nginx/ behave like one server."""

import asyncio
import gzip
import io
import ssl
import subprocess
import time
from contextlib import AsyncExitStack
from ipaddress import ip_address
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from tests.journeys.conftest import UNLIMITED
from tests.journeys.device import register
from tests.journeys.node_client import Node
from tests.support.live_instance import RemoteInstances
from tests.support.nginx import Nginx, upstreams_conf
from tests.support.raw_client import RawClient
from tests.support.server_process import ServerProcess

NAMES = ("chat-1", "chat-2", "chat-3")
LATE_S = 60.0
FEW = 2  # the limit of sockets per IP address, for the test of it

on_postgres = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@pytest.fixture
async def start_nginx(database_url, redis_url, tmp_path):
    """Start three instances and nginx. Stops them, and checks their error logs."""
    async with AsyncExitStack() as stack:
        instances = {}

        async def start(tls=None, **options):
            shared = {
                "database_url": database_url,
                "redis_url": redis_url,
                "redis_prefix": f"t-{uuid4().hex}",
            }
            given = {**shared, "trusted_proxies": "127.0.0.1/32", "default_rooms": "", **UNLIMITED, **options}
            made = {name: ServerProcess(tmp_path, instance_id=name, **given) for name in NAMES}
            await asyncio.gather(*(stack.enter_async_context(each) for each in made.values()))
            instances.update(made)
            return await stack.enter_async_context(Nginx(tmp_path, made, tls)), list(made.values())

        yield start
        assert [each.error_lines() for each in instances.values()] == [[]] * len(instances)


async def forget(database_url, instance):
    """Remove the registration of a killed instance, for which the next start waits 15 s otherwise."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM processes WHERE id = $1", instance.settings["HUBBUB_INSTANCE_ID"])
    await connection.close()


def has_all(device, room_id, bodies):
    """Whether a device has these messages of a room."""
    room = device.mirror.rooms.get(room_id)
    return room is not None and {message["body"] for message in room.messages.values()} >= bodies


async def group(url, devices):
    """Four users in a room, two of them on long-polling."""
    logins = [await register(url, name) for name in ("ada", "bob", "eve", "joe")]
    ways = [("websocket",), ("polling",), ("polling", "websocket"), ("polling",)]
    made = [await devices(url, each, *way) for each, way in zip(logins, ways, strict=True)]
    room_id = await made[0].create(kind="private", member_ids=[each.me for each in made[1:]])
    return made, room_id, logins


class Traffic:
    """All clients send one message after another until the end of the block."""

    def __init__(self, devices, room_id):
        self._devices = devices
        self._room_id = room_id
        self._writing = []
        self.said = {device.name: [] for device in devices}
        self.bodies = set()

    async def __aenter__(self):
        self._over = False
        self._writing = [asyncio.create_task(self._write(device)) for device in self._devices]
        return self

    async def __aexit__(self, *_):
        self._over = True
        await asyncio.wait_for(asyncio.gather(*self._writing), LATE_S)

    async def _write(self, device):
        while not self._over:
            body = f"{device.name} {len(self.said[device.name])}"
            self.said[device.name].append((await device.send(self._room_id, body))["seq"])
            self.bodies.add(body)
            await asyncio.sleep(0.02)

    async def more(self, count=3):
        """Wait until every client has sent again."""
        before = {name: len(said) for name, said in self.said.items()}
        async with asyncio.timeout(LATE_S):
            for name, said in self.said.items():
                while len(said) < before[name] + count:  # noqa: ASYNC110 - the writers have no event for it
                    await asyncio.sleep(0.02)


async def nothing_lost(talk, devices, room_id, notifier):
    """Each acknowledged message is there once, in order, and the same for all clients."""
    await notifier.until(
        lambda: all(
            has_all(each, room_id, talk.bodies) and not each.mirror.rooms_behind() for each in devices
        ),
        "everybody has everything",
        LATE_S,
    )
    log = devices[0].mirror.rooms[room_id].log
    assert all(each.mirror.rooms[room_id].log == log for each in devices)
    stored = [payload["message"]["body"] for event, payload in log if event == "message:new"]
    assert len(stored) == len(set(stored)) == len(talk.bodies)
    assert all(said == sorted(said) for said in talk.said.values())


@on_postgres
async def test_stock_clients_communicate_over_every_transport(start_nginx, notifier, devices):
    front, _ = await start_nginx()
    users, room_id, (ada, *_) = await group(front.url, devices)

    for transports in (["websocket"], ["polling"], ["polling", "websocket"]):
        async with Node() as node:
            await node.connect(
                f"{front.url}/chat", transports=transports, auth={"token": ada["access_token"]}, keep=True
            )
            assert (await node.next(**{"is": "open"}))["transport"] == transports[0]
            if len(transports) > 1:
                assert (await node.next(**{"is": "upgrade"}))["transport"] == "websocket"
            await node.next_event("ready")
            sent = await node.send(room_id, f"by {transports}")
            await notifier.until(
                lambda sent=sent: all(has_all(each, room_id, {sent["body"]}) for each in users), "heard"
            )
            reply = await users[1].send(room_id, f"to {transports}")
            while reply["id"] not in [
                payload["message"]["id"]
                for event, payload in await node.log(room_id)
                if event == "message:new"
            ]:
                await node.next()


async def open_session(http, url):
    """The id of a new session."""
    async with http.get(f"{url}/socket.io/?EIO=4&transport=polling") as answer:
        assert answer.status == 200
        return (await answer.text()).split('"sid":"')[1].split('"')[0]


async def found_from_any_address(front):
    """A session is found on its instance from any IP address. All instances have sessions."""

    def client(address):
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async with client("127.0.0.2") as here, client("127.0.0.3") as elsewhere:
        sids = [await open_session(here, front.url) for _ in range(30)]
        for sid in sids:
            url = f"{front.url}/socket.io/?EIO=4&transport=polling&sid={sid}"
            async with elsewhere.post(url, data=b"40") as answer:
                assert (answer.status, await answer.text()) == (200, "ok")

    assert {sid.split(".")[0] for sid in sids} == set(NAMES)


@on_postgres
async def test_polling_sessions_are_sticky_and_bodies_are_bounded(start_nginx):
    front, _ = await start_nginx()
    await found_from_any_address(front)
    async with RemoteInstances(front.url) as remote_instances:
        ada = await remote_instances.register("ada")
        _, made = await ada.rest("POST", "/rooms", json={"kind": "private", "name": "r"})
        for _ in range(3):
            body = {"client_id": str(uuid4()), "body": "all the same " * 200}
            await ada.rest("POST", f"/rooms/{made['data']['id']}/messages", json=body)
        http, url = remote_instances.http, front.url

        async with http.get(f"{url}/metrics") as answer:
            assert answer.status == 404
        async with http.post(f"{url}/api/v1/rooms", data=io.BytesIO(b"x" * 3_000_000)) as answer:
            assert answer.status == 413
        sid = await open_session(http, url)
        async with http.post(
            f"{url}/socket.io/?EIO=4&transport=polling&sid={sid}", data=io.BytesIO(b"4" * 1_100_000)
        ) as answer:
            assert answer.status == 413
    headers = {"Authorization": f"Bearer {ada.token}", "Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession(auto_decompress=False, headers=headers) as http:
        async with http.get(f"{url}/api/v1/rooms/{made['data']['id']}/messages") as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert b"all the same" in gzip.decompress(await answer.read())
        async with http.get(f"{url}/socket.io/?EIO=4&transport=polling") as answer:
            assert "Content-Encoding" not in answer.headers
        async with http.get(f"{url}/@ada", headers={"Accept": "text/html"}) as answer:
            assert (answer.status, answer.content_type) == (404, "text/html")  # of hubbub: it is not public
        for path in ("/public-pages.css", "/sitemap.xml"):
            async with http.get(f"{url}{path}") as answer:
                assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")


@on_postgres
async def test_the_ip_address_is_that_of_the_client(start_nginx):
    front, _ = await start_nginx(sockets_per_address=FEW)
    login = await register(front.url, "ada")

    async def from_address(stack, address, **headers):
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, headers=headers))
        fan = RawClient(http, front.url, login["access_token"])
        stack.push_async_callback(fan.close)
        await fan.connect()

    async def crowd(stack):
        # Each instance counts for itself: with this many, one of them has had enough.
        for number in range(FEW * len(NAMES) + 1):
            spoofed = str(ip_address("203.0.113.1") + number)
            claims = {"X-Forwarded-For": spoofed, "X-Real-IP": spoofed}
            await from_address(stack, "127.0.0.4", **claims)

    async with AsyncExitStack() as stack:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await crowd(stack)
        for _ in range(FEW):
            await from_address(stack, "127.0.0.5")

    assert refused.value.status == 503


@pytest.mark.slow("10 s: instances are replaced one after the other")
@on_postgres
async def test_a_rolling_restart_loses_nothing(start_nginx, notifier, devices, figures):
    front, instances = await start_nginx(drain_s=5)
    users, room_id, _ = await group(front.url, devices)
    began = time.monotonic()

    async with Traffic(users, room_id) as talk:
        await talk.more()
        for instance in instances:
            assert await instance.stop() == 0
            await talk.more()
            await instance.start()
        await talk.more()

    await nothing_lost(talk, users, room_id, notifier)
    back = sum(each.ready_count - 1 for each in users)
    assert back > 0
    figures(f"{len(talk.bodies)} messages in {time.monotonic() - began:.1f} s, {back} times back")


@pytest.mark.slow("8 s: two instances behind nginx, one killed")
@on_postgres
async def test_a_killed_instance_is_skipped(start_nginx, database_url, notifier, devices, figures):
    front, instances = await start_nginx()
    users, room_id, _ = await group(front.url, devices)

    async with Traffic(users, room_id) as talk:
        await talk.more()
        for instance in instances[:2]:
            await instance.kill()
            killed = time.monotonic()
            await talk.more()
            figures(f"everybody wrote again {time.monotonic() - killed:.1f} s after the kill")
            await forget(database_url, instance)
            await instance.start()

    await nothing_lost(talk, users, room_id, notifier)


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    made, key = tmp_path / "made.pem", tmp_path / "made.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", key, "-out", made, "-days", "2", "-subj", "/CN=hubbub"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return made.read_bytes(), key.read_bytes()


@on_postgres
async def test_tls_is_supported(start_nginx, certificate):
    front, _ = await start_nginx(tls=certificate)
    trust = ssl.create_default_context(cadata=certificate[0].decode())
    given = {
        "name": "Ada",
        "username": "ada",
        "email": "ada@example.com",
        "password": "correct horse battery",
    }

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as http:
        async with http.post(f"{front.url}/api/v1/auth/register", json=given) as answer:
            token = (await answer.json())["data"]["access_token"]
        fan = RawClient(http, front.url, token)
        assert (await fan.connect())["user"]["username"] == "ada"
        await fan.close()
        assert await open_session(http, front.url)
        async with http.get(f"{front.http_url}/x", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (308, "https://127.0.0.1/x")


@pytest.mark.parametrize("place", ["chat-1", "chat-1=", "=h:1", "a b=h:1", "a=h:1;", "a=h", "a=h:"])
def test_a_wrong_list_of_instances_is_refused(place):
    with pytest.raises(subprocess.CalledProcessError):
        upstreams_conf(place)
