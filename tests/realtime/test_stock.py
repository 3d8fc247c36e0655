"""What the stock server gets wrong, and what is no protocol at all."""

import asyncio
import json
from importlib.metadata import version
from uuid import uuid4

import aiohttp
import engineio
import pytest
import socketio

from tests.support.world import World


async def raw(world: World, *packets: str) -> list[str]:
    """Open a WebSocket by hand, send Engine.IO packets; what comes until the server closes it."""
    url = f"{world.url}/socket.io/?EIO=4&transport=websocket"
    async with asyncio.timeout(10), world.http.ws_connect(url) as socket:
        for packet in packets:
            await socket.send_str(packet)
        return [message.data async for message in socket if message.type is aiohttp.WSMsgType.TEXT]


@pytest.mark.parametrize(
    "packet",
    [
        "4",
        "4x",
        "42/chat,{}",
        "42/chat,[]",
        "42/chat,[5]",
        "42/chat,[[",
        "48",
        "44/chat,{}",
        "451-/chat,",
        "42/chat," + "[" * 5000,
    ],
)
async def test_a_malformed_packet_ends_its_connection_and_no_other(world: World, packet: str) -> None:
    bob = await (await world.person("bob")).client()
    ada = await world.person("ada")

    heard = await raw(world, "40/chat," + json.dumps({"token": ada.token}), packet, "4")

    assert heard[0].startswith("0{")
    await bob.settled()
    assert [each.user.username for each in world.app.chat.connections.by_sid.values()] == ["bob"]


async def test_nobody_poses_as_the_server(world: World) -> None:
    ada = await (await world.person("ada")).client()

    for name in ("connect", "disconnect", "message:new", "closing"):
        assert (await ada.ask(name, reason="bye"))["error"]["code"] == "unknown_event"
    await ada.settled()


async def test_an_event_before_connect_reaches_nobody(world: World) -> None:
    ada = await world.person("ada")
    room_id = (await ada.client()).ready["rooms"][0]["id"]
    event = ["message:send", {"room_id": room_id, "client_id": str(uuid4()), "body": "x"}]

    await asyncio.wait_for(raw(world, "42/chat,1" + json.dumps(event), "41/chat,", "4"), 10)

    _, answer = await ada.rest("GET", f"/rooms/{room_id}/messages")
    assert answer["data"] == []


def test_the_libraries_are_the_ones_that_were_read() -> None:
    assert version("python-socketio") == "5.18.1"
    assert version("python-engineio") == "4.15.1"
    for owner, names in (
        (socketio.AsyncServer, ("_handle_eio_message", "_handle_event", "_handle_ack", "_handle_connect")),
        (socketio.AsyncServer, ("_trigger_event", "_engineio_server_class", "_handle_disconnect")),
        (engineio.AsyncServer, ("create_queue",)),
    ):
        assert all(hasattr(owner, name) for name in names), f"{owner} changed: read stock.py again"


async def test_a_polling_client_takes_a_burst(world: World) -> None:
    """Python's client gives up at more than 16 packets an answer; the stock server sends them all."""
    room_id, (ada, _) = await world.talk("ada", "bob")
    phone = await world.people["bob"].client(transports=["polling"])
    await asyncio.gather(*(ada.send(room_id, str(index)) for index in range(29)))

    last = await phone.next("message:new", lambda it: it["seq"] == 31)

    assert last["room_id"] == room_id
    assert [it["seq"] for name, it in phone.heard if name == "message:new"] == list(range(3, 32))
