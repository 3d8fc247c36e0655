"""Limits of one connection: floods, queued events, slow consumers."""

import asyncio
import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from hubbub.config import Settings
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.realtime.chat import events
from tests.support.live_instance import ApiUser, LiveInstance


async def test_messages_over_the_limit_are_refused_and_not_stored(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    ids = [str(uuid4()) for _ in range(40)]

    answers = await asyncio.gather(
        *(ada.call_for_ack("message:send", room_id=room_id, client_id=each, body="x") for each in ids)
    )
    refusals = [answer["error"] for answer in answers if not answer["ok"]]
    repeat = await ada.call_for_ack("message:send", room_id=room_id, client_id=ids[0], body="x")

    assert 1 <= len(refusals) <= 10
    assert {each["code"] for each in refusals} == {"rate_limited"}
    assert all(each["retry_after_ms"] > 0 for each in refusals)
    assert repeat["ok"], "a repeat of a stored one costs nothing"
    history = await bob.call("message:history", room_id=room_id, limit=100)
    assert len(history["messages"]) == 40 - len(refusals)


async def test_other_events_have_a_separate_bucket(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    answers = await asyncio.gather(*(ada.call_for_ack("room:list", limit=1) for _ in range(80)))

    assert answers[0]["ok"]
    assert any(not answer["ok"] and answer["error"]["code"] == "rate_limited" for answer in answers)


async def test_a_client_that_keeps_flooding_is_disconnected(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    connection = next(iter(instance.app.chat.connections.by_sid.values()))
    connection.event_limiter = SingleKeyLimiter(Rate(1, 0.001))
    connection.event_limiter.acquire()
    assert not (await ada.call_for_ack("room:list"))["ok"]

    connection._flooding_since -= 11  # as if this had continued for that long
    await ada.sio.emit("room:list", {}, namespace="/chat")

    assert (await ada.next_event("closing"))["code"] == "flooding"
    assert (await ada.next_event("disconnect"))["reason"] == "server disconnect"


async def test_queued_events_over_the_bound_are_refused(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    asked = asyncio.gather(*(ada.call_for_ack("room:list", limit=1) for _ in range(400)))

    answers = await asked

    codes = {answer["error"]["code"] for answer in answers if not answer["ok"]}
    assert codes == {"rate_limited"}


# --- a refusal of any kind costs at least what a success costs ---

NOBODY = "0192f3a0-0000-7000-8000-000000000000"
ROOM, MESSAGE = {"room_id": NOBODY}, {"message_id": NOBODY}
BODY = {"client_id": NOBODY, "body": "x"}
# What is well-formed, and names what is not there; events that name nothing are refused by their payload.
MISSING: dict[str, dict[str, Any]] = {
    "room:update": {**ROOM, "name": "x"},
    "room:create": {"kind": "private", "member_ids": [NOBODY]},
    "room:join": ROOM,
    "room:leave": ROOM,
    "room:invite": {**ROOM, "user_id": NOBODY},
    "room:remove": {**ROOM, "user_id": NOBODY},
    "room:set_role": {**ROOM, "user_id": NOBODY, "role": "member"},
    "room:members": ROOM,
    "room:read": {**ROOM, "seq": 1},
    "room:mark_unread": {**ROOM, "seq": 1},
    "room:mute": {**ROOM, "muted": True},
    "message:send": {**ROOM, **BODY},
    "message:edit": {**MESSAGE, "body": "x"},
    "message:delete": MESSAGE,
    "message:history": ROOM,
    "reaction:add": {**MESSAGE, "emoji": "👍"},
    "reaction:remove": {**MESSAGE, "emoji": "👍"},
    "typing:start": ROOM,
    "typing:stop": ROOM,
    "auth:refresh": {"token": "x"},
}
EVENTS = [*(name for name, _ in events.events), "auth:refresh", "no:such", "x" * 100]
LARGE = {"x": "y" * 3000}
REASONS: dict[str, Callable[[str], Any]] = {
    "no object": lambda _: [1],
    "nothing": lambda _: None,
    "a wrong type": lambda _: {"room_id": 1, "limit": "x", "kind": 1, "status": 1, "user_ids": 1, "rooms": 1},
    "text that is none": lambda name: {
        **MISSING.get(name, {"limit": 0}),
        "cursor": "\ud800",
        "body": "\ud800",
    },
    "too large": lambda _: LARGE,
    "nothing of that id": lambda name: MISSING.get(name, {"limit": 0, "rooms": 1, "status": 1}),
    "not among the members": lambda name: MISSING.get(name, {"limit": 0, "rooms": 1, "status": 1}),
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("answered", [True, False], ids=["with an ack", "without an ack"])
@pytest.mark.parametrize("reason", REASONS)
async def test_a_flood_of_refused_events_is_limited_then_disconnected(
    settings: Settings, reason: str, answered: bool
) -> None:
    async with LiveInstance(settings.model_copy(update={"max_event_bytes": 2000})) as instance:
        bob = await instance.register("bob")
        room = await (await bob.connect_client()).call("room:create", kind="private", name="closed")
        ada = await instance.register("ada")
        found = {
            name: await _flooded(instance, ada, name, _payload(reason, name, room), answered)
            for name in EVENTS
        }

    assert found == dict.fromkeys(EVENTS, ["refused"] * BURST + ["rate_limited"] * 2 + ["flooding"])


BURST = 3


def _payload(reason: str, name: str, room: dict[str, Any]) -> Any:
    payload = REASONS[reason](name)
    if reason == "not among the members" and "room_id" in payload:
        return {**payload, "room_id": room["room"]["id"]}
    return payload


async def _flooded(
    instance: LiveInstance, ada: ApiUser, name: str, payload: Any, answered: bool
) -> list[str]:
    """What becomes of one event more than may be refused, again and again, and at last after 10 s of that."""
    client = await ada.connect_client()
    connection = instance.app.chat.connections.by_sid[client.sio.get_sid("/chat")]
    connection.event_limiter = SingleKeyLimiter(Rate(BURST, 0.0001))
    found = []
    for _ in range(BURST + 2):
        if answered:
            answer = await client.sio.call(name, payload, namespace="/chat", timeout=10)
        else:
            await client.sio.emit(name, payload, namespace="/chat")
            answer = await client.next_event("error")
        code = answer["error"]["code"]
        found.append(code if code in {"rate_limited", "internal"} else "refused")
    connection._flooding_since -= 11  # as if this had continued for that long
    await client.sio.emit(name, payload, namespace="/chat")
    found.append((await client.next_event("closing"))["code"])
    await client.next_event("disconnect")
    return found


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_successful_and_repeated_sends_use_no_token_of_the_socket_bucket(
    instance: LiveInstance,
) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    connection = instance.app.chat.connections.by_sid[ada.sio.get_sid("/chat")]
    connection.event_limiter = SingleKeyLimiter(Rate(2, 0.0001))

    sent = [await ada.send(room_id, "x", client_id=NOBODY) for _ in range(10)]
    sent += [await ada.send(room_id, "x") for _ in range(10)]

    assert len({each["id"] for each in sent}) == 11
    assert [connection.event_limiter.acquire() for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_send_is_refused_without_a_query_when_the_bucket_is_empty(
    instance: LiveInstance, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await (await instance.register("ada")).connect_client()
    connection = instance.app.chat.connections.by_sid[ada.sio.get_sid("/chat")]
    connection.event_limiter = SingleKeyLimiter(Rate(1, 0.0001))
    caplog.set_level("DEBUG", logger="aiosqlite")

    codes, queries = [], []
    for _ in range(3):
        answer = await ada.call_for_ack("message:send", **ROOM, **BODY)
        codes.append(answer["error"]["code"])
        queries.append(sum(UUID(NOBODY).hex in each.getMessage().replace("-", "") for each in caplog.records))
        caplog.clear()

    assert codes == ["not_found", "rate_limited", "rate_limited"]
    assert queries[0] > 0
    assert queries[1:] == [0, 0]


# --- refusals leave nothing behind ---

KINDS: dict[str, str] = {
    "too large": '["message:send",{"x":"%s"}]' % ("y" * 140_000),
    "invalid": '["message:send",{"room_id":1,"x":"%s"}]' % ("y" * 120_000),
    "unknown room": json.dumps(["message:send", {**ROOM, **BODY, "x": "y" * 120_000}]),
    "unknown event": '["no:such",{"x":"%s"}]' % ("y" * 120_000),
    "another event": '["room:read",{"x":"%s"}]' % ("y" * 120_000),
    "half a pair": '["message:send",{"x":"%s\\ud800"}]' % ("y" * 120_000),
    "no object": '["room:list","%s"]' % ("y" * 120_000),
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("rate", [None, Rate(20, 0.001)], ids=["unlimited", "limited"])
@pytest.mark.parametrize("kind", KINDS)
async def test_refused_events_leave_no_client_data_in_memory(
    settings: Settings, kind: str, rate: Rate | None
) -> None:
    """Without any collection of cycles: an exception that holds its frames holds all that was read."""
    async with LiveInstance(settings.model_copy(update={"limit_events": None})) as instance:
        ada = await instance.register("ada")
        async with instance.http.ws_connect(f"{instance.url}/socket.io/?EIO=4&transport=websocket") as socket:
            await socket.send_str("40/chat," + json.dumps({"token": ada.token}))
            while "ready" not in await socket.receive_str(timeout=10):
                pass
            (connection,) = instance.app.chat.connections.by_sid.values()
            connection.event_limiter = SingleKeyLimiter(rate)

            await _refused(socket, KINDS[kind], 20)  # create what is created once
            gc.collect()
            gc.disable()
            try:
                before = resident()
                codes = await _refused(socket, KINDS[kind], 200)  # 24 MB
                grown = resident() - before
            finally:
                gc.enable()

    assert grown < 12, f"{grown} MB"
    assert ("rate_limited" in codes) is (rate is not None)


async def _refused(socket: aiohttp.ClientWebSocketResponse, event: str, times: int) -> set[str]:
    codes = set()
    for number in range(times):
        await socket.send_str(f"42/chat,{number}{event}")
        while not (received := await socket.receive_str(timeout=10)).startswith(f"43/chat,{number}["):
            if received == "2":
                await socket.send_str("3")
        codes.add(json.loads(received[received.index("[") :])[0]["error"]["code"])
    return codes


def resident() -> float:
    """Memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.slow("6 s: megabytes to a client that reads nothing")
async def test_a_client_that_does_not_read_is_closed_and_loses_nothing(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    cached_user = instance.app.container.membership_cache.get(UUID(ada.ready["user"]["id"]))
    cached_user.message_limiter = SingleKeyLimiter(None)  # type: ignore[union-attr]
    eve = await instance.register("eve")
    await ada.call("room:invite", room_id=room_id, user_id=eve.id)
    url = f"{instance.url}/socket.io/?EIO=4&transport=websocket"
    async with instance.http.ws_connect(url) as socket:
        await socket.send_str("40/chat," + json.dumps({"token": eve.token}))
        while "ready" not in (await socket.receive_str(timeout=10)):
            pass
        slow = instance.app.chat.connections.of_user(UUID(eve.id))[0]
        socket._reader._protocol.pause_reading()

        sent = 0
        while not slow.closed and sent < 2000:
            await ada.send(room_id, "x" * 8000)
            sent += 1

    assert slow.closed
    assert slow.client.waiting_bytes <= instance.settings.max_output_bytes + 10_000
    await bob.events_until("message:new", lambda it: it["seq"] == sent + 3)
    again = await eve.connect_client()
    assert next(each["last_seq"] for each in again.ready["rooms"] if each["id"] == room_id) == sent + 3
