"""Events that run without a task: the same output, charges, limits and order as by the ordinary path."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from hubbub.core import metrics
from hubbub.core.errors import InvalidPayload
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.engine import ProtocolError
from hubbub.realtime.socketio import packets
from hubbub.realtime.sockets.connections import Connection
from hubbub.schemas.base import EventDecoder
from hubbub.schemas.chat.rooms import Empty, RoomRef
from hubbub.services.context import Context
from tests.support.live_instance import LiveInstance

WAIT_S = 10.0
END = '42/chat,999["room:list",{"limit":1}]'  # its ack is the last frame of a recording


class RawSocket:
    """A WebSocket in /chat with text frames of the test's own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, *frames: str | bytes) -> None:
        for frame in frames:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)

    async def receive_until(self, prefix: str) -> list[str]:
        """The frames up to one with this prefix, or up to the close of the socket."""
        received: list[str] = []
        async with asyncio.timeout(WAIT_S):
            async for message in self._socket:
                if message.data != "2":
                    received.append(message.data)
                if message.data.startswith(prefix):
                    break
        return received


@asynccontextmanager
async def raw_socket(instance: LiveInstance, token: str) -> AsyncIterator[tuple[RawSocket, Connection]]:
    connections = instance.app.chat.connections
    before = set(connections.by_sid)
    async with instance.http.ws_connect(f"{instance.url}/socket.io/?EIO=4&transport=websocket") as socket:
        raw = RawSocket(socket)
        await raw.send(f"40/chat,{json.dumps({'token': token})}")
        await raw.receive_until('42/chat,["ready"')
        (sid,) = set(connections.by_sid) - before
        yield raw, connections.by_sid[sid]


def set_immediate(instance: LiveInstance, *, enabled: bool) -> Callable[[], int]:
    """Let events of the instance run immediately or not. Returns how many did."""
    from hubbub.realtime.chat.events import events as defined

    table, count = instance.app.chat._dispatcher._events._events, 0

    def counting(name: str) -> Callable[[Context, Any], Any]:
        def run(ctx: Context, command: Any) -> Any:
            nonlocal count
            operation = defined.get(name).immediate  # type: ignore[union-attr]
            result = operation(ctx, command)  # type: ignore[misc]
            count += result is not None
            return result

        return run

    for name in ("typing:start", "typing:stop", "presence:set"):
        table[name] = table[name]._replace(immediate=counting(name) if enabled else None)
    return lambda: count


PAYLOADS = [
    '["typing:stop",{"room_id":"ROOM"}]',
    '["typing:start",{"room_id":"ROOM"}]',
    ' [ "typing:stop" , { "room_id" : "ROOM" } ] ',
    '["typing:stop",{"room_id":"ROOM","more":[1,{"a":null}]}]',
    '["typing:stop",{"room_id":"ROOM"},"another argument"]',
    '["typing:stop",{"room_id":"ROOM","room_id":"UNKNOWN"}]',
    '["typing:stop",{"room_id":"UNKNOWN","room_id":"ROOM"}]',
    '["typing:stop",{"room_id":"ROOM","a":"\\ud800"}]',
    '["typing:stop",{"room_id":"ROOM","\\udfff":1}]',
    '["typing:stop",{"room_id":"ROOM","a":"\\u0000"}]',
    '["typing:stop",{"room_id":"ROOM","a":NaN}]',
    '["typing:stop",{"room_id":"ROOM","a":1e999}]',
    '["typing:stop",{"room_id":"ROOM","a":' + "9" * 400 + "}]",
    '["typing:stop",{"room_id":"ROOM","a":' + "[" * 99 + "]" * 99 + "}]",
    '["typing:stop",{"room_id":"ROOM","a":' + "[" * 200 + "]" * 200 + "}]",
    '["typing:stop",{"room_id":"ROOM","a":"' + "x" * 2000 + '"}]',
    '["typing:stop",{"room_id":"ROOM","a":"' + "x" * 140_000 + '"}]',
    '["typing:stop",{"room_id":"UNKNOWN"}]',
    '["typing:start",{"room_id":"PUBLIC"}]',
    '["typing:stop",{"room_id":"\\u0052OOM"}]',
    '["typing:stop",{"room_id":""}]',
    '["typing:stop",{"room_id":5}]',
    '["typing:stop",{"room_id":null}]',
    '["typing:stop",{"room_id":["ROOM"]}]',
    '["typing:stop",{}]',
    '["typing:stop"]',
    '["typing:stop",null]',
    '["typing:stop",[]]',
    '["typing:stop","ROOM"]',
    '["typing:stop",7]',
    '["typing:stop",{"room_id":"ROOM"}',
    '["typing:stop",{"room_id":"ROOM"}]]',
    '["typing:stop",{"room_id":"ROOM",}]',
    '["typing:stop",{"room_id":ROOM}]',
    '["typing:stop",{\'room_id\':"ROOM"}]',
    '["typing:stop" {"room_id":"ROOM"}]',
    '["typing:stop",]',
    '["typing:stop","\\x"]',
    '["typing:STOP",{"room_id":"ROOM"}]',
    '["presence:set",{"status":"away"}]',
    '["presence:set",{"status":"away","more":{}}]',
    '["presence:set",{"status":"online"}]',
    '["presence:set",{"status":"offline"}]',
    '["presence:set",{"status":7}]',
    '["presence:set",{"status":null}]',
    '["presence:set",{}]',
    '["presence:set"]',
    '["\\u0074yping:stop",{"room_id":"ROOM"}]',
]


async def record(instance: LiveInstance, frames: tuple[str | bytes, ...]) -> tuple[Any, ...]:
    """What a socket receives for an event, whether it was charged, and how many of its events wait."""
    async with raw_socket(instance, instance.users["ada"].token) as (socket, connection):
        await socket.send(*frames, END)
        received = await socket.receive_until("43/chat,999")
        charge = connection.event_limiter._full_at > 0
        output = [frame for frame in received if not frame.startswith("43/chat,999")]
        return frames, output, charge, connection.client.backlog.waiting_events


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"limit_handshakes": None})


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_every_payload_has_the_same_output_as_by_the_ordinary_path(instance: LiveInstance) -> None:
    room_id, _ = await instance.room_with_clients("ada", "bob")
    public_id, _ = await instance.room_with_clients("eve", kind="public")
    ids = {"ROOM": room_id, "UNKNOWN": str(uuid4()), "PUBLIC": public_id}
    variants = [
        *PAYLOADS,
        PAYLOADS[0].replace("ROOM", room_id.upper()),
        PAYLOADS[0].replace("ROOM", room_id.replace("-", "")),
    ]
    frames: list[tuple[str | bytes, ...]] = []
    for text in variants:
        payload = re.sub("ROOM|UNKNOWN|PUBLIC", lambda found: ids[found[0]], text)
        frames += [(f"42/chat,7{payload}",), (f"42/chat,{payload}",)]
    frames.append(('451-/chat,7["typing:stop",{"room_id":{"_placeholder":true,"num":0}}]', b"x"))
    frames.append(
        (f'451-/chat,7["typing:stop",{{"room_id":"{room_id}","a":{{"_placeholder":true,"num":0}}}}]', b"x")
    )
    recorded: dict[bool, list[Any]] = {}
    for enabled in (True, False):
        counted = set_immediate(instance, enabled=enabled)
        before = dict(metrics.counters)
        recorded[enabled] = [await record(instance, frame) for frame in frames]
        assert (counted() > 10) is enabled
        changes = {key: count - before.get(key, 0) for key, count in metrics.counters.items()}
        recorded[enabled].append({key: changes[key] for key in changes if "event" in str(key)})

    assert recorded[True] == recorded[False]


def mutated(dice: random.Random) -> str:
    text = '["typing:stop",{"room_id":"0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b","a":[1.5e3,"\\u00e9",null]}]'
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(len(text))
        text = (
            text[:place]
            + dice.choice(
                [
                    "",
                    '"',
                    "\\",
                    "{",
                    "}",
                    "[",
                    "]",
                    ",",
                    ":",
                    "\x00",
                    "\ud800",
                    "é",
                    "e",
                    "0",
                    "-",
                    "tru",
                    " ",
                ]
            )
            + text[place + dice.randrange(3) :]
        )
    return text


def test_what_can_be_decoded_is_json_to_the_ordinary_path() -> None:
    decode, dice, decoded = EventDecoder(RoomRef), random.Random(5), 0
    for _ in range(20_000):
        text = mutated(dice)
        try:
            decode(text)
        except (InvalidPayload, ValueError, RecursionError):
            continue
        decoded += 1
        try:
            packets.ClientEvent(None, "typing:stop", text, 1).check()
        except ProtocolError:
            raise AssertionError(text) from None
    assert decoded > 100


@pytest.fixture
def few_events(settings: Any) -> Any:
    return settings.model_copy(update={"limit_events": Rate(5, 0.001)})


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("enabled", [True, False])
async def test_the_rate_limit_of_events_includes_them(few_events: Any, enabled: bool) -> None:
    async with LiveInstance(few_events) as instance:
        room_id, _ = await instance.room_with_clients("ada", "bob")
        counted = set_immediate(instance, enabled=enabled)
        frames = [f'42/chat,{n}["typing:stop",{{"room_id":"{room_id}"}}]' for n in range(8)]
        async with raw_socket(instance, instance.users["ada"].token) as (socket, _):
            await socket.send(*frames)
            received = await socket.receive_until("43/chat,7[")

        acks = [json.loads(frame.partition("[")[2][:-1]) for frame in received]
        assert [ack["ok"] for ack in acks] == [True] * 5 + [False] * 3
        assert {ack["error"]["code"] for ack in acks[5:]} == {"rate_limited"}
        assert counted() == (5 if enabled else 0)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_acks_of_one_socket_keep_the_order_of_its_events(instance: LiveInstance) -> None:
    room_id, _ = await instance.room_with_clients("ada", "bob")
    dice, others = random.Random(3), []
    for number in range(40):
        kind = dice.choice(["typing:stop", "typing:start", "message:send", "room:list", "room:read"])
        payload: dict[str, Any] = {"room_id": room_id, "seq": 1, "client_id": str(uuid4()), "body": "x"}
        others.append(f"42/chat,{number}{json.dumps([kind, payload if kind != 'room:list' else {}])}")
    async with raw_socket(instance, instance.users["ada"].token) as (socket, _):
        await socket.send(*others)
        received = await socket.receive_until("43/chat,39[")

    acks = [
        int(frame.removeprefix("43/chat,").partition("[")[0])
        for frame in received
        if frame.startswith("43/chat,")
    ]
    assert acks == list(range(40))


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_no_event_runs_beside_another_one_of_its_user(instance: LiveInstance) -> None:
    room_id, _ = await instance.room_with_clients("ada", "bob")
    counted = set_immediate(instance, enabled=True)
    token = instance.users["ada"].token
    async with raw_socket(instance, token) as (first, connection), raw_socket(instance, token) as (other, _):
        async with connection.event_lock:
            await first.send(f'42/chat,1["typing:stop",{{"room_id":"{room_id}"}}]')
            await other.send(f'42/chat,2["typing:stop",{{"room_id":"{room_id}"}}]')
            await instance.clients[1].synchronize()
            assert counted() == 0
        await first.receive_until("43/chat,1")
        await other.receive_until("43/chat,2")
        assert counted() == 0

        await first.send(f'42/chat,3["typing:stop",{{"room_id":"{room_id}"}}]')
        await first.receive_until("43/chat,3")
    assert counted() == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_failing_operation_is_an_internal_error(instance: LiveInstance) -> None:
    room_id, _ = await instance.room_with_clients("ada", "bob")

    def fail(_: Context, __: RoomRef) -> Empty:
        raise RuntimeError("a test's own")

    table = instance.app.chat._dispatcher._events._events
    table["typing:stop"] = table["typing:stop"]._replace(immediate=fail)
    async with raw_socket(instance, instance.users["ada"].token) as (socket, connection):
        await socket.send(f'42/chat,1["typing:stop",{{"room_id":"{room_id}"}}]', END)
        received = await socket.receive_until("43/chat,999")

        assert json.loads(received[0].partition("[")[2][:-1])["error"]["code"] == "internal"
        assert connection.client.backlog.waiting_events == 0
    assert metrics.counters["event_failures"] > 0
