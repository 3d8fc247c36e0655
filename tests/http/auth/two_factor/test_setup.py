"""Two-factor over REST: it is set up, switched off, and recorded without secrets."""

import logging
from typing import Any
from uuid import UUID

import pytest

from hubbub import models
from hubbub.services.mail import one_time_tokens
from tests.http.auth.two_factor.phone import PASSWORD, Phone, change, equipped, login, owe, verify
from tests.support.live_instance import ApiUser, LiveInstance

SIGNED = {"access_token", "refresh_token", "token_type", "expires_in", "user"}
WRONG = "000000"


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
