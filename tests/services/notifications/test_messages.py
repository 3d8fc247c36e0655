"""Notifications of messages: whom they concern, once per user, and in the order of the room."""

import asyncio
import random
from uuid import UUID

import msgspec
import pytest

from hubbub import models
from hubbub.schemas.chat import messages as message_wire
from hubbub.schemas.chat.rooms import CreateRoom, MuteRoom, ReadRoom, RoomRef
from hubbub.schemas.jobs import NotifyMessage
from hubbub.services.chat import members, read_state, rooms
from hubbub.services.chat import messages as operations
from hubbub.services.context import Context
from hubbub.services.notifications import messages


class Chat:
    """Users in a room, and the jobs of their messages, which a test runs itself."""

    def __init__(self, container, users: dict[str, models.User]) -> None:
        self.container = container
        self.users = users

    def ctx(self, name: str) -> Context:
        return Context(self.container, self.users[name].id)

    async def create(self, kind: str = "private") -> UUID:
        first, *others = self.users.values()
        created = await rooms.create(
            Context(self.container, first.id),
            CreateRoom(
                kind=kind,  # type: ignore[arg-type]
                name="Garden" if kind != "direct" else None,
                member_ids=[each.id for each in others[: 1 if kind == "direct" else None]],
            ),
        )
        await models.Job.all().delete()  # those of the invitations
        return created.room.id

    async def send(self, name: str, room_id: UUID, body: str, **fields) -> message_wire.Message:
        command = message_wire.SendMessage(
            room_id=room_id, client_id=UUID(int=random.getrandbits(128)), body=body, **fields
        )
        return (await operations.send(self.ctx(name), command)).message

    async def jobs(self) -> list[NotifyMessage]:
        rows = await models.Job.filter(kind="notification.message", state="ready").order_by("created_at")
        return [msgspec.json.decode(row.payload, type=NotifyMessage) for row in rows]

    async def run(self) -> None:
        """Run the waiting jobs and end them."""
        for job in await self.jobs():
            await messages.notify_job(self.container, job)
        await models.Job.all().update(state="done", unique_key=None)

    async def notified(self, name: str) -> list[tuple[str, str]]:
        """Kind and text of the user's notifications, in the order of the inbox."""
        own = models.Notification.filter(user_id=self.users[name].id, seq__isnull=False)
        texts = {row.id: row.body for row in await models.Message.all()}
        return [(row.kind, texts.get(row.message_id, "")) for row in await own.order_by("seq")]  # type: ignore[arg-type]

    async def reasons(self, name: str) -> list[str | None]:
        decisions = models.NotificationDecision.filter(
            channel="in_app", notification__user_id=self.users[name].id
        )
        return [each.reason for each in await decisions.order_by("id")]


@pytest.fixture
async def chat(container, create_user):
    container.message_writer.start()
    users = {name: await create_user(name) for name in ("ada", "bob", "eve")}
    yield Chat(container, users)
    await container.message_writer.close()


async def test_an_ordinary_message_stores_no_job(chat):
    room_id = await chat.create()

    await chat.send("ada", room_id, "hello")
    await chat.send("ada", room_id, "hello @nobody and `@bob`")
    await chat.send("ada", room_id, "me: @ada")

    assert await chat.jobs() == []


async def test_mentions_replies_and_direct_messages_are_notified(chat):
    room_id, direct_id = await chat.create(), await chat.create("direct")

    first = await chat.send("bob", room_id, "first")
    await chat.send("bob", room_id, "answer to myself", reply_to=first.id)
    await chat.send("ada", room_id, "hi @bob and @eve")
    await chat.send("ada", room_id, "answer", reply_to=first.id)
    await chat.send("ada", room_id, "answer to @bob and @eve", reply_to=first.id)
    await chat.send("ada", direct_id, "psst")
    await chat.run()

    assert await chat.notified("bob") == [
        ("message.mention", "hi @bob and @eve"),
        ("message.reply", "answer"),
        ("message.reply", "answer to @bob and @eve"),
        ("message.direct", "psst"),
    ]
    assert await chat.notified("eve") == [
        ("message.mention", "hi @bob and @eve"),
        ("message.mention", "answer to @bob and @eve"),
    ]
    assert await chat.notified("ada") == []


async def test_muted_and_read_rooms_create_none_and_the_reason_is_recorded(chat):
    room_id = await chat.create()
    await read_state.mute(chat.ctx("bob"), MuteRoom(room_id=room_id, muted=True))

    sent = await chat.send("ada", room_id, "@bob @eve")
    await read_state.mark_read(chat.ctx("eve"), ReadRoom(room_id=room_id, seq=sent.seq))
    await chat.run()

    assert await chat.notified("bob") == await chat.notified("eve") == []
    assert await chat.reasons("bob") == ["muted"]
    assert await chat.reasons("eve") == ["read"]


async def test_a_message_that_is_deleted_before_its_job_creates_none(chat):
    room_id = await chat.create()
    first = await chat.send("bob", room_id, "first")
    sent = await chat.send("ada", room_id, "answer", reply_to=first.id)

    await operations.delete(chat.ctx("ada"), message_wire.MessageRef(message_id=sent.id))
    await chat.run()

    assert await chat.notified("bob") == []
    assert await chat.reasons("bob") == ["cancelled"]


async def test_a_user_who_left_is_not_notified(chat):
    room_id = await chat.create()
    await chat.send("ada", room_id, "@bob @eve")
    await members.leave(chat.ctx("bob"), RoomRef(room_id=room_id))

    await chat.run()

    assert await chat.notified("bob") == []
    assert len(await chat.notified("eve")) == 1


async def test_an_edit_notifies_only_users_who_had_no_notification(chat):
    room_id = await chat.create()
    sent = await chat.send("ada", room_id, "@bob")
    await chat.run()

    async def edit(body: str) -> None:
        await operations.edit(chat.ctx("ada"), message_wire.EditMessage(message_id=sent.id, body=body))

    await edit("@bob again")
    unchanged = await chat.jobs()
    await edit("@bob and @eve")
    await chat.run()
    await edit("no one")
    await edit("@bob @eve")
    await chat.run()

    assert unchanged == []
    assert len(await chat.notified("bob")) == len(await chat.notified("eve")) == 1


async def test_a_job_that_runs_twice_creates_nothing_new(chat):
    room_id = await chat.create()
    await chat.send("ada", room_id, "@bob")
    (job,) = await chat.jobs()

    await asyncio.gather(*(messages.notify_job(chat.container, job) for _ in range(4)))

    assert len(await chat.notified("bob")) == 1


@pytest.mark.parametrize("seed", range(3))
async def test_each_inbox_has_the_order_of_the_room_whichever_job_runs_first(chat, seed):
    room_id = await chat.create()
    for number in range(12):
        await chat.send("ada", room_id, f"@bob {number}" if number % 2 else f"@bob @eve {number}")
    jobs = await chat.jobs()
    random.Random(seed).shuffle(jobs)

    async def work(own: list[NotifyMessage]) -> None:
        for job in own:
            await messages.notify_job(chat.container, job)
            await models.Job.filter(payload__contains=str(job.message_id)).update(
                state="done", unique_key=None
            )

    await asyncio.gather(*(work(jobs[worker::3]) for worker in range(3)))

    assert [text for _, text in await chat.notified("bob")] == [
        f"@bob {number}" if number % 2 else f"@bob @eve {number}" for number in range(12)
    ]
    assert [text for _, text in await chat.notified("eve")] == [f"@bob @eve {n}" for n in range(0, 12, 2)]


async def test_a_job_that_keeps_failing_does_not_hold_up_the_room(chat):
    room_id = await chat.create()
    await chat.send("ada", room_id, "@bob 1")
    await chat.send("ada", room_id, "@bob 2")
    failing, job = await chat.jobs()
    await models.Job.filter(payload__contains=str(failing.message_id)).update(attempts=4)

    await messages.notify_job(chat.container, job)

    assert [text for _, text in await chat.notified("bob")] == ["@bob 2"]


async def test_a_repeated_client_id_creates_one_notification(chat):
    room_id = await chat.create()
    command = message_wire.SendMessage(room_id=room_id, client_id=UUID(int=7), body="@bob")

    await asyncio.gather(*(operations.send(chat.ctx("ada"), command) for _ in range(4)))
    await chat.run()

    assert len(await chat.notified("bob")) == 1
