"""Node's stock client and Python's exchange messages over every transport."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import aiohttp
import pytest

from hubbub.core.auth_tokens import TokenIssuer
from hubbub.schemas.sync.connection import CloseCode
from tests.journeys.device import ChangeNotifier, Device, register
from tests.journeys.node_client import Node
from tests.support.client_model import Json

TRANSPORTS = {"websocket": ["websocket"], "polling": ["polling"], "default": ["polling", "websocket"]}
pytestmark = pytest.mark.parametrize(
    ("database_kind", "transports"),
    [*(("sqlite", name) for name in TRANSPORTS), ("postgres", "default")],
    indirect=True,
)
TEXTS = (
    "plain",
    "żółw 乌龟 🐢",
    '👩‍👩‍👧‍👦 <b>&amp;</b> "quoted" \\ \n second line',
    "\u202eright to left\u202c العربية",
    "𝒳" * 2000,
)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """A Node process, not connected yet."""
    async with Node() as made:
        yield made


@pytest.fixture
def transports(request: pytest.FixtureRequest) -> list[str]:
    """The transports of the Node client."""
    return TRANSPORTS[request.param]


async def everywhere(
    notifier: ChangeNotifier, node: Node, devices: list[Device], room_id: str, count: int
) -> None:
    """Wait until all have `count` messages of a room."""

    def has_all(device: Device) -> bool:
        room = device.mirror.rooms.get(room_id)
        return room is not None and len(room.messages) == count

    await notifier.until(lambda: all(has_all(device) for device in devices), f"{count} messages")
    while sum(event == "message:new" for event, _ in await node.log(room_id)) < count:
        await node.next()


async def logout(url: str, login: Json) -> None:
    headers = {"Authorization": f"Bearer {login['access_token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{url}/api/v1/auth/logout") as answer,
    ):
        assert answer.status < 300


async def test_node_and_python_clients_exchange_messages(
    instance, notifier, devices, node, transports
) -> None:
    ada, bob, eve = [await register(instance.url, name) for name in ("ada", "bob", "eve")]
    python = [await devices(instance.url, bob), await devices(instance.url, eve, "polling")]
    room_id = await python[0].create(
        kind="private", member_ids=[each["user"]["id"] for each in (ada, eve)], name="für 🐝"
    )
    await node.connect(
        f"{instance.url}/chat", transports=transports, auth={"token": ada["access_token"]}, keep=True
    )

    assert (await node.next(**{"is": "open"}))["transport"] == transports[0]
    if len(transports) > 1:
        assert (await node.seen(**{"is": "upgrade"}))["transport"] == transports[1]
    ready = await node.next_event("ready")
    assert ready["user"]["id"] == ada["user"]["id"]
    assert [room["name"] for room in ready["rooms"]] == ["für 🐝"]
    await node.next(**{"is": "synced"})

    sent = []
    for text in TEXTS:
        sent += [await node.send(room_id, text), *[await device.send(room_id, text) for device in python]]
    sent += await asyncio.gather(
        *(who.send(room_id, f"{turn} at once") for turn in range(5) for who in (node, *python))
    )
    await everywhere(notifier, node, python, room_id, len(sent))

    assert [message["body"] for message in sent[:15:3]] == list(TEXTS)
    assert sorted(message["seq"] for message in sent) == list(range(4, 4 + len(sent)))
    log = await node.log(room_id)
    assert [payload["message"] for event, payload in log if event == "message:new"] == sorted(
        sent, key=lambda message: int(message["seq"])
    )
    for device in python:
        assert device.mirror.rooms[room_id].log == log


async def test_the_token_is_accepted_in_every_position(instance, node, transports) -> None:
    ada = await register(instance.url, "ada")
    token = ada["access_token"]

    for place in ({"extraHeaders": {"Authorization": f"Bearer {token}"}}, {"query": {"token": token}}):
        await node.connect(f"{instance.url}/chat", transports=transports, **place)
        assert (await node.next_event("ready"))["user"]["username"] == "ada"


async def test_refusals_reach_the_node_client(instance, node, transports) -> None:
    ada = await register(instance.url, "ada")
    claims = instance.app.container.token_issuer.verify_access(ada["access_token"])
    over = TokenIssuer(instance.settings.secret_key, -5, 100)
    expired, _ = over.issue_access(UUID(ada["user"]["id"]), claims.session_id)

    await node.connect(f"{instance.url}/gossip", transports=transports, auth={"token": ada["access_token"]})
    refused = await node.next(**{"is": "connect_error"})
    assert (refused["message"], refused["active"]) == ("Invalid namespace", False)

    for token, code in (("x.y.z", "unauthenticated"), (None, "unauthenticated"), (expired, "token_expired")):
        await node.connect(f"{instance.url}/chat", transports=transports, auth={"token": token})
        refused = await node.next(**{"is": "connect_error"})
        assert refused["data"]["code"] == code
        assert refused["message"] == refused["data"]["message"]
        assert refused["active"] is False  # it does not try again by itself

    await node.connect(f"{instance.url}/chat", transports=transports, auth={"token": ada["access_token"]})
    await node.next_event("ready")
    assert (await node.ask("nonsense"))["error"]["code"] == "unknown_event"
    assert (await node.ask("room:create", kind="odd"))["error"]["fields"][0]["field"] == "kind"
    assert (await node.ask("room:list"))["ok"] is True


async def test_the_client_stays_disconnected_after_a_logout(instance, node, transports) -> None:
    ada = await register(instance.url, "ada")
    await node.connect(f"{instance.url}/chat", transports=transports, auth={"token": ada["access_token"]})
    await node.next_event("ready")

    await logout(instance.url, ada)

    assert (await node.next_event("auth:revoked"))["reason"] == "logged_out"
    assert (await node.next_event("closing"))["code"] == "session_revoked"
    gone = await node.next(**{"is": "disconnect"})
    assert (gone["reason"], gone["active"]) == ("io server disconnect", False)


async def test_a_drained_client_reconnects(instance, notifier, devices, node, transports) -> None:
    """Python's stock client stays disconnected after a close packet. Node's never does."""
    ada, bob = [await register(instance.url, name) for name in ("ada", "bob")]
    python = await devices(instance.url, bob, *transports)
    await node.connect(f"{instance.url}/chat", transports=transports, auth={"token": ada["access_token"]})
    await node.next_event("ready")
    if len(transports) > 1:
        await node.seen(**{"is": "upgrade"})

    for connection in list(instance.app.chat.connections.by_sid.values()):
        connection.close(CloseCode.DRAINING, "This instance is going down.", 0)

    assert (await node.next_event("closing"))["code"] == "draining"
    gone = await node.next(**{"is": "disconnect"})
    assert gone["reason"] in {"transport close", "transport error"}
    await node.next_event("ready")
    await notifier.until(lambda: python.ready_count > 1, "back")


async def test_the_client_reconnects_and_misses_nothing(
    server_process, notifier, devices, node, transports
) -> None:
    ada, bob = [await register(server_process.url, name) for name in ("ada", "bob")]
    python = await devices(server_process.url, bob)
    room_id = await python.create(kind="private", member_ids=[ada["user"]["id"]])
    await node.connect(
        f"{server_process.url}/chat", transports=transports, auth={"token": ada["access_token"]}, keep=True
    )
    first = await node.next_event("ready")
    await node.next(**{"is": "synced"})
    before = [await node.send(room_id, "before"), await python.send(room_id, "before, too")]
    await everywhere(notifier, node, [python], room_id, len(before))

    await server_process.kill()
    gone = await node.next(**{"is": "disconnect"})
    assert gone["reason"] in ("transport close", "transport error")
    assert gone["active"] is True
    await notifier.until(lambda: not python.up.is_set(), "Python's client notices")
    await server_process.start()
    # The first client to reconnect writes at once. The other one receives it by `sync`.
    missed = [await python.send(room_id, f"while you were away {index}") for index in range(3)]
    again = await node.next_event("ready")
    after = await node.send(room_id, "I am back")
    await everywhere(notifier, node, [python], room_id, 6)

    assert again["epoch"] == first["epoch"]
    assert [payload["message"] for event, payload in await node.log(room_id) if event == "message:new"] == [
        *before,
        *missed,
        after,
    ]
    assert await node.log(room_id) == python.mirror.rooms[room_id].log


async def test_a_short_disconnection_reports_only_changed_rooms(
    instance, notifier, devices, node, transports
) -> None:
    ada, bob = [await register(instance.url, name) for name in ("ada", "bob")]
    python = await devices(instance.url, bob)
    quiet, busy = [
        await python.create(kind="private", member_ids=[ada["user"]["id"]], name=name)
        for name in ("quiet", "busy")
    ]
    await node.connect(
        f"{instance.url}/chat", transports=transports, auth={"token": ada["access_token"]}, keep=True
    )
    assert {room["id"] for room in (await node.next_event("ready"))["rooms"]} == {quiet, busy}
    await node.next(**{"is": "synced"})

    await node.leave()
    await node.next(**{"is": "disconnect"})
    sent = await python.send(busy, "one more")
    await node.back()

    assert [room["id"] for room in (await node.next_event("ready"))["rooms"]] == [busy]
    await node.next(**{"is": "synced"})
    assert (await node.log(busy))[-1] == (
        "message:new",
        python.mirror.rooms[busy].log[-1][1],
    )
    assert (await node.log(busy))[-1][1]["message"] == sent
