"""Limits of one connection: floods, piles, slow consumers."""

import asyncio
import json
from uuid import UUID, uuid4

from hubbub.core.limits import Rate
from tests.support.world import World


async def test_too_many_messages_are_refused_and_nothing_is_stored(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    ids = [str(uuid4()) for _ in range(40)]

    answers = [await ada.ask("message:send", room_id=room_id, client_id=each, body="x") for each in ids]
    refusals = [answer["error"] for answer in answers if not answer["ok"]]
    repeat = await ada.ask("message:send", room_id=room_id, client_id=ids[0], body="x")

    assert 1 <= len(refusals) <= 10
    assert {each["code"] for each in refusals} == {"rate_limited"}
    assert all(each["retry_after_ms"] > 0 for each in refusals)
    assert repeat["ok"], "a repeat of a stored one costs nothing"
    history = await bob.call("message:history", room_id=room_id, limit=100)
    assert len(history["messages"]) == 40 - len(refusals)


async def test_other_events_have_a_bucket_of_their_own(world: World) -> None:
    ada = await (await world.person("ada")).client()

    answers = [await ada.ask("room:list", limit=1) for _ in range(80)]

    assert answers[0]["ok"]
    assert any(not answer["ok"] and answer["error"]["code"] == "rate_limited" for answer in answers)


async def test_who_floods_for_long_is_sent_away(world: World) -> None:
    ada = await (await world.person("ada")).client()
    connection = next(iter(world.app.chat.connections.by_sid.values()))
    connection.events.rate = Rate(1, 0.001)
    connection.events.level = 0
    assert not (await ada.ask("room:list"))["ok"]

    connection._flooding_since -= 11  # as if this had gone on for that long
    await ada.sio.emit("room:list", {}, namespace="/chat")

    assert (await ada.next("closing"))["code"] == "flooding"
    assert (await ada.next("disconnect"))["reason"] == "server disconnect"


async def test_events_that_pile_up_are_refused_not_kept(world: World) -> None:
    ada = await (await world.person("ada")).client()
    asked = asyncio.gather(*(ada.ask("room:list", limit=1) for _ in range(400)))

    answers = await asked

    codes = {answer["error"]["code"] for answer in answers if not answer["ok"]}
    assert codes == {"rate_limited"}


async def test_who_does_not_read_is_closed_and_loses_nothing(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    world.app.parts.residents.get(UUID(ada.ready["user"]["id"])).messages.rate = None  # type: ignore[union-attr]
    eve = await world.person("eve")
    await ada.call("room:invite", room_id=room_id, user_id=eve.id)
    url = f"{world.url}/socket.io/?EIO=4&transport=websocket"
    async with world.http.ws_connect(url) as socket:
        await socket.send_str("40/chat," + json.dumps({"token": eve.token}))
        while "ready" not in (await socket.receive_str(timeout=10)):
            pass
        slow = world.app.chat.connections.of_user(UUID(eve.id))[0]
        socket._reader._protocol.pause_reading()

        sent = 0
        while not slow.gone and sent < 2000:
            await ada.send(room_id, "x" * 8000)
            sent += 1

    assert slow.gone
    assert slow.link.waiting_bytes <= world.settings.max_output_bytes + 10_000
    await bob.until("message:new", lambda it: it["seq"] == sent + 3)
    again = await eve.client()
    assert next(each["last_seq"] for each in again.ready["rooms"] if each["id"] == room_id) == sent + 3
