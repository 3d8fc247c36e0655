"""Changing the e-mail address, with a real mail server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.schemas.jobs import SendMail
from hubbub.services.mail import mailer, one_time_tokens
from tests.support.live_instance import PASSWORD, LiveInstance
from tests.support.mailbox import Mailbox, plain_text, run_mailbox

OLD, NEW = "ada@example.com", "lovelace@example.com"
ASK, CHANGED, TAKEN = "Confirm your new", "Your e-mail address was changed", "Your e-mail address was entered"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


@pytest.fixture
def settings(settings: Any, mailbox: Mailbox) -> Any:
    return settings.model_copy(update={"smtp_url": mailbox.url, "inline_workers": True})


async def login(instance: LiveInstance, email: str) -> int:
    return (await instance.rest("POST", "/auth/login", json={"email": email, "password": PASSWORD}))[0]


async def use(instance: LiveInstance, path: str, token: str) -> tuple[int, Any]:
    status, answer = await instance.rest("POST", path, json={"token": token})
    return status, answer and answer["code"]


async def test_the_address_is_changed_by_the_new_one_and_restored_by_the_former_one(instance, mailbox):
    ada = await (await instance.register("ada")).confirm_session()
    phone = await ada.connect_client()

    assert await ada.rest("POST", "/auth/change-email", json={"email": " Lovelace@Example.com"}) == (
        202,
        None,
    )
    token = await mailbox.next_code(NEW, ASK)
    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["email"] == OLD
    assert await use(instance, "/auth/verify-email", token) == (400, "invalid_token")
    assert await use(instance, "/auth/undo", token) == (400, "invalid_token")
    assert await use(instance, "/auth/change-email/confirm", token) == (204, None)
    assert await use(instance, "/auth/change-email/confirm", token) == (400, "invalid_token")

    account = (await ada.rest("GET", "/auth/me"))[1]["data"]
    assert (account["email"], account["email_verified"]) == (NEW, True)
    assert [await login(instance, email) for email in (OLD, NEW)] == [401, 200]
    undo = await mailbox.next_code(OLD, CHANGED)
    await mailbox.next_message(NEW, "Welcome")
    assert await use(instance, "/auth/change-email/confirm", undo) == (400, "invalid_token")
    assert await use(instance, "/auth/undo", undo) == (204, None)
    assert await use(instance, "/auth/undo", undo) == (400, "invalid_token")

    assert (await phone.next_event("auth:revoked"))["reason"] == "email_restored"
    assert (await ada.rest("GET", "/auth/me"))[1]["code"] == "session_revoked"
    assert [await login(instance, email) for email in (OLD, NEW)] == [200, 401]


async def test_the_owner_of_a_taken_address_receives_an_email_instead(instance, mailbox):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    bob = await instance.register("bob")
    await bob.rest("PATCH", "/settings/preferences", json={"language": "de"})

    german, english = "Ihre E-Mail-Adresse wurde für ein Konto eingegeben", TAKEN
    found = []
    for email, subject in (("bob@example.com", german), (OLD, english), ("new@example.com", ASK)):
        assert await ada.rest("POST", "/auth/change-email", json={"email": email}) == (202, None)
        found.append(plain_text(await mailbox.next_message(email, subject)))

    assert "bob" in found[0]
    assert "ada" not in found[0].lower()
    assert not [each for each in mailbox.messages if ASK in each["Subject"] and "new@" not in each["To"]]


async def test_the_stored_data_reveals_no_token(instance, mailbox):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    await ada.rest("POST", "/auth/change-email", json={"email": NEW})
    token = await mailbox.next_code(NEW, ASK)
    before = [*await models.OneTimeToken.all().values(), *await models.Job.all().values()]
    await use(instance, "/auth/change-email/confirm", token)
    undo = await mailbox.next_code(OLD, CHANGED)

    rows = [*before, *await models.OneTimeToken.all().values(), *await models.Job.all().values()]
    rows += await models.AuditRecord.all().values()

    assert token not in str(rows)
    assert undo not in str(rows)


async def test_a_change_that_was_replaced_or_confirmed_sends_no_email(settings, mailbox):
    async with services_context.open_container(settings) as container:
        user = await models.User.create(username="ada", display_name="Ada", email=OLD)
        session = await models.Session.create(user=user, refresh_digest="x", expires_at=user.created_at)
        stored = [
            await one_time_tokens.create_change(user, email, session.id) for email in (NEW, "c@example.com")
        ]

        for each in stored:
            await mailer.send_job(
                container, SendMail(template="change_email", user_id=user.id, context={"change": each})
            )

    assert [message["To"] for message in mailbox.messages] == ["c@example.com"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_a_request_is_refused_without_confirmation_and_with_a_bad_address(instance):
    ada = await instance.register("ada")
    asked = {"email": NEW}

    assert (await instance.rest("POST", "/auth/change-email", json=asked))[0] == 401
    status, refusal = await ada.rest("POST", "/auth/change-email", json=asked)
    assert (status, refusal["code"]) == (403, "confirmation_required")
    await ada.mark_sessions_confirmed()
    for body in ({"email": "no address"}, {"email": "a@localhost"}, {}, {**asked, "name": "x"}):
        assert (await ada.rest("POST", "/auth/change-email", json=body))[0] == 422
    assert not await models.OneTimeToken.filter(purpose=one_time_tokens.CHANGE_EMAIL).exists()
