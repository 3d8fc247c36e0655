"""How sockets begin, come back and end."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from hubbub.core.limits import Rate
from hubbub.services import sessions
from tests.support.world import Client, World


async def refused(world: World, auth: Any = None, **options: Any) -> dict[str, Any]:
    """The error object of a refused connection."""
    client = Client(world.url, auth, ["websocket"])
    world.clients.append(client)
    with pytest.raises(NotConnected):
        await client.sio.connect(
            world.url + options.pop("query", ""),
            namespaces=["/chat"],
            auth=auth,
            transports=["websocket"],
            **options,
        )
    error: dict[str, Any] = client.refusal["data"]
    assert error["message"] == client.refusal["message"]
    return error


# --- coming in ---


async def test_a_token_is_found_in_auth_header_and_query(world: World) -> None:
    ada = await world.person("ada")
    header = {"Authorization": f"Bearer {ada.token}"}

    for auth, headers, query in (
        ({"token": ada.token}, {}, ""),
        (None, header, ""),
        (None, {}, f"?token={ada.token}"),
        ({"token": ada.token}, {"Authorization": "Bearer nonsense"}, "?token=nonsense"),
    ):
        client = Client(world.url, auth, ["websocket"])  # type: ignore[arg-type]
        world.clients.append(client)
        await client.sio.connect(world.url + query, namespaces=["/chat"], auth=auth, headers=headers)
        assert (await client.next("ready"))["user"]["id"] == ada.id


@pytest.mark.parametrize(
    "auth", [None, {}, {"token": None}, {"token": 5}, {"token": ""}, {"token": "x.y.z"}, [], "text"]
)
async def test_without_a_good_token_nobody_comes_in(world: World, auth: Any) -> None:
    assert (await refused(world, auth))["code"] == "unauthenticated"


async def test_other_tokens_are_told_apart(world: World) -> None:
    ada = await world.person("ada")
    tokens = world.app.parts.tokens
    session_id = (await ada.client()).ready["session_id"]
    old = type(tokens)(world.settings.secret_key, -5, 100).access(UUID(ada.id), UUID(session_id))[0]
    forged = type(tokens)("x" * 40, 900, 100).access(UUID(ada.id), UUID(session_id))[0]
    nobody = tokens.access(uuid4(), uuid4())[0]

    assert (await refused(world, {"token": old}))["code"] == "token_expired"
    assert (await refused(world, {"token": forged}))["code"] == "unauthenticated"
    assert (await refused(world, {"token": nobody}))["code"] == "unauthenticated"
    assert (await refused(world, {"token": ada.refresh_token}))["code"] == "unauthenticated"


async def test_an_unknown_namespace_is_refused(world: World) -> None:
    ada = await world.person("ada")
    client = socketio.AsyncClient()
    refusals: list[Any] = []
    client.on("connect_error", refusals.append, namespace="/other")

    with pytest.raises(NotConnected):
        await client.connect(world.url, namespaces=["/other"], auth={"token": ada.token})

    assert refusals == [{"message": "Invalid namespace"}]


async def test_a_user_has_so_many_sockets(world: World) -> None:
    ada = await world.person("ada")
    for _ in range(world.settings.sockets_per_user):
        await ada.client()

    error = await refused(world, {"token": ada.token})

    assert error["code"] == "too_many_connections"
    assert error["retry_after_ms"] > 0
    await world.clients[0].close()
    await ada.client()


async def test_an_ended_session_does_not_come_back(world: World) -> None:
    ada = await world.person("ada")
    await ada.rest("POST", "/auth/logout")

    assert (await refused(world, {"token": ada.token}))["code"] == "session_revoked"


# --- coming back ---


async def test_a_client_that_has_everything_is_told_nothing(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    await ada.send(room_id, "one")
    person = world.people["bob"]
    before = (await bob.call("room:list"))["rooms"]
    cursors = {room["id"]: room["last_seq"] for room in before}
    await bob.close()

    again = await person.client(epoch=bob.ready["epoch"], cursors=cursors)

    assert again.ready["rooms"] == []
    assert again.ready["rooms_complete"] is True


async def test_a_client_that_was_away_hears_which_rooms_differ_and_syncs(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    first = await ada.send(room_id, "one")
    cursors = {room["id"]: room["last_seq"] for room in (await bob.call("room:list"))["rooms"]}
    await bob.close()
    sent = [await ada.send(room_id, str(index)) for index in range(3)]

    again = await world.people["bob"].client(epoch=bob.ready["epoch"], cursors=cursors)
    synced = await again.call("sync", epoch=bob.ready["epoch"], rooms={room_id: first["seq"]})

    assert [(room["id"], room["my"]["unread"]) for room in again.ready["rooms"]] == [(room_id, 4)]
    entries = synced["rooms"][room_id]["entries"]
    assert [each["payload"]["message"] for each in entries] == sent
    assert synced["rooms"][room_id]["complete"] is True
    assert [each["payload"] for each in entries] == [it for _, it in ada.entries(room_id)][-3:]


async def test_another_epoch_means_starting_over(world: World) -> None:
    room_id, (_, bob) = await world.talk("ada", "bob")
    person = world.people["bob"]

    other = await person.client(epoch="another", cursors={room_id: 2})
    synced = await other.call("sync", epoch="another", rooms={room_id: 1})

    assert len(other.ready["rooms"]) == 2
    assert synced["epoch"] == bob.ready["epoch"]
    assert synced["rooms"][room_id] == {"reset": True, "first_seq": 1, "last_seq": 2}


async def test_sync_tells_what_is_gone_and_what_is_ahead(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    await ada.call("room:remove", room_id=room_id, user_id=bob.ready["user"]["id"])
    general = ada.ready["rooms"][0]

    answer = (await bob.call("sync", rooms={room_id: 1, str(uuid4()): 0, general["id"]: 10**6}))["rooms"]

    assert answer[room_id] == {"gone": True}
    assert answer[general["id"]]["reset"] is True
    bad = await bob.ask("sync", rooms={str(uuid4()): 0 for _ in range(501)})
    assert bad["error"]["code"] == "invalid_payload"


async def test_sync_comes_in_pieces(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    for index in range(7):
        await ada.send(room_id, str(index))
    seen, rounds, seqs = 0, 0, []

    complete = False
    while not complete:
        part = (await bob.call("sync", rooms={room_id: seen}, limit=2))["rooms"][room_id]
        seqs += [each["payload"]["seq"] for each in part["entries"]]
        seen, complete, rounds = seqs[-1], part["complete"], rounds + 1

    assert seqs == list(range(1, 10))
    assert rounds == 5


async def test_an_answer_to_sync_is_at_most_a_mebibyte(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    for _ in range(30):
        await ada.send(room_id, "界" * 8000)
        world.app.parts.residents.get(UUID(ada.ready["user"]["id"])).messages.give_back()  # type: ignore[union-attr]
    general = next(each["id"] for each in bob.ready["rooms"] if each["name"] == "general")

    answer = await bob.call("sync", rooms={room_id: 0, general: 0})

    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= 1 << 20
    part = answer["rooms"][room_id]
    assert part["complete"] is True or part["entries"]


async def test_a_room_one_was_removed_from_while_away_is_gone(world: World) -> None:
    room_id, (ada, bob) = await world.talk("ada", "bob")
    cursors = {room["id"]: room["last_seq"] for room in (await bob.call("room:list"))["rooms"]}
    await bob.close()
    await ada.call("room:remove", room_id=room_id, user_id=bob.ready["user"]["id"])

    again = await world.people["bob"].client(epoch=bob.ready["epoch"], cursors=cursors)

    assert (await again.next("room:gone")) == {"room_id": room_id}


# --- tokens that run out ---


async def test_a_token_that_runs_out_is_announced_and_ends_the_socket(world: World) -> None:
    ada = await world.person("ada")
    world.app.parts.tokens.access_ttl_s = 3
    _, answer = await world.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})
    ada.token = answer["data"]["access_token"]

    client = await ada.client()

    assert (await client.next("auth:expiring"))["expires_at"]
    assert (await client.next("auth:expired")) == {}
    assert (await client.next("closing"))["code"] == "token_expired"
    assert (await client.next("disconnect"))["reason"] == "server disconnect"


async def test_a_fresh_token_keeps_the_socket(world: World) -> None:
    ada = await world.person("ada")
    client = await ada.client()
    _, answer = await world.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})
    eve = await world.person("eve")

    assert (await client.call("auth:refresh", token=answer["data"]["access_token"]))["expires_at"]
    assert (await client.ask("auth:refresh", token=eve.token))["error"]["code"] == "forbidden"
    assert (await client.ask("auth:refresh", token="nonsense"))["error"]["code"] == "unauthenticated"
    await client.settled()


# --- the end ---


async def test_a_revoked_session_is_closed_at_once_on_all_its_sockets(world: World) -> None:
    ada = await world.person("ada")
    devices = [await ada.client(), await ada.client(transports=["polling"])]
    _, other = await world.rest(
        "POST", "/auth/login", json={"email": "ada@example.com", "password": "correct horse battery"}
    )

    await ada.rest("POST", "/auth/logout")

    for device in devices:
        assert (await device.next("auth:revoked"))["reason"] == "logged_out"
        assert (await device.next("closing"))["code"] == "session_revoked"
        assert (await device.next("disconnect"))["reason"] == "server disconnect"
    ada.token = other["data"]["access_token"]
    assert (await ada.client()).ready


async def test_a_reused_refresh_token_ends_the_session_and_its_sockets(world: World) -> None:
    ada = await world.person("ada")
    client = await ada.client()
    await world.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})

    status, _ = await world.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})

    assert status == 400
    assert (await client.next("closing"))["code"] == "session_revoked"


async def test_ending_a_session_twice_is_harmless(world: World) -> None:
    ada = await world.person("ada")
    client = await ada.client()
    session_id = UUID(client.ready["session_id"])

    await sessions.end(world.app.parts, UUID(ada.id), session_id, "test")
    await sessions.end(world.app.parts, UUID(ada.id), session_id, "test")

    await client.next("disconnect")
    assert client.count("closing") == 1


async def test_draining_tells_everybody_and_lets_nobody_in(world: World) -> None:
    _, (ada, bob) = await world.talk("ada", "bob")

    await world.app.drain()

    for client in (ada, bob):
        assert 0 <= (await client.next("server:draining"))["reconnect_in_ms"] < 10_000
        closing = await client.next("closing")
        assert closing["code"] == "draining"
        assert closing["retry_after_ms"] >= 0
        # Python's client calls it an error when the server closes; Node's says "transport close".
        assert (await client.next("disconnect"))["reason"] in ("transport close", "transport error")
    error = await refused(world, {"token": world.people["ada"].token})
    assert error["code"] == "draining"
    assert error["retry_after_ms"] > 0


# --- limits ---


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


# --- what is no protocol ---


async def raw(world: World, *packets: str) -> list[str]:
    """Open a WebSocket by hand, send Engine.IO packets; what comes until the server closes it."""
    heard: list[str] = []
    url = f"{world.url}/socket.io/?EIO=4&transport=websocket"
    async with asyncio.timeout(10), world.http.ws_connect(url) as socket:
        for packet in packets:
            await socket.send_str(packet)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                heard.append(message.data)
    return heard


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


# --- slow consumers ---


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
        socket._reader._protocol.pause_reading()  # type: ignore[attr-defined]

        sent = 0
        while not slow.gone and sent < 2000:
            await ada.send(room_id, "x" * 8000)
            sent += 1

    assert slow.gone
    assert slow.link.waiting_bytes <= world.settings.max_output_bytes + 10_000
    await bob.until("message:new", lambda it: it["seq"] == sent + 3)
    again = await eve.client()
    assert next(each["last_seq"] for each in again.ready["rooms"] if each["id"] == room_id) == sent + 3
