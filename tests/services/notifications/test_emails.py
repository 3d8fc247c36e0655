"""The e-mail channel: every reason, the claim of a room, and a mail server that fails in every way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.gateways import mail
from hubbub.schemas.jobs import NotifyByEmail
from hubbub.schemas.notifications.delivery import Reason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.jobs import kinds
from hubbub.services.notifications import appending, emails
from hubbub.services.notifications.appending import NewNotification
from tests.support.tcp_server import run_tcp_server

ALL_ON = '{"message_direct":true,"message_mention":true,"message_reply":true,"room_invited":true}'


class Message:
    """A message of bob in a room with ada, of which ada has a notification."""

    def __init__(self, container: Any, ada: models.User, bob: models.User) -> None:
        self.container, self.ada, self.bob = container, ada, bob
        self.room_id: UUID = uuid4()

    async def store(self, seq: int = 1) -> "Message":
        """Store a message and its notification."""
        if seq == 1:
            await models.Preference.create(user=self.ada, kind="email", chosen=ALL_ON)
            await models.Room.create(id=self.room_id, kind="private", name="Garden")
            await models.Membership.create(room_id=self.room_id, user=self.ada, role="member")
        self.message = await models.Message.create(
            room_id=self.room_id,
            sender=self.bob,
            seq=seq,
            client_id=uuid4(),
            body="@ada come here",
            created_at=clock.now(),
        )
        new = NewNotification(
            self.ada.id,
            NotificationKind.MESSAGE_MENTION,
            f"message:{self.message.id}",
            actor_id=self.bob.id,
            room_id=self.room_id,
            message_id=self.message.id,
        )
        async with database.transaction() as tx:
            (appended,) = await appending.append(tx, [new])
        self.notification_id = appended.id
        return self

    async def send(self) -> None:
        await emails.send_job(self.container, NotifyByEmail(notification_id=self.notification_id))

    async def reason(self) -> str | None:
        decision = await models.NotificationDecision.get_or_none(
            notification_id=self.notification_id, channel="email"
        )
        return decision.reason if decision is not None else None


@pytest.fixture
async def message(container, create_user) -> Message:
    return await Message(container, await create_user("ada"), await create_user("bob")).store()


async def test_an_unread_notification_is_sent_once(message, mailbox):
    jobs = await models.Job.filter(kind="notification.email")

    await message.send()
    await message.send()

    assert [job.run_at > clock.now() + timedelta(seconds=55) for job in jobs] == [True]
    assert await message.reason() == "sent"
    (sent,) = mailbox.messages
    assert sent["To"] == "ada@example.com"
    assert sent["Subject"] == "Bob mentioned you in Garden"
    text = sent.get_body(("plain",)).get_content()
    assert "@ada come here" in text
    assert f"https://chat.example/#room={message.room_id}&message=1" in text
    assert "Time: " in text
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["List-Unsubscribe"].startswith("<https://chat.example/api/v1/email/unsubscribe?token=")
    assert sent["Message-ID"].startswith(f"<{message.notification_id}@")


Arrange = Callable[[Message], Awaitable[Any]]


async def _be_active(message: Message) -> None:
    await message.container.presence.mark_connected([message.ada.id])
    await message.container.presence.mark_active([message.ada.id])


REASONS: dict[Reason, Arrange] = {
    Reason.READ: lambda it: models.Notification.filter(id=it.notification_id).update(read_at=clock.now()),
    Reason.ACTIVE: _be_active,
    Reason.MUTED: lambda it: models.Membership.filter(user_id=it.ada.id).update(muted=True),
    Reason.OFF_KIND: lambda it: models.Preference.filter(user_id=it.ada.id).update(chosen="{}"),
    Reason.NO_ADDRESS: lambda it: models.User.filter(id=it.ada.id).update(email="x@deleted.invalid"),
    Reason.UNVERIFIED: lambda it: models.User.filter(id=it.ada.id).update(email_verified_at=None),
    Reason.EXPIRED: lambda it: models.Notification.filter(id=it.notification_id).update(
        created_at=clock.now() - timedelta(hours=25)
    ),
    Reason.CANCELLED: lambda it: models.Message.filter(id=it.message.id).update(deleted_at=clock.now()),
}


@pytest.mark.parametrize("reason", REASONS)
async def test_each_reason_prevents_the_email_and_is_recorded(message, mailbox, reason):
    await REASONS[reason](message)

    await message.send()
    await message.send()

    assert await message.reason() == reason
    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (models.Membership, {"last_read_seq": 1}),  # the room was read, not the notification
        (models.Membership, None),  # the user left the room
        (models.User, {"suspended_at": clock.now()}),
    ],
)
async def test_further_states_prevent_the_email(message, mailbox, table, change):
    rows = table.filter(**({"id": message.ada.id} if table is models.User else {"user_id": message.ada.id}))
    await (rows.update(**change) if change is not None else rows.delete())

    await message.send()

    assert await message.reason() in {"read", "cancelled"}
    assert mailbox.messages == []


async def test_a_user_who_is_away_or_idle_is_not_active(message, mailbox, monkeypatch):
    await _be_active(message)
    await message.container.presence.set_status(message.ada.id, "away")

    await message.send()

    assert await message.reason() == "sent"


async def test_another_email_about_the_room_waits_ten_minutes(message, mailbox):
    await message.send()
    await (await message.store(2)).send()
    soon = await message.reason()
    ten_minutes_ago = clock.now() - emails.ROOM_INTERVAL - timedelta(seconds=1)
    await models.NotificationDecision.filter(reason="sent").update(at=ten_minutes_ago)
    await (await message.store(3)).send()

    assert soon == "rate_limited"
    assert await message.reason() == "sent"
    assert len(mailbox.messages) == 2


async def test_of_concurrent_emails_about_a_room_one_is_sent(message, mailbox):
    first_id = message.notification_id
    others = [(await message.store(seq)).notification_id for seq in range(2, 6)]

    await asyncio.gather(
        *(
            emails.send_job(message.container, NotifyByEmail(notification_id=each))
            for each in (first_id, *others)
        )
    )

    assert len(mailbox.messages) == 1
    reasons = await models.NotificationDecision.filter(channel="email").values_list("reason", flat=True)
    assert sorted(reasons) == ["rate_limited"] * 4 + ["sent"]


# --- the mail server fails ---


async def test_an_email_that_the_server_refuses_for_good_fails_visibly(message, mailbox):
    mailbox.refusal_of = lambda _: "550 no such user"

    with pytest.raises(kinds.PermanentFailure):
        await message.send()

    assert await message.reason() == "failed"


async def test_an_email_that_the_server_refuses_for_now_is_sent_by_a_later_attempt(message, mailbox):
    mailbox.refusal_of = lambda _: "451 try later"
    with pytest.raises(mail.SMTPException):
        await message.send()
    failed = await message.reason()

    mailbox.refusal_of = lambda _: None
    await message.send()

    assert failed == "failed"
    assert await message.reason() == "sent"
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize(("step", "sent"), [("rcpt", 1), ("data", 2)])
async def test_a_server_that_stalls_before_or_after_accepting_is_tried_again(
    message, mailbox, monkeypatch, step, sent
):
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.5)
    stalled = asyncio.Event()

    async def stall(at: str) -> None:
        if at == step and not stalled.is_set():
            stalled.set()
            await asyncio.Event().wait()

    mailbox.on_step = stall
    with pytest.raises((mail.SMTPException, OSError, TimeoutError)):
        await message.send()
    await message.send()

    assert await message.reason() == "sent"
    assert len(mailbox.messages) == sent
    assert len({each["Message-ID"] for each in mailbox.messages}) == 1, "a repetition is recognizable"


async def test_a_server_that_answers_nonsense_is_tried_again(message, settings):
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff nonsense\r\n" * 3)
        await writer.drain()

    async with run_tcp_server(babble) as port:
        message.container.settings = settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{port}"})
        with pytest.raises((mail.SMTPException, OSError, ValueError)):
            await message.send()

    message.container.settings = settings
    await message.send()

    assert await message.reason() == "sent"


async def test_an_account_that_is_deleted_before_the_delivery_gets_nothing(message, mailbox):
    await models.User.filter(id=message.ada.id).update(deleted_at=clock.now())

    await message.send()

    assert mailbox.messages == []
    assert await message.reason() is None


async def test_an_account_that_is_deleted_during_the_delivery_breaks_nothing(message, mailbox):
    async def delete(at: str) -> None:
        if at == "data":
            await models.Notification.filter(user_id=message.ada.id).delete()

    mailbox.on_step = delete

    await message.send()

    assert await models.NotificationDecision.all().count() == 0
