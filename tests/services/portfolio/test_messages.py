"""Messages to the owner of a public portfolio: what they create and refuse, limits and the honeypot."""

from ipaddress import ip_network
from uuid import UUID, uuid4

import msgspec
import pytest

from hubbub import models
from hubbub.core import metrics
from hubbub.db import database
from hubbub.gateways import mail
from hubbub.schemas.jobs import NotifyByEmail, NotifyPortfolioMessage
from hubbub.services.notifications import emails, portfolio_messages
from tests.support.databases import both_databases
from tests.support.live_instance import LiveInstance
from tests.support.public_portfolio import set_profile

MESSAGE = {"name": "Eve Example", "email": "eve@example.org", "message": "Hello,\nare you free?"}
JOB = "notification.portfolio"


@pytest.fixture
def database_kind(request):
    """SQLite, except for tests with `both_databases`."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
async def instance(settings):
    """An instance without workers, behind a proxy, so that tests choose IP addresses and run the jobs."""
    networks = (ip_network("127.0.0.0/8"),)
    given = {"trusted_proxies": networks, "inline_workers": False}
    async with LiveInstance(settings.model_copy(update=given)) as instance:
        ada = await instance.register("ada")
        await set_profile(instance, ada)
        await models.Job.all().delete()
        yield instance


async def send(instance, username="ada", ip="192.0.2.1", **fields):
    """Send a message. Returns status and JSON."""
    return await instance.rest(
        "POST",
        f"/public/portfolio/{username}/messages",
        json={**MESSAGE, **fields},
        headers={"X-Forwarded-For": ip},
    )


async def run_jobs(instance):
    """Run the jobs of all messages that were sent, twice, as a worker that died would."""
    rows = await models.Job.filter(kind=JOB)
    for row in rows * 2:
        job = msgspec.json.decode(row.payload, type=NotifyPortfolioMessage)
        await portfolio_messages.notify_job(instance.app.container, job)
    return len(rows)


async def inbox_of(instance):
    status, response = await instance.users["ada"].rest("GET", "/notifications")
    assert status == 200
    return response["data"]


@both_databases
async def test_the_owner_is_notified_of_a_message(instance):
    assert await send(instance) == (202, None)
    assert await run_jobs(instance) == 1

    (notification,) = await inbox_of(instance)
    assert notification["kind"] == "portfolio.message"
    assert notification["title"] == "A message from Eve Example"
    assert notification["body"] == "Hello,\nare you free?\n\neve@example.org"
    assert notification["data"] == {"url": f"{instance.settings.public_url}/@ada"}
    assert notification["actor"] is None


async def test_the_owner_gets_an_email(instance, monkeypatch):
    sent = []

    async def keep(_settings, to, rendered):
        sent.append((to, rendered))

    monkeypatch.setattr(mail, "send", keep)
    await models.User.filter(username="ada").update(email_verified_at="2026-01-01T00:00:00+00:00")
    await send(instance)
    await run_jobs(instance)
    (row,) = await models.Notification.all()

    await emails.send_job(instance.app.container, NotifyByEmail(notification_id=row.id))

    ((to, rendered),) = sent
    assert (to, rendered.subject) == ("ada@example.com", "A message from Eve Example")
    assert "Eve Example (eve@example.org)" in rendered.text
    assert "are you free?" in rendered.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \u200b "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"email": "eve"}, "email"),
        ({"email": "eve@example.org\r\nBcc: all@example.org"}, "email"),
        ({"message": ""}, "message"),
        ({"message": "\n \n"}, "message"),
        ({"message": "x" * 5001}, "message"),
        ({"message": 7}, "message"),
        ({"website": 7}, "website"),
        ({"subject": "hi"}, "subject"),
    ],
)
async def test_a_wrong_field_is_refused_and_does_not_count(instance, fields, field):
    statuses = [(await send(instance, **fields))[0] for _ in range(6)]
    status, response = await send(instance, **fields)

    assert statuses == [422] * 6
    assert (status, [each["field"] for each in response["errors"]]) == (422, [field])
    assert (await send(instance))[0] == 202


@pytest.mark.parametrize("fields", [{"message": "x" * 5000}, {"name": "x" * 80}, {"website": ""}])
async def test_the_longest_fields_are_accepted(instance, fields):
    assert (await send(instance, **fields))[0] == 202
    assert await run_jobs(instance) == 1


async def test_a_filled_honeypot_looks_accepted_and_creates_nothing(instance):
    filled = await send(instance, website="https://spam.example")
    honest = await send(instance)

    assert filled == honest
    assert await models.Job.all().count() == 1


@both_databases
async def test_an_owner_who_switched_the_kind_off_gets_nothing(instance):
    ada = instance.users["ada"]
    off = {"kinds": {"portfolio.message": {"in_app": False, "push": False, "sms": False}}}
    assert (await ada.rest("PATCH", "/notifications/preferences", json=off))[0] == 200
    assert (await ada.rest("PATCH", "/email/preferences", json={"portfolio_message": False}))[0] == 200

    assert await send(instance) == (202, None)
    await run_jobs(instance)

    assert await models.Notification.all().count() == 0
    assert await models.Job.filter(kind="notification.email").count() == 0


async def test_without_the_inbox_the_owner_still_gets_the_email(instance):
    off = {"kinds": {"portfolio.message": {"in_app": False}}}
    await instance.users["ada"].rest("PATCH", "/notifications/preferences", json=off)

    await send(instance)
    await run_jobs(instance)

    assert await inbox_of(instance) == []
    assert await models.Job.filter(kind="notification.email").count() == 1


async def test_an_ip_address_sends_five_messages_an_hour(instance):
    bob = await instance.register("bob")
    await set_profile(instance, bob)

    statuses = [(await send(instance, name))[0] for name in ("ada", "bob") * 3]
    refused, response = await send(instance)

    assert statuses == [202] * 5 + [429]
    assert (refused, response["code"]) == (429, "rate_limited")
    assert (await send(instance, ip="192.0.2.2"))[0] == 202
    assert [(await send(instance, ip=ip))[0] for ip in ("2001:db8::1", "2001:db8::2")] == [202, 202]


async def test_honeypots_count_for_the_ip_address_and_not_for_the_portfolio(instance):
    spam = [(await send(instance, ip=f"198.51.100.{number}", website="x"))[0] for number in range(30)]
    more = [(await send(instance, ip="198.51.100.0", website="x"))[0] for _ in range(5)]

    assert spam == [202] * 30
    assert more == [202] * 4 + [429]
    assert (await send(instance))[0] == 202


async def test_a_portfolio_receives_twenty_messages_a_day(instance):
    statuses = [(await send(instance, ip=f"198.51.100.{number}"))[0] for number in range(21)]

    assert statuses == [202] * 20 + [429]
    assert await models.Job.filter(kind=JOB).count() == 20


@pytest.mark.parametrize("hide", ["private", "unknown", "suspended"])
async def test_a_portfolio_that_is_not_public_receives_nothing(instance, hide):
    ada = instance.users["ada"]
    if hide == "private":
        await set_profile(instance, ada, is_public=False)
    if hide == "suspended":
        await models.User.filter(id=ada.id).update(suspended_at="2026-01-01T00:00:00+00:00")
    username = "nobody" if hide == "unknown" else "ada"

    statuses = [(await send(instance, username))[0] for _ in range(10)]

    assert statuses == [404] * 10  # it does not count either
    assert await models.Job.all().count() == 0


async def test_a_message_over_the_limit_takes_no_query(instance):
    for _ in range(5):
        await send(instance)
    statements = metrics.counters["database_statements"]

    assert (await send(instance))[0] == 429
    assert metrics.counters["database_statements"] == statements


async def test_a_repeated_key_sends_one_message(instance):
    key = {"Idempotency-Key": str(uuid4()), "X-Forwarded-For": "192.0.2.1"}
    sent = [
        await instance.rest("POST", "/public/portfolio/ada/messages", json=MESSAGE, headers=key)
        for _ in range(2)
    ]

    assert sent == [(202, None)] * 2
    assert await models.Job.filter(kind=JOB).count() == 1


async def test_an_owner_who_is_deleted_meanwhile_gets_nothing(instance):
    await send(instance)
    user_id = UUID(instance.users["ada"].id)
    await models.Inbox.filter(user_id=user_id).delete()
    async with database.transaction():
        await models.User.filter(id=user_id).update(deleted_at="2026-01-01T00:00:00+00:00")

    await run_jobs(instance)

    assert await models.Notification.all().count() == 0
