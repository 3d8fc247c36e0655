"""Messages of one socket share a batch, and take effect in the order of arrival."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.core import metrics
from hubbub.realtime.socketio import backlog
from hubbub.services.chat import messages, rooms
from tests.support.live_instance import Client, LiveInstance
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

SECONDS = 20


class Burst:
    """Events sent without waiting for their acks."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self._sent = 0
        self._all = asyncio.Event()

    async def emit(self, event: str, **payload: Any) -> None:
        number, self._sent = self._sent, self._sent + 1

        def answered(answer: dict[str, Any]) -> None:
            self.answers.append((number, answer))
            if len(self.answers) == self._sent:
                self._all.set()

        self._all.clear()
        await self._client.sio.emit(event, payload, namespace="/chat", callback=answered)

    async def say(self, room_id: str, body: str, **more: Any) -> None:
        await self.emit(
            "message:send", **{"room_id": room_id, "client_id": str(uuid4()), "body": body, **more}
        )

    async def done(self) -> list[dict[str, Any]]:
        """The acks in the order of the sends."""
        async with asyncio.timeout(SECONDS):
            await self._all.wait()
        return [answer for _, answer in sorted(self.answers, key=lambda each: each[0])]

    async def outcomes(self) -> list[str]:
        return ["ok" if each["ok"] else each["error"]["code"] for each in await self.done()]


async def test_messages_of_one_socket_share_batches(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    before = metrics.counters["message_batches"]
    burst = Burst(ada)
    for index in range(25):
        await burst.say(room_id, str(index))

    seqs = [each["data"]["message"]["seq"] for each in await burst.done()]

    assert seqs == list(range(seqs[0], seqs[0] + 25))
    assert metrics.counters["message_batches"] - before < 25


async def test_a_slow_message_is_not_overtaken(instance: LiveInstance) -> None:
    """A mention or a reply is checked first. Later messages wait for that."""
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    first = await ada.send(room_id, "first")
    burst = Burst(ada)
    for index in range(24):
        body = f"{index} @bob" if index % 3 == 0 else str(index)
        await burst.say(room_id, body, **({"reply_to": first["id"]} if index % 4 == 0 else {}))

    answers = [each["data"]["message"] for each in await burst.done()]
    await bob.events_until("message:new", lambda it: it["message"]["body"].startswith("23"))

    assert [each["seq"] for each in answers] == list(range(first["seq"] + 1, first["seq"] + 25))
    received = [it["message"] for name, it in bob.events if name == "message:new"]
    assert received[1:] == answers
    assert [len(each["mentions"]) for each in answers[:4]] == [1, 0, 0, 1]


async def test_an_event_after_a_message_sees_it_stored(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    burst = Burst(ada)
    for index in range(5):
        await burst.say(room_id, str(index))
    await burst.emit("message:history", room_id=room_id)
    await burst.say(room_id, "behind it")

    answers = await burst.done()

    bodies = [each["body"] for each in answers[5]["data"]["messages"]]
    assert bodies == ["0", "1", "2", "3", "4"]
    assert [number for number, _ in burst.answers] == list(range(7))


async def test_messages_after_leaving_a_room_are_refused(instance: LiveInstance) -> None:
    room_id, (_, bob) = await instance.room_with_clients("ada", "bob")
    burst = Burst(bob)
    await burst.say(room_id, "in")
    await burst.emit("room:leave", room_id=room_id)
    await burst.say(room_id, "out")

    assert await burst.outcomes() == ["ok", "ok", "not_found"]
    assert await models.Message.filter(room_id=room_id).count() == 1


async def test_each_invalid_message_of_a_burst_has_its_own_ack(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    client_id, burst = str(uuid4()), Burst(ada)
    await burst.say(room_id, "one", client_id=client_id)
    await burst.say(room_id, "twin", client_id=client_id)
    await burst.say(room_id, "")
    await burst.say(room_id, "no such message", reply_to=str(uuid4()))
    await burst.say(str(uuid4()), "no such room")
    await burst.emit("message:send", room_id=room_id)
    await burst.say(room_id, "@bob", attachments=[str(uuid4())])
    await burst.say(room_id, "two")

    answers = await burst.done()

    assert [each["ok"] for each in answers] == [True, True] + [False] * 5 + [True]
    assert answers[0]["data"] == answers[1]["data"]
    codes = [each["error"]["code"] for each in answers[2:7]]
    assert codes == ["invalid_payload", "not_found", "not_found", "invalid_payload", "not_found"]
    assert await models.Message.filter(room_id=room_id).count() == 2


async def test_without_an_ack_a_refused_message_is_an_error_event(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")

    await ada.sio.emit("message:send", {"room_id": room_id, "client_id": "no"}, namespace="/chat")
    await ada.sio.emit("message:send", "nonsense", namespace="/chat")

    for _ in range(2):
        error = await ada.next_event("error")
        assert (error["event"], error["error"]["code"]) == ("message:send", "invalid_payload")


async def test_a_bug_in_the_first_step_is_acknowledged_as_internal(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(rooms, "access", broken)
        burst = Burst(ada)
        await burst.say(room_id, "@bob")
        assert await burst.outcomes() == ["internal"]
    with monkeypatch.context() as patched:
        patched.setattr(messages, "_fast_path", lambda *_: 1 / 0)
        burst = Burst(ada)
        await burst.say(room_id, "x")
        assert await burst.outcomes() == ["internal"]

    assert (await ada.send(room_id, "it goes on"))["body"] == "it goes on"


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_messages_waiting_for_a_hanging_database_are_bounded(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MAX_WAITING_EVENTS", 10)
    lifted = {"limit_message_send": None}
    async with (
        TcpProxy(settings.database_url) as proxy,
        LiveInstance(settings.model_copy(update={"database_url": proxy.url, **lifted})) as instance,
    ):
        room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
        await ada.send(room_id, "before")
        connection = instance.app.chat.connections.by_sid[ada.sio.get_sid("/chat")]
        proxy.freeze()
        burst = Burst(ada)
        for index in range(15):
            await burst.say(room_id, str(index))
        await until(lambda: connection.client.eio_session.paused)

        waiting = connection.client.backlog.waiting_events
        proxy.thaw()

        assert waiting == 10
        assert set(await burst.outcomes()) <= {"ok", "unavailable"}
