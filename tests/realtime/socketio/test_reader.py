"""Packets are limited by kind, and the sender receives the reason of a refusal."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import socketio

from hubbub.realtime.socketio.packets import MAX_CONNECT_BYTES
from tests.realtime.conftest import OPEN_WRITERS, PollingClient, StartServer, WebSocketClient
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

MOST = 2000  # bytes of an event


@pytest.fixture
async def limited_instance(settings: Any) -> AsyncIterator[LiveInstance]:
    """An instance with small events and no limits of rate."""
    lifted = {"max_event_bytes": MOST, "limit_events": None, "limit_message_send": None}
    async with LiveInstance(settings.model_copy(update=lifted)) as made:
        yield made
        while OPEN_WRITERS:
            OPEN_WRITERS.pop().close()


async def connected(instance: LiveInstance, user: ApiUser) -> WebSocketClient:
    """A raw WebSocket in /chat."""
    client = await WebSocketClient(instance.app.port).handshake("/socket.io/")
    client.send_text("40/chat," + json.dumps({"token": user.token}))
    while "ready" not in await client.receive():
        pass
    return client


async def ended(client: WebSocketClient) -> tuple[list[str], int]:
    """Return the packets until the close frame, without presence, and its code."""
    received: list[str] = []
    while True:
        try:
            received.append(await client.receive())
        except EOFError as end:
            return [each for each in received if "presence" not in each], end.args[0]


async def ack(client: WebSocketClient, ack_id: int) -> Any:
    """The ack of an event."""
    while True:
        received = await client.receive()
        if received.startswith(f"43/chat,{ack_id}["):
            return json.loads(received[received.index("[") :])[0]


# --- a packet that can't be: `closing`, then 1002 ---

MALFORMED = {
    "no Engine.IO type": "9",
    "an Engine.IO open packet": "0{}",
    "no Socket.IO type": "4x",
    "no JSON": '42/chat,["a"',
    "no JSON, of an event that exists": '42/chat,["message:send",{"a":tru}]',
    "no JSON behind what is refused": '42/chat,["message:send",{"room_id":1},tru]',
    "no JSON in an unknown field": '42/chat,["message:send",{"x":[1,]}]',
    "no array": "42/chat,{}",
    "no name": "42/chat,[5]",
    "too deep": '42/chat,["a",' + "[" * 101 + "]" * 101 + "]",
    "too deep, in an event that exists": '42/chat,["room:list",{"x":' + "[" * 101 + "]" * 101 + "}]",
    "an ack without an id": '43/chat,["a"]',
    "an ack that is no array": "43/chat,1{}",
    "an ack that is too large": f'43/chat,1["{"x" * MOST}"]',
    "a second CONNECT": "40/chat,{}",
    "a CONNECT that is too large": '40/other,{"x":"' + "x" * MAX_CONNECT_BYTES + '"}',
    "an event of no namespace": '42/other,["a"]',
    "a namespace that is too long": "40/" + "x" * 300 + ",",
    "a CONNECT_ERROR": "44/chat,{}",
    "a DISCONNECT with data": "41/chat,{}",
    "attachments of no binary packet": '421-/chat,["a"]',
    "too many attachments": '4511-/chat,["a"]',
}


@pytest.mark.parametrize("packet", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_packet_is_reported_and_ends_the_connection_with_1002(
    limited_instance: LiveInstance, packet: str
) -> None:
    client = await connected(limited_instance, await limited_instance.register("ada"))
    client.send_text(packet)

    (closing,), code = await ended(client)

    assert closing.startswith('42/chat,["closing",{"code":"protocol_error"')
    assert code == 1002
    await until(lambda: not limited_instance.app.sio.eio.sockets)


@pytest.mark.parametrize("frame", [b"\xf1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x81\x01x"])
async def test_a_malformed_frame_is_reported_and_ends_the_connection_with_1002(
    limited_instance: LiveInstance, frame: bytes
) -> None:
    client = await connected(limited_instance, await limited_instance.register("ada"))
    client.send(frame)

    (closing,), code = await ended(client)

    assert closing.startswith('42/chat,["closing",{"code":"protocol_error"')
    assert code == 1002


@pytest.mark.parametrize(
    "packet", [MALFORMED[name] for name in ("no Engine.IO type", "no Socket.IO type", "no JSON", "too deep")]
)
async def test_a_malformed_packet_by_long_polling_is_reported_and_ends_the_session(
    limited_instance: LiveInstance, packet: str
) -> None:
    ada = await limited_instance.register("ada")
    client = await PollingClient(limited_instance.app.port, "/socket.io/").handshake()
    await client.post_packets("40/chat," + json.dumps({"token": ada.token}))
    while not any("ready" in each for each in await client.receive_packets(1)):
        pass

    status, _ = await client.post_packets(packet)
    _, _, body = await client.request("GET")

    assert status == 400
    assert '["closing",{"code":"protocol_error"' in body.decode()
    assert (await client.request("GET"))[0] == 400


@pytest.mark.parametrize(
    "packet",
    ['42/chat,["a"]', "4x", '40/chat,{"x":"' + "x" * MAX_CONNECT_BYTES + '"}', "43/chat,1[]", "9"],
)
async def test_without_an_open_namespace_the_connection_ends_with_1002(
    limited_instance: LiveInstance, packet: str
) -> None:
    client = await WebSocketClient(limited_instance.app.port).handshake("/socket.io/")
    await client.receive()
    client.send_text(packet)

    assert await ended(client) == ([], 1002)


# --- an event that is too large: acknowledged by its header ---


@pytest.mark.parametrize(
    ("name", "displayed", "rest"),
    [
        ("message:send", "message:send", "[" * MOST),
        ("what", "what", '"' + "\\" * MOST),
        ("q\\u0065", "", "é" * MOST),
        ("x" * 200, "", "{}" * MOST),
    ],
)
async def test_an_event_over_the_size_limit_is_acknowledged_without_decoding(
    limited_instance: LiveInstance, name: str, displayed: str, rest: str
) -> None:
    client = await connected(limited_instance, await limited_instance.register("ada"))
    client.send_text(f'42/chat,7["{name}",{rest}')
    client.send_text(f'42/chat,["{name}",{rest}')
    client.send_text('42/chat,8["room:list",{}]')

    assert (await ack(client, 7))["error"]["code"] == "too_large"
    event = json.loads((await client.receive()).removeprefix("42/chat,"))
    assert (event[0], event[1]["event"], event[1]["error"]["code"]) == ("error", displayed, "too_large")
    assert (await ack(client, 8))["ok"]


async def test_an_event_of_exactly_the_size_limit_is_accepted(limited_instance: LiveInstance) -> None:
    client = await connected(limited_instance, await limited_instance.register("ada"))
    head, tail = '2/chat,1["room:list",{"x":"', '"}]'
    client.send_text("4" + head + "é" * ((MOST - len(head + tail)) // 2) + tail)

    assert (await ack(client, 1))["ok"]


# --- binary events ---


@pytest.mark.parametrize(
    ("payload", "attachments", "code"),
    [
        ('{"x":{"_placeholder":true,"num":0}}', [b"\0\1"], None),
        ('{"limit":{"_placeholder":true,"num":0}}', [b"\0\1"], "invalid_payload"),
        ('{"_placeholder":true,"num":0}', [b"\0\1"], "invalid_payload"),
        ('{"x":{"_placeholder":true,"num":1},"y":{"_placeholder":true,"num":0}}', [b"a", b"b"], None),
        ('{"cursor":{"_placeholder":true,"num":0}}', [b"abc"], "invalid_payload"),
        ('{"x":{"_placeholder":true,"num":0}}', [b"x" * MOST], "too_large"),
        ('{"x":{"_placeholder":true,"num":1}}', [b"x" * MOST, b"y" * MOST], "too_large"),
    ],
)
async def test_a_binary_event_is_acknowledged_like_any_other(
    limited_instance: LiveInstance, payload: str, attachments: list[bytes], code: str | None
) -> None:
    client = await connected(limited_instance, await limited_instance.register("ada"))
    client.send_text(f'45{len(attachments)}-/chat,1["room:list",{payload}]')
    for part in attachments:
        client.send(client.frame(part, 0x82))

    answer = await ack(client, 1)

    assert answer.get("error", {}).get("code") == code


@pytest.mark.parametrize("code", ["\\ud800", "\\udfff\\ud800", "\\uD83D x"])
@pytest.mark.parametrize("where", ["body", "x", "key"])
async def test_an_unpaired_surrogate_is_refused_with_an_error(
    limited_instance: LiveInstance, code: str, where: str
) -> None:
    room_id, _ = await limited_instance.room_with_clients("ada", "bob")
    client = await connected(limited_instance, limited_instance.users["ada"])
    ids = f'"room_id":"{room_id}","client_id":"{uuid4()}"'
    fields = {"body": f'"body":"{code}"', "x": f'"body":"a","x":"{code}"', "key": f'"body":"a","{code}":1'}
    client.send_text(f'42/chat,1["message:send",{{{ids},{fields[where]}}}]')

    answer = await ack(client, 1)

    assert answer["ok"] if where == "x" else answer["error"]["code"] == "invalid_payload"


async def test_a_number_out_of_range_is_refused_with_an_error(limited_instance: LiveInstance) -> None:
    room_id, _ = await limited_instance.room_with_clients("ada", "bob")
    client = await connected(limited_instance, limited_instance.users["ada"])
    for number in ("1e400", "-1e400", "9" * 30, "9" * 1500, "1.0", "1e3"):
        ids = f'"room_id":"{room_id}","client_id":"{uuid4()}"'
        client.send_text(f'42/chat,1["message:history",{{"room_id":"{room_id}","limit":{number}}}]')
        client.send_text(f'42/chat,2["message:send",{{{ids},"body":{number}}}]')
        client.send_text(f'42/chat,3["message:send",{{{ids},"body":"a","x":{number}}}]')
        client.send_text(f'42/chat,4["presence:set",{{"status":{number}}}]')

        answers = [await ack(client, ack_id) for ack_id in (1, 2, 3, 4)]

        codes = [each.get("error", {}).get("code") for each in answers]
        assert codes == ["invalid_payload", "invalid_payload", None, "invalid_payload"], number


async def test_an_id_is_not_accepted_as_an_attachment(limited_instance: LiveInstance) -> None:
    room_id, _ = await limited_instance.room_with_clients("ada", "bob")
    client = await connected(limited_instance, limited_instance.users["ada"])
    client.send_text('451-/chat,1["typing:start",{"room_id":{"_placeholder":true,"num":0}}]')
    client.send(client.frame(UUID(room_id).bytes, 0x82))

    assert (await ack(client, 1))["error"]["fields"][0]["field"] == "room_id"


async def test_the_end_of_a_session_closes_a_client_that_ignores_it(limited_instance: LiveInstance) -> None:
    ada = await limited_instance.register("ada")
    client = await connected(limited_instance, ada)
    await ada.rest("POST", "/auth/logout", json={"refresh_token": ada.refresh_token})

    async with asyncio.timeout(1.5):  # a second, and the time of a busy machine
        received, code = await ended(client)

    assert received[-1] == "41/chat,"
    assert code == 1000


# --- clients of other versions ---


def packed(namespace: str) -> bytes:
    """The CONNECT of a client with the msgpack parser."""
    return msgspec.msgpack.encode({"type": 0, "data": {"token": "x"}, "nsp": namespace})


async def test_a_client_with_the_msgpack_parser_can_read_the_refusal(
    limited_instance: LiveInstance,
) -> None:
    client = await WebSocketClient(limited_instance.app.port).handshake("/socket.io/")
    await client.receive()
    client.send(client.frame(packed("/chat"), 0x82))

    (answer,), code = await ended_binary(client)

    assert (answer["type"], answer["nsp"]) == (4, "/chat")
    assert "msgpack" in answer["data"]["message"]
    assert code == 1002


async def ended_binary(client: WebSocketClient) -> tuple[list[Any], int]:
    received = []
    while True:
        try:
            received.append(msgspec.msgpack.decode(await client.receive()))
        except EOFError as end:
            return received, end.args[0]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_the_python_client_with_msgpack_receives_the_reason(
    limited_instance: LiveInstance, transport: str
) -> None:
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    client = socketio.AsyncClient(reconnection=False, serializer="msgpack")
    client.on("connect_error", told.set_result, namespace="/chat")

    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            limited_instance.url,
            namespaces=["/chat"],
            auth={"token": "x"},
            transports=[transport],
            wait_timeout=5,
        )

    assert "msgpack" in str(await asyncio.wait_for(told, 5))
    await client.disconnect()


@pytest.mark.parametrize("part", [b"", b"\xc1", packed("/" + "x" * 300), b"\x93\1\2\3", packed("/") * 9000])
async def test_other_binary_before_a_connect_ends_the_connection(
    limited_instance: LiveInstance, part: bytes
) -> None:
    client = await WebSocketClient(limited_instance.app.port).handshake("/socket.io/")
    await client.receive()
    client.send(client.frame(part, 0x82))

    assert (await ended(client))[1] in {1002, 1008}


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_engine_io_3_is_refused_with_a_message(limited_instance: LiveInstance, transport: str) -> None:
    async with limited_instance.http.get(
        f"{limited_instance.url}/socket.io/?EIO=3&transport={transport}"
    ) as answer:
        said = await answer.json()

    assert (answer.status, said["code"]) == (400, 5)
    assert "Engine.IO 4" in said["message"]


# --- floods at the transport ---


async def test_flooding_packets_disconnect_from_the_namespaces(limited_instance: LiveInstance) -> None:
    client = await connected(limited_instance, await limited_instance.register("ada"))
    (session,) = limited_instance.app.sio.eio.sockets.values()

    limited_instance.app.sio.on_flooding(session)

    received, _ = await ended(client)
    assert received[0].startswith('42/chat,["closing",{"code":"flooding"')
    assert received[1] == "41/chat,"


async def test_flooding_without_a_namespace_is_refused_with_1008(
    start: StartServer, database_kind: str
) -> None:
    server = await start(ping_interval_ms=25_000)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    client.send_text("40")
    await client.receive()
    (session,) = server.sio.eio.sockets.values()

    server.sio.on_flooding(session)

    assert (await ended(client))[1] == 1008
