"""Inboxes are logs: seqs without gaps, exact counts, one notification per source and user."""

import asyncio
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.schemas.notifications.notifications import ReadNotifications
from hubbub.services.context import Context
from hubbub.services.notifications import inbox
from tests.support.inboxes import counted_unread, notify


async def seqs(user_id: UUID) -> list[int]:
    rows = models.Notification.filter(user_id=user_id).order_by("seq")
    return [int(str(seq)) for seq in await rows.values_list("seq", flat=True)]


async def test_concurrent_notifications_get_seqs_without_gaps(container, create_user):
    ada, bob = await create_user("ada"), await create_user("bob")

    await asyncio.gather(
        *(notify(container, str(ada.id), str(bob.id)) for _ in range(10)),
        *(notify(container, str(bob.id), str(ada.id)) for _ in range(10)),
    )

    assert await seqs(ada.id) == await seqs(bob.id) == list(range(1, 21))
    assert await counted_unread(str(ada.id)) == (20, 20)


async def test_one_source_creates_one_notification_per_user(container, create_user):
    ada, bob = await create_user("ada"), await create_user("bob")

    await asyncio.gather(*(notify(container, str(ada.id), source="message:1") for _ in range(5)))
    await notify(container, str(ada.id), str(bob.id), str(ada.id), source="message:1")

    assert await seqs(ada.id) == await seqs(bob.id) == [1]
    assert await counted_unread(str(ada.id)) == (1, 1)


async def test_the_unread_count_never_differs_from_the_rows(container, create_user):
    ada = await create_user("ada")
    ctx = Context(container, ada.id)
    appended = [(await notify(container, str(ada.id)))[0] for _ in range(10)]

    await asyncio.gather(
        *(notify(container, str(ada.id)) for _ in range(10)),
        *(inbox.mark_read(ctx, ReadNotifications(id=each.id)) for each in appended[5:]),
        *(inbox.mark_read(ctx, ReadNotifications(id=each.id)) for each in appended[5:]),
        *(inbox.mark_read(ctx, ReadNotifications(up_to_seq=seq)) for seq in (2, 4, 6)),
    )

    counted, rows = await counted_unread(str(ada.id))
    assert counted == rows == 10


async def test_a_deleted_account_receives_nothing(container, create_user):
    ada, gone = await create_user("ada"), await create_user("gone", deleted_at=clock.now())

    appended = await notify(container, str(gone.id), str(ada.id))

    assert [each.user_id for each in appended] == [ada.id]
    assert not await models.Inbox.exists(user_id=gone.id)
    assert not await models.Notification.exists(user_id=gone.id)


async def test_counts_are_capped_for_clients_and_exact_in_the_database(container, create_user):
    ada = await create_user("ada")
    await notify(container, str(ada.id))
    await models.Inbox.filter(user_id=ada.id).update(unread=1500)

    unread = await inbox.unread(Context(container, ada.id))

    assert unread.unread == 1000
