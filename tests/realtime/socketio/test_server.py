"""Errors of the stock server that are corrected, and input that is not the protocol."""

import asyncio
import json
from importlib.metadata import version
from uuid import uuid4

import aiohttp
import engineio
import pytest
import socketio
from aiohttp._websocket.helpers import websocket_mask
from aiohttp.web_protocol import RequestHandler

from hubbub.realtime.socketio.manager import MAX_CALLBACKS
from tests.realtime.conftest import WebSocketClient
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until


async def raw(instance: LiveInstance, *packets: str) -> list[str]:
    """Open a WebSocket by hand and send Engine.IO packets. Returns all input until the server closes it."""
    url = f"{instance.url}/socket.io/?EIO=4&transport=websocket"
    async with asyncio.timeout(10), instance.http.ws_connect(url) as socket:
        for packet in packets:
            await socket.send_str(packet)
        return [message.data async for message in socket if message.type is aiohttp.WSMsgType.TEXT]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
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
async def test_a_malformed_packet_ends_only_its_own_connection(instance: LiveInstance, packet: str) -> None:
    bob = await (await instance.register("bob")).connect_client()
    ada = await instance.register("ada")

    received = await raw(instance, "40/chat," + json.dumps({"token": ada.token}), packet, "4")

    assert received[0].startswith("0{")
    await bob.synchronize()
    assert [each.user.username for each in instance.app.chat.connections.by_sid.values()] == ["bob"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_a_client_cannot_impersonate_the_server(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    for name in ("connect", "disconnect", "message:new", "closing"):
        assert (await ada.call_for_ack(name, reason="bye"))["error"]["code"] == "unknown_event"
    await ada.synchronize()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_event_before_connect_reaches_no_handler(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    room_id = (await ada.connect_client()).ready["rooms"][0]["id"]
    event = ["message:send", {"room_id": room_id, "client_id": str(uuid4()), "body": "x"}]

    await asyncio.wait_for(raw(instance, "42/chat,1" + json.dumps(event), "41/chat,", "4"), 10)

    _, answer = await ada.rest("GET", f"/rooms/{room_id}/messages")
    assert answer["data"] == []


def test_the_libraries_have_the_reviewed_versions() -> None:
    """A new version of one is read again before this list, and the pins, follow it."""
    assert version("python-socketio") == "5.18.1"
    assert version("python-engineio") == "4.15.1"
    assert version("aiohttp") == "3.14.5"
    for owner, names in (
        (socketio.AsyncServer, ("_engineio_server_class", "_send_packet", "call", "disconnect")),
        (socketio.AsyncServer, ("_trigger_event", "_get_event_handler", "_get_namespace_handler")),
        (socketio.AsyncManager, ("emit", "trigger_callback", "get_participants", "is_connected")),
        (socketio.AsyncManager, ("basic_enter_room", "basic_leave_room", "basic_close_room", "get_rooms")),
        (engineio.AsyncServer, ("_cors_allowed_origins", "_cors_headers", "generate_id", "attach")),
        (RequestHandler, ("_message_tail", "_request_count", "_waiter", "force_close", "handle_error")),
        (RequestHandler, ("pause_writing", "resume_writing", "connection_lost", "data_received", "start")),
    ):
        assert all(hasattr(owner, name) for name in names), f"{owner} changed: read what overrides it again"


def test_websocket_masking_is_undone_in_c() -> None:
    """In Python it takes a hundred times as long for a large message."""
    data = bytearray(b"masked" * 100)
    websocket_mask(b"\x01\x02\x03\x04", data)

    assert data[:6] == b"lcpodf"
    assert websocket_mask.__module__ == "aiohttp._websocket.mask"


async def test_a_websocket_leaves_nothing_of_its_request_behind(server) -> None:
    """aiohttp's protocol gets `connection_lost` and is released without being closed."""
    runner = server.runner
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()

    await until(lambda: not runner.server.connections)
    assert not [each for each in asyncio.all_tasks() if "RequestHandler" in repr(each)]
    client.send_text("40")
    assert (await client.receive()).startswith('40{"sid"')


async def test_frames_after_the_handshake_are_not_lost(server) -> None:
    wire = WebSocketClient(server.port)
    await wire.connect()
    wire.send(
        b"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        + WebSocketClient.frame(b"4one") + WebSocketClient.frame(b"4two")[:3]
    )  # fmt: skip
    await wire.reader.readuntil(b"\r\n\r\n")
    assert (await wire.receive()).startswith("0{")

    assert await wire.receive() == "4one"


async def test_an_unacknowledged_call_leaves_nothing_behind(server) -> None:
    """The stock server keeps its callback until the client disconnects."""
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    client.send_text("40")
    await until(lambda: len(server.sio.manager._by_sid) == 1)
    (link,) = server.sio.manager._by_sid.values()
    await until(lambda: link.pending_events is None)

    with pytest.raises(socketio.exceptions.TimeoutError):
        await server.sio.call("ask", to=link.sid, timeout=0.05)
    assert not link.callbacks
    for _ in range(MAX_CALLBACKS + 10):
        await server.sio.emit("ask", to=link.sid, callback=print)
    assert len(link.callbacks) == MAX_CALLBACKS


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_a_polling_client_receives_a_burst(instance: LiveInstance) -> None:
    """Python's client fails at more than 16 packets in a response. The stock server sends them all."""
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    phone = await instance.users["bob"].connect_client(transports=["polling"])
    await asyncio.gather(*(ada.send(room_id, str(index)) for index in range(29)))

    last = await phone.next_event("message:new", lambda it: it["seq"] == 31)

    assert last["room_id"] == room_id
    assert [it["seq"] for name, it in phone.events if name == "message:new"] == list(range(3, 32))
