"""Digests: one e-mail for each window of a user, also late, repeated, and across a change of the clocks."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import msgspec
import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.schemas.jobs import SendDigest, SendDigests
from hubbub.schemas.users.preferences import EmailPreferences
from hubbub.services.notifications import digests
from tests.support.inboxes import notify

BERLIN = "Europe/Berlin"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type] # year, month, day, hour


def window(now: datetime, hour: int = 8, digest: str = "daily", zone: str = BERLIN) -> digests.Window:
    email = EmailPreferences(digest=digest, digest_hour=hour)  # type: ignore[arg-type]
    found = digests.last_window(email, zone, now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("now", "hour", "name", "start", "end"),
    [
        (utc(2026, 1, 10, 7), 8, "2026-01-10", utc(2026, 1, 9, 7), utc(2026, 1, 10, 7)),
        (utc(2026, 1, 10, 6, 59), 8, "2026-01-09", utc(2026, 1, 8, 7), utc(2026, 1, 9, 7)),
        # On 29 March the clocks go from 2 to 3: the window has 23 hours, and the next one 24.
        (utc(2026, 3, 29, 6), 8, "2026-03-29", utc(2026, 3, 28, 7), utc(2026, 3, 29, 6)),
        (utc(2026, 3, 30, 6), 8, "2026-03-30", utc(2026, 3, 29, 6), utc(2026, 3, 30, 6)),
        # The hour 2 does not exist on that day: its digest comes with the first hour after it.
        (utc(2026, 3, 29, 1), 2, "2026-03-29", utc(2026, 3, 28, 1), utc(2026, 3, 29, 1)),
        # On 25 October they go from 3 to 2: 25 hours, and the hour 2 comes twice.
        (utc(2026, 10, 25, 7), 8, "2026-10-25", utc(2026, 10, 24, 6), utc(2026, 10, 25, 7)),
        (utc(2026, 10, 25, 0), 2, "2026-10-25", utc(2026, 10, 24, 0), utc(2026, 10, 25, 0)),
        (utc(2026, 10, 25, 1), 2, "2026-10-25", utc(2026, 10, 24, 0), utc(2026, 10, 25, 0)),
    ],
)
def test_a_window_ends_at_the_hour_in_the_time_zone_of_the_user(now, hour, name, start, end):
    assert window(now, hour) == digests.Window(name, start, end)


@pytest.mark.parametrize("hour", [0, 1, 2, 3, 8, 23])
def test_the_windows_of_a_year_follow_each_other_without_gap_and_overlap(hour):
    now, found = utc(2026, 1, 2), []
    while now < utc(2027, 1, 2):
        each = window(now, hour)
        if not found or found[-1] != each:
            found.append(each)
        now += timedelta(hours=1)

    assert len(found) >= 365
    assert len({each.name for each in found}) == len(found)
    assert all(left.end == right.start for left, right in pairwise(found))


def test_a_weekly_window_ends_on_monday():
    found = window(utc(2026, 11, 30, 12), digest="weekly")

    assert found == digests.Window("2026-11-30", utc(2026, 11, 23, 7), utc(2026, 11, 30, 7))
    assert window(utc(2026, 12, 6, 23), digest="weekly") == found


@pytest.fixture
def now(monkeypatch):
    """The time, which a test moves."""
    times = [utc(2026, 3, 28, 12)]
    monkeypatch.setattr(clock, "now", lambda: times[-1])
    return times


async def subscriber(create_user, name: str, chosen: str = '{"digest":"daily"}') -> models.User:
    user: models.User = await create_user(name)
    await models.Preference.create(user=user, kind="email", chosen=chosen)
    await models.Preference.create(user=user, kind="app", chosen=f'{{"time_zone":"{BERLIN}"}}')
    return user


async def run(container) -> list[SendDigest]:
    """Run the schedule, and the jobs that it stored."""
    await digests.enqueue_job(container, SendDigests(run_id=UUID(int=7)))
    jobs = await models.Job.filter(kind="digest.send", state="ready").order_by("created_at")
    await models.Job.filter(kind="digest.send").update(state="done")
    payloads = [msgspec.json.decode(job.payload, type=SendDigest) for job in jobs]
    for each in payloads:
        await digests.send_job(container, each)
    return payloads


async def test_each_window_has_one_digest_across_a_change_of_the_clocks(container, create_user, mailbox, now):
    ada = await subscriber(create_user, "ada")
    await run(container)
    await models.Inbox.filter(user_id=ada.id).update(digest_window="2026-03-28")

    windows = []
    for _ in range(50):  # every hour, over the night in which 2 o'clock is skipped
        now.append(now[-1] + timedelta(hours=1))
        if now[-1].hour == 20:
            await notify(container, str(ada.id), body="device")
        windows += [job.window for job in await run(container)]

    assert windows == ["2026-03-29", "2026-03-30"]
    assert [each["Subject"] for each in mailbox.messages if each["To"] == "ada@example.com"][-2:] == [
        "1 unread notification",
        "1 unread notification",
    ]


async def test_a_missed_run_is_made_up_once(container, create_user, mailbox, now):
    ada = await subscriber(create_user, "ada")
    now.append(utc(2026, 5, 4, 5))
    await notify(container, str(ada.id))
    now.append(utc(2026, 5, 4, 17))  # everything was down at 8 o'clock in Berlin

    jobs = [*await run(container), *await run(container)]

    assert [job.window for job in jobs] == ["2026-05-04"]
    assert len(mailbox.messages) == 1
    text = mailbox.messages[0].get_body(("plain",)).get_content()
    assert "* A new login to your account" in text
    assert "4 May 2026, 08:00 (Europe/Berlin)" in text
    assert "unsubscribe?token=" in mailbox.messages[0]["List-Unsubscribe"]


async def test_concurrent_runs_enqueue_one_digest(container, create_user, now):
    for number in range(4):
        await subscriber(create_user, f"user{number}")

    await asyncio.gather(*(digests.enqueue_job(container, SendDigests(run_id=UUID(int=7))) for _ in range(4)))

    assert await models.Job.filter(kind="digest.send").count() == 4


async def test_a_digest_that_was_chosen_after_its_hour_begins_with_the_next_one(container, create_user, now):
    chosen_at = clock.rfc3339(now[-1])
    chosen = f'{{"digest":"daily","digest_chosen_at":"{chosen_at}"}}'
    await subscriber(create_user, "ada", chosen)

    today = await run(container)
    now.append(now[-1] + timedelta(hours=24))
    tomorrow = await run(container)

    assert today == []
    assert [job.window for job in tomorrow] == ["2026-03-29"]


async def test_nothing_is_sent_without_unread_notifications_or_after_switching_off(
    container, create_user, mailbox, now
):
    ada, bob = await subscriber(create_user, "ada"), await subscriber(create_user, "bob")
    now.append(utc(2026, 3, 28, 5))
    await notify(container, str(bob.id))
    now.append(utc(2026, 3, 28, 12))
    await digests.enqueue_job(container, SendDigests(run_id=UUID(int=7)))
    await models.Preference.filter(user_id=bob.id, kind="email").update(chosen="{}")

    for user in (ada, bob):
        await digests.send_job(container, SendDigest(user_id=user.id, window="2026-03-28"))

    assert mailbox.messages == []
