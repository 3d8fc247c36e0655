"""From sign-up to password over a real server, with a real mail server beside it."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from statistics import median
from typing import Any

import pytest

from hubbub import models
from hubbub.core import clock
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.mailbox import Mailbox, plain_text, run_mailbox

OLD, NEW = "correct horse battery", "staple of another kind"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


@pytest.fixture
def settings(settings: Any, mailbox: Mailbox) -> Any:
    return settings.model_copy(update={"smtp_url": mailbox.url, "inline_workers": True})


async def login(instance: LiveInstance, email: str, password: str) -> int:
    status, _ = await instance.rest("POST", "/auth/login", json={"email": email, "password": password})
    return status


async def use(instance: LiveInstance, path: str, token: str, **more: str) -> tuple[int, Any]:
    status, answer = await instance.rest("POST", path, json={"token": token, **more})
    return status, answer and answer["code"]


async def test_an_email_address_is_verified_once(instance, mailbox):
    ada = await instance.register("ada")
    token = await mailbox.next_code("ada@example.com", "Confirm")
    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["email_verified"] is False

    assert await use(instance, "/auth/verify-email", token) == (204, None)
    assert await use(instance, "/auth/verify-email", token) == (400, "invalid_token")

    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["email_verified"] is True


async def test_the_verification_email_can_be_sent_again(instance, mailbox):
    ada = await instance.register("ada")
    first = await mailbox.next_code("ada@example.com", "Confirm")

    assert (await ada.rest("POST", "/auth/resend-verification", json={}))[0] == 202
    second = await mailbox.next_code("ada@example.com", "Confirm")

    assert first != second
    assert await use(instance, "/auth/verify-email", second) == (204, None)
    assert await use(instance, "/auth/verify-email", first) == (400, "invalid_token")
    assert (await instance.rest("POST", "/auth/resend-verification", json={}))[0] == 401


async def test_a_forgotten_password_is_reset(instance, mailbox):
    ada = await instance.register("ada")
    phone = await ada.connect_client()
    asked = {"email": " ADA@example.com"}
    assert await instance.rest("POST", "/auth/forgot-password", json=asked) == (202, None)
    token = await mailbox.next_code("ada@example.com", "Choose a new password")

    _, code = await use(instance, "/auth/reset-password", token, password="password123")
    assert code == "invalid_payload"
    assert await use(instance, "/auth/reset-password", token, password=NEW) == (204, None)

    assert (await phone.next_event("auth:revoked"))["reason"] == "password_reset"
    assert (await ada.rest("GET", "/auth/me"))[1]["code"] == "session_revoked"
    assert await login(instance, "ada@example.com", OLD) == 401
    assert await login(instance, "ada@example.com", NEW) == 200
    assert await use(instance, "/auth/reset-password", token, password=OLD) == (400, "invalid_token")
    await mailbox.next_message("ada@example.com", "Your password was changed")


async def test_of_several_concurrent_uses_of_a_token_one_succeeds(instance, mailbox):
    await instance.register("ada")
    await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    token = await mailbox.next_code("ada@example.com", "Choose a new password")

    answers = await asyncio.gather(
        *(use(instance, "/auth/reset-password", token, password=NEW) for _ in range(5))
    )

    assert sorted(status for status, _ in answers) == [204, 400, 400, 400, 400]


async def test_a_token_is_valid_for_one_purpose_and_a_limited_time(instance, mailbox):
    await instance.register("ada")
    verify = await mailbox.next_code("ada@example.com", "Confirm")
    assert await use(instance, "/auth/reset-password", verify, password=NEW) == (400, "invalid_token")
    await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    reset = await mailbox.next_code("ada@example.com", "Choose a new password")
    assert await use(instance, "/auth/verify-email", reset) == (400, "invalid_token")
    assert await use(instance, "/auth/verify-email", "nonsense 🐝") == (400, "invalid_token")

    await models.OneTimeToken.all().update(expires_at=clock.expiry_cutoff() - timedelta(seconds=1))

    assert await use(instance, "/auth/verify-email", verify) == (400, "invalid_token")
    assert await use(instance, "/auth/reset-password", reset, password=NEW) == (400, "invalid_token")


async def test_the_stored_data_reveals_no_token(instance, mailbox):
    await instance.register("ada")
    token = await mailbox.next_code("ada@example.com", "Confirm")

    rows = [*await models.OneTimeToken.all().values(), *await models.Job.all().values()]

    assert rows
    assert token not in str(rows)


async def test_a_changed_password_ends_other_sessions(instance, mailbox):
    ada = await instance.register("ada")
    asked = {"email": "ada@example.com", "password": OLD, "device_name": "phone"}
    _, answer = await instance.rest("POST", "/auth/login", json=asked)
    phone = ApiUser(instance, answer["data"])
    message = await mailbox.next_message("ada@example.com", "A new login")
    assert "the IP address 127.0.0.1" in plain_text(message)

    async def change(current: str, new: str) -> tuple[int, Any]:
        body = {"current_password": current, "new_password": new}
        status, answer = await ada.rest("POST", "/auth/change-password", json=body)
        return status, answer

    for current, new, field in (
        ("wrong", NEW, "current_password"),
        (OLD, "12345678", "new_password"),
        (OLD, "ada@example.com", "new_password"),
    ):
        status, answer = await change(current, new)
        assert (status, answer["errors"][0]["field"]) == (422, field)
    assert await change(OLD, NEW) == (204, None)

    assert (await ada.rest("GET", "/auth/me"))[0] == 200
    assert (await phone.rest("GET", "/auth/me"))[1]["code"] == "session_revoked"
    assert await login(instance, "ada@example.com", NEW) == 200
    await mailbox.next_message("ada@example.com", "Your password was changed")


async def test_login_emails_can_be_disabled(instance, mailbox):
    ada = await instance.register("ada")
    await ada.rest("PATCH", "/email/preferences", json={"new_login": False})
    body = {"email": "ada@example.com", "password": OLD, "device_name": "phone"}
    await instance.rest("POST", "/auth/login", json=body)

    await ada.rest("POST", "/auth/change-password", json={"current_password": OLD, "new_password": NEW})
    await mailbox.next_message("ada@example.com", "Your password was changed")

    # Jobs begin in the order in which they were stored.
    assert not any("login" in each["Subject"] for each in mailbox.messages)


async def test_emails_use_the_language_of_their_recipient(instance, mailbox):
    ada = await instance.register("ada")
    await ada.rest("PATCH", "/settings/preferences", json={"language": "de-AT"})

    await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})

    await mailbox.next_code("ada@example.com", "Wählen Sie ein neues Passwort")


async def test_neither_response_nor_time_reveals_whether_an_account_exists(instance, figures):
    await instance.register("ada")

    async def ask(path: str, body: dict[str, str]) -> tuple[float, tuple[int, Any]]:
        began = time.perf_counter()
        status, answer = await instance.rest("POST", path, json=body)
        took = time.perf_counter() - began
        return took, (status, {name: it for name, it in (answer or {}).items() if name != "request_id"})

    for path, more in (("/auth/forgot-password", {}), ("/auth/login", {"password": "wrong password"})):
        times: dict[str, list[float]] = {"ada@example.com": [], "eve@example.com": []}
        answers = []
        for _ in range(7):  # in turn, so that a busy machine is busy for both
            for email, took in times.items():
                seconds, answer = await ask(path, {"email": email, **more})
                took.append(seconds)
                answers.append(answer)
        assert all(answer == answers[0] for answer in answers)
        known, unknown = (median(took) * 1000 for took in times.values())
        figures(f"{path}: {known:.1f} ms for a known address, {unknown:.1f} ms for an unknown one")
        assert max(known, unknown) < 5 * min(known, unknown) + 50


async def test_jobs_are_kept_and_can_be_retried_without_a_mail_server(settings, mailbox, caplog):
    off = settings.model_copy(update={"env": "production", "smtp_url": "off"})
    async with LiveInstance(off) as instance:
        await instance.register("ada")
        await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
        async with asyncio.timeout(20):
            while await models.Job.exclude(state="dead").exists():  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(0.02)
        kept = await models.Job.all()

    assert len(kept) == 2
    assert {job.last_error for job in kept} == {"PermanentFailure: No e-mail is sent: HUBBUB_SMTP_URL is off"}
    assert "reset_password:" not in caplog.text

    async with LiveInstance(settings) as instance:
        await models.Job.filter(state="dead").update(state="ready", attempts=0, ended_at=None)
        token = await mailbox.next_code("ada@example.com", "Choose a new password")

        assert await use(instance, "/auth/reset-password", token, password=NEW) == (204, None)
