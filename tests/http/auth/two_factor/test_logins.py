"""Two-factor over REST: logins with codes, and guesses of codes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import socketio

from hubbub import models
from hubbub.core import clock
from hubbub.services.mail import one_time_tokens
from tests.http.auth.two_factor.phone import PASSWORD, change, equipped, login, owe, verify
from tests.support.live_instance import ApiUser
from tests.support.mailbox import Mailbox, run_mailbox


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
