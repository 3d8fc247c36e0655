"""Read notifications are removed after a time, and those in no inbox; unread ones stay."""

from datetime import timedelta

from hubbub import models
from hubbub.core import clock
from hubbub.db import locking
from hubbub.services.notifications import retention
from tests.support.inboxes import counted_unread


async def test_old_notifications_are_removed_with_their_decisions(container, create_user, monkeypatch):
    monkeypatch.setattr(locking, "MAX_LOCKED_ROWS", 2)
    ada = await create_user("ada")
    await models.Inbox.create(user=ada, last_seq=6, unread=2)
    now = clock.now()
    ages: list[tuple[int | None, int, int | None]] = [  # seq, days of creation, days of reading
        (1, 400, 181),
        (2, 400, 179),
        (3, 400, None),
        (4, 200, 181),
        (5, 200, 182),
        (6, 1, None),
        (None, 31, None),
        (None, 29, None),
    ]
    for number, (seq, created, read) in enumerate(ages):
        row = await models.Notification.create(
            user=ada,
            seq=seq,
            kind="room.invited",
            source=str(number),
            created_at=now - timedelta(days=created),
            read_at=now - timedelta(days=read) if read is not None else None,
        )
        await models.NotificationDecision.create(notification=row, channel="in_app", reason="read", at=now)

    await retention.purge(180, 30)

    assert sorted(await models.Notification.all().values_list("source", flat=True)) == ["1", "2", "5", "7"]
    assert await models.NotificationDecision.all().count() == 4
    assert await counted_unread(str(ada.id)) == (2, 2)
