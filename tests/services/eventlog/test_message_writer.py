"""The message writer: batches, duplicates, invalid messages, and an unavailable database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cluster.bus import EntriesAppended, Signal
from hubbub.core.errors import Conflict, HubbubError, NotMember, Unavailable
from hubbub.db import database
from hubbub.db.engines import pool
from hubbub.schemas.chat.messages import SendMessage
from hubbub.services.chat import messages
from hubbub.services.context import Context
from hubbub.services.eventlog import message_writer
from hubbub.services.eventlog.pending_message import PendingMessage, Stored
from hubbub.services.instance.cached_user import CachedMembership
from tests.support.live_instance import LiveInstance
from tests.support.sqlite_lock import write_lock
from tests.support.tcp_proxy import TcpProxy

AsyncCallable = Callable[[], Awaitable[None]]


async def room_of(instance: LiveInstance, *names: str) -> tuple[UUID, list[Context]]:
    """A room and contexts of its members, who are not connected."""
    people = [await instance.register(name) for name in names]
    body = {"kind": "private", "member_ids": [each.id for each in people[1:]]}
    status, answer = await people[0].rest("POST", "/rooms", json=body)
    assert status == 201, answer
    return UUID(answer["data"]["id"]), [Context(instance.app.container, UUID(each.id)) for each in people]


def command(room_id: UUID, body: str = "x", client_id: UUID | None = None) -> SendMessage:
    return SendMessage(room_id=room_id, client_id=client_id or uuid4(), body=body)


async def test_messages_that_arrive_during_a_batch_form_the_next_one(instance: LiveInstance) -> None:
    room_id, people = await room_of(instance, "ada", "bob", "eve")
    batches: list[int] = []

    def count(signal: Signal) -> None:
        if isinstance(signal, EntriesAppended):
            batches.append(len(signal.entries))

    instance.app.container.bus.add_handler(count)
    sent = await asyncio.gather(
        *(messages.send(ctx, command(room_id, str(index))) for index in range(100) for ctx in people)
    )

    assert sorted(each.message.seq for each in sent) == list(range(4, 304))
    assert sum(batches) == 300
    assert len(batches) < 100


async def test_concurrent_duplicates_are_one_message(instance: LiveInstance) -> None:
    room_id, (ada, _) = await room_of(instance, "ada", "bob")
    client_id = uuid4()

    twins = await asyncio.gather(*(messages.send(ada, command(room_id, "x", client_id)) for _ in range(20)))

    assert len({each.message.id for each in twins}) == 1
    assert await models.Message.filter(room_id=room_id).count() == 1
    assert (await models.Room.get(id=room_id)).last_seq == 3


async def test_one_client_id_in_two_rooms_is_a_conflict_for_one(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await room_of(instance, "ada", "bob")
    _, answer = await instance.users["ada"].rest("POST", "/rooms", json={"kind": "private"})
    other, client_id = UUID(answer["data"]["id"]), uuid4()

    outcomes = await asyncio.gather(
        messages.send(ada, command(room_id, "x", client_id)),
        messages.send(ada, command(other, "x", client_id)),
        messages.send(bob, command(room_id, "y", client_id)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Conflict) for each in outcomes) == 1
    assert await models.Message.filter(client_id=client_id).count() == 2


def outgoing(ctx: Context, room_id: UUID, user: Any, version: int, body: str = "x") -> PendingMessage:
    membership = CachedMembership(room_id, "private", "member", muted=False, version=version)
    return PendingMessage(user, membership, uuid4(), body, None, [])


async def test_an_unstorable_message_fails_alone(instance: LiveInstance) -> None:
    room_id, people = await room_of(instance, "ada", "bob")
    users = [(await messages.send(ctx, command(room_id))).message.sender for ctx in people]
    good = [outgoing(people[0], room_id, users[0], 0, str(index)) for index in range(5)]
    # Text that the edges refuse, and no database takes.
    bad = outgoing(people[1], room_id, users[1], 0, "\ud800")
    writer = instance.app.container.message_writer

    outcomes = await asyncio.gather(
        *(writer.append(each) for each in [*good[:3], bad, *good[3:]]), return_exceptions=True
    )

    assert isinstance(outcomes.pop(3), HubbubError)
    assert [each.seq for each in outcomes] == [5, 6, 7, 8, 9]  # type: ignore[union-attr]


async def test_an_outdated_membership_does_not_permit_a_message(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await room_of(instance, "ada", "bob")
    user = (await messages.send(bob, command(room_id))).message.sender
    await instance.users["ada"].rest("DELETE", f"/rooms/{room_id}/members/{bob.user_id}")
    assert not await models.Membership.exists(room_id=room_id, user_id=bob.user_id)

    # As an instance sends it that did not receive the removal.
    with pytest.raises(NotMember):
        await instance.app.container.message_writer.append(outgoing(bob, room_id, user, 0))
    assert (await messages.send(ada, command(room_id))).message.seq == 5


async def test_a_full_queue_is_reported_as_unavailable(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, (ada, _) = await room_of(instance, "ada", "bob")
    monkeypatch.setattr(message_writer, "MAX_QUEUED_MESSAGES", 5)

    outcomes = await asyncio.gather(
        *(messages.send(ada, command(room_id, str(index))) for index in range(50)), return_exceptions=True
    )

    assert any(isinstance(each, Unavailable) for each in outcomes)
    stored = sum(not isinstance(each, BaseException) for each in outcomes)
    assert await models.Message.filter(room_id=room_id).count() == stored


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_messages_are_acknowledged_in_time_while_the_database_hangs(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_writer, "WRITE_TIMEOUT_S", 0.5)
    monkeypatch.setattr(message_writer, "MAX_BATCH_MESSAGES", 10)
    monkeypatch.setattr(pool, "ROLLBACK_S", 0.2)
    monkeypatch.setattr(database, "STATEMENT_S", 0.5)  # for what is read before a message is queued
    async with (
        TcpProxy(settings.database_url) as proxy,
        LiveInstance(settings.model_copy(update={"database_url": proxy.url})) as instance,
    ):
        room_id, (ada, _) = await room_of(instance, "ada", "bob")
        before = (await messages.send(ada, command(room_id))).message.seq
        proxy.freeze()

        async with asyncio.timeout(20):  # 2 batches' worth
            outcomes = await asyncio.gather(
                *(messages.send(ada, command(room_id)) for _ in range(20)), return_exceptions=True
            )
        assert {type(each) for each in outcomes} == {Unavailable}
        proxy.thaw()
        async with asyncio.timeout(20):
            while database.unavailable():  # noqa: ASYNC110 - there is nothing to wait on
                await asyncio.sleep(0.01)

        assert (await messages.send(ada, command(room_id))).message.seq == before + 1


async def test_all_writers_lock_rooms_in_one_order(instance: LiveInstance) -> None:
    made = [await room_of(instance, f"ada{index}", f"bob{index}") for index in range(4)]
    one, other = (
        instance.app.container.message_writer,
        message_writer.MessageWriter(instance.app.container.bus, instance.app.container.epoch_watch),
    )
    other.start()
    users = [(await messages.send(people[0], command(room_id))).message.sender for room_id, people in made]

    def batch(turn: int) -> list[PendingMessage]:
        order = range(4) if turn % 2 else reversed(range(4))
        return [outgoing(made[index][1][0], made[index][0], users[index], 0) for index in order]

    stored = await asyncio.gather(
        *(writer.append(each) for turn in range(40) for writer in (one, other) for each in batch(turn))
    )

    assert all(each.existing_id is None for each in stored)
    for room_id, _ in made:
        assert (await models.Room.get(id=room_id)).last_seq == 3 + 80
    await other.close()


async def test_accepted_messages_are_stored_before_the_writer_stops(instance: LiveInstance) -> None:
    room_id, (ada, _) = await room_of(instance, "ada", "bob")
    user = (await messages.send(ada, command(room_id))).message.sender
    writer = instance.app.container.message_writer
    accepted = [outgoing(ada, room_id, user, 0, str(index)) for index in range(200)]
    for each in accepted:
        writer.enqueue(each)

    await writer.close()

    assert {type(each.result) for each in accepted} == {Stored}
    assert await models.Message.filter(room_id=room_id).count() == 201
    with pytest.raises(Unavailable):
        writer.enqueue(outgoing(ada, room_id, user, 0))


@asynccontextmanager
async def hanging(settings: Any) -> AsyncIterator[tuple[Any, AsyncCallable, AsyncCallable]]:
    """Settings of a database that can hang, a function that hangs it, and one that resumes it."""
    if settings.uses_sqlite:
        async with write_lock(settings) as lock:
            yield settings, lock.acquire, lock.release
        return
    async with TcpProxy(settings.database_url) as proxy:

        async def freeze() -> None:
            proxy.freeze()

        async def thaw() -> None:
            proxy.thaw()

        yield settings.model_copy(update={"database_url": proxy.url}), freeze, thaw


async def test_messages_interrupted_by_the_stop_are_acknowledged(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hanging(settings) as (hung, freeze, thaw), LiveInstance(hung) as instance:
        room_id, (ada, _) = await room_of(instance, "ada", "bob")
        user = (await messages.send(ada, command(room_id))).message.sender
        writer = instance.app.container.message_writer
        await freeze()
        sent = [writer.append(outgoing(ada, room_id, user, 0, str(index))) for index in range(200)]
        waiting = [asyncio.ensure_future(each) for each in sent]
        while not writer._busy_rooms:  # noqa: ASYNC110 - the first batch is being written, for up to 5 s
            await asyncio.sleep(0)
        monkeypatch.setattr(message_writer, "WRITE_TIMEOUT_S", 0.1)

        closing = asyncio.ensure_future(writer.close())
        async with asyncio.timeout(1.5):  # an aborted connection takes longer to return to the pool
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        await thaw()
        await closing

        assert {type(each) for each in outcomes} == {Unavailable}
