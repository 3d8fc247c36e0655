"""The contact form: what it accepts, what it refuses, and what it keeps."""

import re
from datetime import timedelta
from html import unescape

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.http.pages.form_stamps import FormStamps
from tests.http.public.test_pages import BROWSER, change_profile, load
from tests.support import waiting

FORM = {"name": "Grace", "email": "grace@example.org", "message": "Hello\r\nAda", "website": ""}

EARLY_S = -100  # age of a stamp that is too early, whatever clocks differ and requests take


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
async def ada(instance):
    user = await instance.register("ada")
    await change_profile(user, is_public=True)
    return user


@pytest.fixture
def stamp(monkeypatch):
    """Return a stamp of a given age."""

    def issue(instance, age_s=10, form="contact:ada"):
        stamps = FormStamps([instance.settings.secret_key])
        with monkeypatch.context() as patched:
            at = clock.now() - timedelta(seconds=age_s)
            patched.setattr(clock, "now", lambda: at)
            return stamps.issue(form)

    return issue


async def send(instance, form, path="/@ada/contact", **headers):
    async with instance.http.post(
        f"{instance.url}{path}", data=form, headers={**BROWSER, **headers}
    ) as response:
        return response.status, response.headers, await response.text()


async def inbox(user):
    return (await user.rest("GET", "/notifications"))[1]["data"]


async def test_the_form_has_a_new_stamp_each_time_and_is_not_stored(instance, ada):
    pages = [await load(instance, "/@ada/contact") for _ in range(2)]

    stamps = [re.findall('name="stamp" value="([^"]+)"', page)[0] for _, _, page in pages]
    assert [status for status, _, _ in pages] == [200, 200]
    assert all(re.fullmatch(r"\d+\.[\w-]{43}", each) for each in stamps)
    assert pages[0][1]["Cache-Control"] == "no-store"
    assert "noindex" in pages[0][2]


async def test_a_message_notifies_the_owner(instance, ada, stamp):
    status, headers, page = await send(instance, {**FORM, "stamp": stamp(instance)})

    assert status == 202
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Thank you" in page
    [entry] = await waiting.until(lambda: inbox(ada))
    assert entry["kind"] == "portfolio.message"
    assert entry["title"] == "A message from Grace"
    assert entry["body"].startswith("Hello\nAda")


@pytest.mark.parametrize(
    ("changes", "age_s", "form"),
    [
        ({"website": "https://spam.example"}, 10, "contact:ada"),  # accepted, without an effect
        ({}, EARLY_S, "contact:ada"),
        ({}, 25 * 3600, "contact:ada"),
        ({}, 10, "contact:eve"),
        ({"stamp": ""}, 10, "contact:ada"),
    ],
)
async def test_a_form_that_a_program_filled_in_stores_nothing(instance, ada, stamp, changes, age_s, form):
    status, _, _ = await send(instance, {**FORM, "stamp": stamp(instance, age_s, form), **changes})

    assert status == (202 if "website" in changes else 422)
    assert await models.Job.filter(kind__contains="ortfolio").count() == 0
    assert await inbox(ada) == []


async def test_a_wrong_form_says_why_and_keeps_what_was_typed(instance, ada, stamp):
    typed = {"name": 'Grace "<b>"', "email": "no address", "message": "", "website": ""}

    status, _, page = await send(instance, {**typed, "stamp": stamp(instance)})

    assert status == 422
    assert unescape(re.findall('id="name"[^>]* value="([^"]*)"', page)[0]) == typed["name"]
    assert re.findall('id="email"[^>]* value="([^"]*)"', page) == ["no address"]
    assert 'id="email-error"' in page
    assert 'id="message-error"' in page
    assert 'id="name-error"' not in page
    assert "<b>" not in page


async def test_a_form_that_was_sent_too_early_can_be_sent_again(instance, ada, stamp):
    early = stamp(instance, EARLY_S)

    status, _, page = await send(instance, {**FORM, "stamp": early})

    assert status == 422
    assert "Wait a few seconds" in page
    assert f'name="stamp" value="{early}"' in page
    assert "Hello\nAda" in page


async def test_the_limits_are_those_of_the_operation(instance, ada, stamp):
    sent = [await send(instance, {**FORM, "stamp": stamp(instance)}) for _ in range(6)]

    assert [status for status, _, _ in sent] == [202] * 5 + [429]
    _, headers, page = sent[-1]
    assert int(headers["Retry-After"]) > 0
    assert "Hello\nAda" in page


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": FORM}, 415),
        ({"data": b"name=%FF", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        ({"data": b"a=1&" * 100, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        (
            {
                "data": b"a=" + b"1" * 200_000,
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            },
            413,
        ),
        ({"data": b"", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
    ],
)
async def test_other_bodies_are_refused(instance, ada, options, status):
    headers = {**BROWSER, **options.pop("headers", {})}
    async with instance.http.post(f"{instance.url}/@ada/contact", headers=headers, **options) as response:
        assert (response.status, response.content_type) == (status, "text/html")


async def test_there_is_no_form_of_a_portfolio_that_is_not_public(instance, ada, stamp):
    await change_profile(ada, is_public=False)

    assert (await load(instance, "/@ada/contact"))[0] == 404
    assert (await send(instance, {**FORM, "stamp": stamp(instance)}))[0] == 404
