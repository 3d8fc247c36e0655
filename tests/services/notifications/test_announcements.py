"""An announcement is in every inbox once: when the inbox is next accessed, and never for later accounts."""

import asyncio
import time

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.errors import Forbidden
from hubbub.db import database
from hubbub.queries.notifications import announcements as rows
from hubbub.schemas.jobs import DeliverAnnouncement
from hubbub.schemas.notifications.announcements import CreateAnnouncement
from hubbub.schemas.notifications.notifications import ListNotifications, SyncInbox
from hubbub.services.context import Context
from hubbub.services.jobs import kinds
from hubbub.services.notifications import announcements, inbox
from tests.support.inboxes import counted_unread, notify
from tests.support.waiting import until


async def announce(title: str, author: models.User) -> int:
    """Store an announcement as `create` does."""
    async with database.transaction() as tx:
        return await rows.insert(tx, ids.uuid7(), author.id, (title, "text", None), clock.now())


async def run_job(container, job):
    """Run the job once. Returns the job that continues it, None at its end."""
    try:
        await announcements.deliver_job(container, job)
    except kinds.Unfinished as more:
        return more.payload
    return None


async def titles(container, user) -> list[str]:
    page = await inbox.list_page(Context(container, user.id), ListNotifications())
    return [each.title for each in page.notifications]


async def test_an_announcement_is_an_entry_at_each_kind_of_access(container, create_user):
    users = [await create_user(name) for name in ("ada", "bob", "eve", "dan")]
    contexts = [Context(container, user.id) for user in users]
    await announce("One", users[0])

    listed = await inbox.list_page(contexts[0], ListNotifications())
    synced = await inbox.sync(contexts[1], SyncInbox(after_seq=0))
    position = await inbox.position(container, users[2].id)
    await notify(container, str(users[3].id))

    assert [each.title for each in listed.notifications] == ["One"]
    assert [each.payload.notification.title for each in synced.entries] == ["One"]
    assert (position.last_seq, position.unread) == (1, 1)
    assert await titles(container, users[3]) == ["A new login to your account", "One"]


async def test_concurrent_accesses_append_it_once(container, create_user):
    ada = await create_user("ada")
    await announce("One", ada)
    await announce("Two", ada)

    await asyncio.gather(
        *(inbox.position(container, ada.id) for _ in range(5)),
        *(notify(container, str(ada.id)) for _ in range(5)),
    )

    assert sorted(await titles(container, ada), reverse=True)[:2] == ["Two", "One"]
    assert await counted_unread(str(ada.id)) == (7, 7)


async def test_later_accounts_do_not_receive_it(container, create_user):
    ada = await create_user("ada")
    await announce("Before", ada)
    announced_by = clock.rfc3339(clock.now())
    await until(lambda: clock.rfc3339(clock.now()) > announced_by)  # times have milliseconds
    bob = await create_user("bob")
    await announce("After", ada)

    assert await titles(container, bob) == ["After"]
    assert await titles(container, ada) == ["After", "Before"]


async def test_numbers_have_the_order_of_the_commits(container, create_user):
    ada = await create_user("ada")

    numbers = await asyncio.gather(*(announce(f"{number}", ada) for number in range(8)))

    assert sorted(numbers) == list(range(1, 9))
    stored = await models.Announcement.all().order_by("number").values_list("number", flat=True)
    assert stored == list(range(1, 9))


async def test_the_job_appends_it_for_connected_users_only(container, create_user, monkeypatch):
    monkeypatch.setattr(announcements, "SLICE_USERS", 2)
    users = [await create_user(f"user{number}") for number in range(5)]
    await container.presence.mark_connected([user.id for user in users[1:4]])
    number = await announce("One", users[0])

    await announcements.deliver_job(container, DeliverAnnouncement(number=number))
    await announcements.deliver_job(container, DeliverAnnouncement(number=number))

    having = await models.Notification.filter(kind="system.announcement").values_list("user_id", flat=True)
    assert sorted(having) == sorted(user.id for user in users[1:4])


async def test_the_job_continues_where_an_interrupted_run_ended(container, create_user, monkeypatch):
    monkeypatch.setattr(announcements, "SLICE_USERS", 2)
    monkeypatch.setattr(announcements, "MAX_RUN_S", 0.0)
    users = [await create_user(f"user{number}") for number in range(5)]
    await container.presence.mark_connected([user.id for user in users])
    job, runs = DeliverAnnouncement(number=await announce("One", users[0])), 0

    while (following := await run_job(container, job)) is not None:
        job, runs = following, runs + 1

    assert runs == 3
    assert await models.Notification.filter(kind="system.announcement").count() == 5


async def test_a_user_who_switched_announcements_off_has_none_in_the_inbox(container, create_user):
    ada = await create_user("ada")
    chosen = '{"kinds":{"system.announcement":{"in_app":false}}}'
    await models.Preference.create(user=ada, kind="notifications", chosen=chosen)
    await announce("One", ada)

    assert await titles(container, ada) == []
    assert await titles(container, ada) == []
    (row,) = await models.Notification.filter(user_id=ada.id)
    decision = await models.NotificationDecision.get(notification_id=row.id, channel="in_app")
    assert (row.seq, decision.reason) == (None, "off_kind")


async def test_only_admins_announce(container, create_user):
    ada, root = await create_user("ada"), await create_user("root", role="admin")
    command = CreateAnnouncement(title="One", body="text")

    for role in ("moderator", "admin"):  # the role may have changed since the request was authenticated
        with pytest.raises(Forbidden):
            await announcements.create(Context(container, ada.id, role=role), command)
    assert not await models.Announcement.exists()
    assert await models.AuditRecord.filter(action="announcement.create", outcome="failed").exists()
    assert root.role == "admin"


@pytest.mark.soak
@pytest.mark.timeout(400)
async def test_100_000_connected_users_have_an_announcement_within_a_minute(container, create_user, figures):
    ada = await create_user("ada")
    names = [f"user{number}" for number in range(100_000)]
    rows_of = [models.User(username=it, email=f"{it}@example.com", display_name=it) for it in names]
    await models.User.bulk_create(rows_of, batch_size=5000)
    await container.presence.mark_connected([row.id for row in rows_of])
    job, runs = DeliverAnnouncement(number=await announce("One", ada)), 1
    started_at, used = clock.monotonic(), time.process_time()

    while (following := await run_job(container, job)) is not None:
        job, runs = following, runs + 1

    took, cpu = clock.monotonic() - started_at, time.process_time() - used
    figures(f"all have the announcement after {took:.1f} s, {cpu:.1f} s of CPU, {runs} runs of the job")
    assert await models.Notification.filter(kind="system.announcement").count() == 100_000
    assert took < 60
