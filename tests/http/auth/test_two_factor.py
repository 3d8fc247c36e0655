"""Two-factor authentication over a real server, with attempts of attackers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest
import socketio

from hubbub import models
from hubbub.core import clock
from hubbub.services.mail import one_time_tokens
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.mailbox import Mailbox, run_mailbox

PASSWORD = "correct horse battery"
SIGNED = {"access_token", "refresh_token", "token_type", "expires_in", "user"}
WRONG = "000000"


class Phone:
    """An authenticator app."""

    def __init__(self, user: ApiUser, secret: str, codes: list[str]) -> None:
        self.person = user
        self.secret = secret
        self.recovery = codes
        self.first = ""  # the code that enabled it

    def code(self, steps: int = 0) -> str:
        """The code of now, or of a later step."""
        return pyotp.TOTP(self.secret).at(int(time.time()), counter_offset=steps)

    def wrong(self) -> str:
        """A code that is none of those around now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)

    async def fresh(self) -> str:
        """A code of now, as if none had been used before."""
        await models.TwoFactor.filter(user_id=self.person.id).update(last_step=0)
        return self.code()


async def login(
    instance: LiveInstance, username: str = "ada", password: str = PASSWORD, **more: str
) -> tuple[int, Any]:
    body = {"email": f"{username}@example.com", "password": password, **more}
    return await instance.rest("POST", "/auth/login", json=body)


async def owe(instance: LiveInstance, username: str = "ada") -> str:
    """Return the token of a login that waits for a code."""
    status, answer = await login(instance, username)
    assert (status, set(answer["data"])) == (200, {"mfa_required", "mfa_token"})
    token: str = answer["data"]["mfa_token"]
    return token


async def verify(instance: LiveInstance, token: str, code: str) -> tuple[int, Any]:
    status, answer = await instance.rest("POST", "/auth/2fa/verify", json={"mfa_token": token, "code": code})
    return status, answer["data"] if status == 200 else answer["code"]


async def equipped(instance: LiveInstance, name: str = "ada") -> Phone:
    """Register a user with two-factor enabled."""
    user = await (await instance.register(name)).mark_sessions_confirmed()
    _, answer = await user.rest("POST", "/auth/2fa/setup", json={})
    phone = Phone(user, answer["data"]["secret"], [])
    phone.first = phone.code()
    status, answer = await user.rest("POST", "/auth/2fa/enable", json={"code": phone.first})
    assert status == 200, answer
    phone.recovery = answer["data"]["recovery_codes"]
    return phone


async def change(user: ApiUser, what: str, password: str, code: str) -> tuple[int, Any]:
    """Send a request that needs the password and a code."""
    status, answer = await user.rest("POST", f"/auth/2fa/{what}", json={"password": password, "code": code})
    if status == 422:
        return status, answer["errors"][0]["field"]
    return status, answer and (answer["data"] if status == 200 else answer["code"])


async def test_two_factor_is_set_up_used_and_disabled(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    client = await ada.connect_client()
    assert (await ada.rest("GET", "/auth/2fa"))[1]["data"] == {"enabled": False, "recovery_codes_left": 0}

    status, answer = await ada.rest("POST", "/auth/2fa/setup", json={})
    assert (status, set(answer["data"])) == (200, {"secret", "otpauth_uri"})
    phone = Phone(ada, answer["data"]["secret"], [])
    assert answer["data"]["otpauth_uri"].startswith("otpauth://totp/hubbub:ada%40example.com?secret=")
    assert set((await login(instance))[1]["data"]) == SIGNED  # nothing has changed yet
    status, answer = await ada.rest("POST", "/auth/2fa/enable", json={"code": phone.wrong()})
    assert (status, answer["errors"][0]["field"]) == (422, "code")

    status, answer = await ada.rest("POST", "/auth/2fa/enable", json={"code": phone.code()})
    assert (status, list(answer["data"])) == (200, ["recovery_codes"])
    assert len(set(answer["data"]["recovery_codes"])) == 10
    assert (await ada.rest("GET", "/auth/2fa"))[1]["data"] == {"enabled": True, "recovery_codes_left": 10}

    _, answer = await login(instance, device_name="a new phone")
    assert answer["data"]["mfa_required"] is True
    status, signed = await verify(instance, answer["data"]["mfa_token"], phone.code(1))
    assert (status, set(signed)) == (200, SIGNED)
    assert await models.Session.filter(device_name="a new phone").exists()
    assert (await ApiUser(instance, signed).rest("GET", "/auth/me"))[0] == 200

    assert await change(ada, "disable", PASSWORD, await phone.fresh()) == (204, None)
    assert set((await login(instance))[1]["data"]) == SIGNED
    assert (await ada.rest("GET", "/auth/2fa"))[1]["data"] == {"enabled": False, "recovery_codes_left": 0}
    await client.synchronize()  # through all of it the sessions go on
    assert client.count_events("auth:revoked") == 0


async def test_a_secret_can_be_replaced_until_a_code_confirms_it(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    status, answer = await ada.rest("POST", "/auth/2fa/enable", json={"code": "123456"})
    assert (status, answer["code"]) == (409, "conflict")
    first, second = [
        Phone(ada, (await ada.rest("POST", "/auth/2fa/setup", json={}))[1]["data"]["secret"], [])
        for _ in range(2)
    ]

    assert (await ada.rest("POST", "/auth/2fa/enable", json={"code": first.code()}))[0] == 422
    assert (await ada.rest("POST", "/auth/2fa/enable", json={"code": second.code()}))[0] == 200

    for path, body in (("setup", {}), ("enable", {"code": second.code(1)})):
        status, answer = await ada.rest("POST", f"/auth/2fa/{path}", json=body)
        assert (status, answer["code"]) == (409, "conflict")


async def test_two_factor_is_not_revealed_before_the_right_password(instance):
    await equipped(instance)
    await instance.register("bob")

    answers = [await login(instance, name, "a wrong password") for name in ("ada", "bob", "nobody")]

    for _, document in answers:
        del document["request_id"]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401


async def test_a_code_is_valid_once(instance):
    phone = await equipped(instance)
    now, later = phone.code(), phone.code(1)

    assert await verify(instance, await owe(instance), phone.first) == (401, "unauthenticated")  # it enabled
    assert (await verify(instance, await owe(instance), later))[0] == 200
    for code in (later, now):  # the same one, and one before it
        assert await verify(instance, await owe(instance), code) == (401, "unauthenticated")
    assert await change(phone.person, "disable", PASSWORD, later) == (422, "code")


async def test_a_code_sent_twice_at_once_is_valid_once(instance):
    phone = await equipped(instance)
    owed, code = [await owe(instance) for _ in range(4)], phone.code(1)

    answers = await asyncio.gather(*(verify(instance, token, code) for token in owed))

    assert sorted(status for status, _ in answers) == [200, 401, 401, 401]


async def test_a_login_is_completed_once(instance):
    phone = await equipped(instance)
    token = await owe(instance)
    good = [phone.code(1), *phone.recovery[:3]]

    answers = await asyncio.gather(*(verify(instance, token, code) for code in good))

    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]
    assert await verify(instance, token, phone.recovery[4]) == (400, "invalid_token")
    assert await models.RecoveryCode.all().count() >= 9  # refused ones stay valid


async def test_a_challenge_accepts_five_codes(instance):
    phone = await equipped(instance)
    token = await owe(instance)
    for _ in range(5):
        assert await verify(instance, token, "aaaa-aaaa-aaaa-aaaa") == (401, "unauthenticated")

    assert await verify(instance, token, phone.code(1)) == (400, "invalid_token")
    assert (await verify(instance, await owe(instance), phone.code(1)))[0] == 200


async def test_guesses_are_counted_over_all_challenges_and_waits_grow(instance):
    phone = await equipped(instance)
    for _ in range(5):
        assert await verify(instance, await owe(instance), phone.wrong()) == (401, "unauthenticated")

    async with instance.http.post(
        f"{instance.url}/api/v1/auth/2fa/verify",
        json={"mfa_token": await owe(instance), "code": phone.code(1)},
    ) as answer:
        assert (answer.status, (await answer.json())["code"]) == (429, "rate_limited")
        assert 0 < int(answer.headers["Retry-After"]) <= 31
    for code in (phone.wrong(), phone.code(1)):
        assert await change(phone.person, "disable", PASSWORD, code) == (429, "rate_limited")
    own = models.TwoFactor.filter(user_id=phone.person.id)
    await own.update(wait_until=clock.now())
    assert await verify(instance, await owe(instance), phone.wrong()) == (401, "unauthenticated")
    assert (await own.get()).wait_until - clock.now() > timedelta(seconds=35)

    # A recovery code needs no wait. A valid code of the app resets the count.
    assert (await verify(instance, await owe(instance), phone.recovery[0]))[0] == 200
    await own.update(wait_until=clock.now())
    assert (await verify(instance, await owe(instance), await phone.fresh()))[0] == 200
    assert (await own.get()).failures == 0


async def test_concurrent_guesses_are_all_counted(instance):
    phone = await equipped(instance)
    owed = [await owe(instance) for _ in range(4)]

    answers = await asyncio.gather(
        *(verify(instance, token, phone.wrong()) for token in owed for _ in range(5))
    )

    assert sorted(status for status, _ in answers) == [401] * 5 + [429] * 15


async def test_waits_have_a_maximum(instance):
    phone = await equipped(instance)
    own = models.TwoFactor.filter(user_id=phone.person.id)
    await own.update(failures=100_000)

    assert await verify(instance, await owe(instance), phone.wrong()) == (401, "unauthenticated")

    assert (await own.get()).wait_until - clock.now() <= timedelta(minutes=15)


async def test_tokens_of_other_purposes_are_refused_here(instance):
    phone = await equipped(instance)
    ada = phone.person
    reset = await one_time_tokens.create(UUID(ada.id), "reset_password", "ada@example.com")

    for token in (ada.token, ada.refresh_token, reset, "x"):
        assert await verify(instance, token, phone.code(1)) == (400, "invalid_token")


async def test_a_challenge_token_is_refused_elsewhere(instance):
    await equipped(instance)
    token = await owe(instance)
    bearer = {"Authorization": f"Bearer {token}"}

    assert (await instance.rest("GET", "/auth/me", headers=bearer))[0] == 401
    assert (await instance.rest("POST", "/auth/refresh", json={"refresh_token": token}))[0] == 400
    for path, more in (("verify-email", {}), ("reset-password", {"password": "staple of another kind"})):
        status, answer = await instance.rest("POST", f"/auth/{path}", json={"token": token, **more})
        assert (status, answer["code"]) == (400, "invalid_token")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await ApiUser(
            instance,
            {**vars(instance.users["ada"]), "user": instance.users["ada"].account, "access_token": token},
        ).connect_client()


@pytest.mark.parametrize("what", ["changed", "reset", "disabled", "expired", "suspended"])
async def test_a_pending_login_ends_with_the_password_it_began_with(instance, what):
    phone = await equipped(instance)
    ada, token, new = phone.person, await owe(instance), "staple of another kind"
    wanted = (400, "invalid_token")
    if what == "changed":
        body = {"current_password": PASSWORD, "new_password": new}
        assert (await ada.rest("POST", "/auth/change-password", json=body))[0] == 204
    elif what == "reset":
        body = {
            "token": await one_time_tokens.create(UUID(ada.id), "reset_password", "ada@example.com"),
            "password": new,
        }
        assert (await instance.rest("POST", "/auth/reset-password", json=body))[0] == 204
        _, answer = await login(instance, password=new)
        assert answer["data"]["mfa_required"] is True  # it stays on
    elif what == "disabled":
        assert (await change(ada, "disable", PASSWORD, phone.recovery[1]))[0] == 204
    elif what == "expired":
        await models.MfaChallenge.all().update(expires_at=clock.expiry_cutoff())
    else:
        await models.User.filter(id=ada.id).update(suspended_at=clock.now())
        wanted = (403, "suspended")

    assert await verify(instance, token, phone.recovery[0]) == wanted


async def test_a_recovery_code_is_valid_once_in_any_spelling(instance):
    phone = await equipped(instance)
    eve = await equipped(instance, "eve")
    code = phone.recovery[0]

    assert await verify(instance, await owe(instance), eve.recovery[0]) == (401, "unauthenticated")
    assert (await verify(instance, await owe(instance), f" {code.upper().replace('-', ' ')} "))[0] == 200
    assert await verify(instance, await owe(instance), code) == (401, "unauthenticated")
    owed = [await owe(instance) for _ in range(3)]
    answers = await asyncio.gather(*(verify(instance, token, phone.recovery[1]) for token in owed))
    assert sorted(status for status, _ in answers) == [200, 401, 401]
    assert (await phone.person.rest("GET", "/auth/2fa"))[1]["data"]["recovery_codes_left"] == 8


async def test_recovery_codes_are_generated_again(instance):
    phone = await equipped(instance)

    status, displayed = await change(phone.person, "recovery-codes", PASSWORD, phone.recovery[0])

    assert (status, len(displayed["recovery_codes"])) == (200, 10)
    assert not set(displayed["recovery_codes"]) & set(phone.recovery)
    assert await verify(instance, await owe(instance), phone.recovery[1]) == (401, "unauthenticated")
    assert (await verify(instance, await owe(instance), displayed["recovery_codes"][0]))[0] == 200


@pytest.mark.parametrize("what", ["disable", "recovery-codes"])
async def test_a_session_alone_changes_nothing(instance, what):
    phone = await equipped(instance)
    ada, bob = phone.person, await instance.register("bob")

    assert await change(bob, what, PASSWORD, WRONG) == (409, "conflict")
    assert await change(ada, what, PASSWORD, phone.wrong()) == (422, "code")
    for _ in range(4):
        assert await change(ada, what, "a wrong password", phone.code(1)) == (422, "password")
    assert await change(ada, what, PASSWORD, phone.code(1)) == (429, "rate_limited")
    assert (await ada.rest("GET", "/auth/2fa"))[1]["data"] == {"enabled": True, "recovery_codes_left": 10}


async def test_neither_database_nor_log_contains_a_secret(instance, caplog):
    caplog.set_level(logging.DEBUG)
    phone = await equipped(instance)
    token = await owe(instance)
    await verify(instance, token, phone.wrong())
    await verify(instance, token, phone.recovery[0])
    token = await owe(instance)

    rows: list[dict[str, Any]] = []
    for table in (models.TwoFactor, models.RecoveryCode, models.MfaChallenge, models.Job):
        rows += await table.all().values()

    kept = f"{rows} {caplog.text} {[vars(record) for record in caplog.records]}"
    for secret in (phone.secret, token, *phone.recovery, phone.recovery[1].replace("-", "")):
        assert secret not in kept


async def test_the_export_mentions_two_factor_and_a_deletion_removes_it(instance):
    phone = await equipped(instance)
    ada = phone.person
    await owe(instance)
    _, answer = await ada.rest("GET", "/users/account/export")
    assert answer["data"]["account"]["two_factor"] is True
    assert phone.secret not in str(answer)
    bob = await (await instance.register("bob")).mark_sessions_confirmed()
    assert (await bob.rest("GET", "/users/account/export"))[1]["data"]["account"]["two_factor"] is False

    token = await one_time_tokens.create(UUID(ada.id), "delete_account", "ada@example.com")
    assert (await ada.rest("DELETE", "/users/account", json={"token": token}))[0] == 204

    for table in (models.TwoFactor, models.RecoveryCode, models.MfaChallenge):
        assert not await table.exists()


class TestMail:
    """E-mails about two-factor."""

    @pytest.fixture
    async def mailbox(self) -> AsyncIterator[Mailbox]:
        async with run_mailbox() as made:
            yield made

    @pytest.fixture
    def settings(self, settings: Any, mailbox: Mailbox) -> Any:
        return settings.model_copy(update={"smtp_url": mailbox.url, "inline_workers": True})

    async def test_the_owner_gets_an_email_about_every_change(self, instance, mailbox):
        phone = await equipped(instance)
        await mailbox.next_message("ada@example.com", "Two-factor login is on")
        await phone.person.rest("PATCH", "/settings/preferences", json={"language": "de"})
        for _ in range(5):
            await verify(instance, await owe(instance), phone.wrong())
        await mailbox.next_message("ada@example.com", "Falsche Codes")
        await verify(instance, await owe(instance), phone.recovery[0])
        await mailbox.next_message("ada@example.com", "Ein Notfallcode wurde benutzt")
        await models.TwoFactor.all().update(wait_until=None)
        await change(phone.person, "disable", PASSWORD, phone.recovery[1])
        await mailbox.next_message("ada@example.com", "Die Anmeldung in zwei Schritten ist ausgeschaltet")


async def test_two_factor_survives_a_new_secret_key(settings):
    during = settings.model_copy(
        update={
            "secret_key": "the-secret-key-that-comes-after-it",
            "secret_key_previous": (settings.secret_key,),
        }
    )
    without = during.model_copy(update={"secret_key_previous": ()})
    async with LiveInstance(settings) as instance:
        phone = await equipped(instance)
        owed = await owe(instance)

    async with LiveInstance(during) as instance:
        assert (await verify(instance, owed, phone.code(1)))[0] == 200

    async with LiveInstance(without) as instance:
        assert await verify(instance, await owe(instance), await phone.fresh()) == (503, "unavailable")
        assert (await verify(instance, await owe(instance), phone.recovery[0]))[0] == 200


async def test_every_step_is_recorded_without_secrets(instance):
    phone = await equipped(instance)
    await verify(instance, await owe(instance), phone.wrong())
    await verify(instance, await owe(instance), phone.recovery[0])
    await change(phone.person, "recovery-codes", "a wrong password", phone.recovery[1])
    _, displayed = await change(phone.person, "recovery-codes", PASSWORD, phone.recovery[1])
    await change(phone.person, "disable", PASSWORD, displayed["recovery_codes"][0])

    rows = await models.AuditRecord.exclude(action="account.register").order_by("id")

    assert [(row.action, row.outcome, row.reason) for row in rows] == [
        ("two_factor.enable", "ok", None),
        ("session.first_step", "ok", None),
        ("session.sign_in", "failed", "wrong_code"),
        ("session.first_step", "ok", None),
        ("two_factor.use_recovery_code", "ok", None),
        ("session.sign_in", "ok", None),
        ("two_factor.renew_codes", "failed", "wrong_password"),
        ("two_factor.use_recovery_code", "ok", None),
        ("two_factor.renew_codes", "ok", None),
        ("two_factor.use_recovery_code", "ok", None),
        ("two_factor.disable", "ok", None),
    ]
    assert {row.target_id for row in rows} == {phone.person.id}
    kept = str([vars(row) for row in rows])
    assert not any(secret in kept for secret in (phone.secret, *phone.recovery, PASSWORD))
