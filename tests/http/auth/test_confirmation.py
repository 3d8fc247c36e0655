"""What an access token alone is not enough for, and what a stolen one leaves behind."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.http.middleware.api_keys import needs_session
from hubbub.http.middleware.auth import is_public
from tests.support.api_contract import api_contract
from tests.support.live_instance import PASSWORD, ApiUser, LiveInstance
from tests.support.mailbox import Mailbox, run_mailbox

# Every route of a session, by what it needs besides the access token. A route that is added is added here.
CONFIRMED: dict[tuple[str, str], Any] = {
    ("POST", "/auth/2fa/setup"): {},
    ("POST", "/auth/2fa/enable"): {"code": "123456"},
    ("POST", "/auth/change-email"): {"email": "eve@example.com"},
    ("DELETE", "/auth/identities/{identity_id}"): None,
    ("POST", "/api-keys"): {"name": "k", "scopes": ["read", "write"]},
    ("GET", "/users/account/export"): None,
    ("POST", "/users/account/request-deletion"): {},
}
BY_PASSWORD: dict[tuple[str, str], Any] = {
    ("POST", "/auth/confirm"): {"password": "a guess", "code": "1"},
    ("POST", "/auth/change-password"): {"current_password": "a guess", "new_password": "staple of another"},
    ("POST", "/auth/2fa/disable"): {"password": "a guess", "code": "123456"},
    ("POST", "/auth/2fa/recovery-codes"): {"password": "a guess", "code": "123456"},
}
BY_EMAIL: dict[tuple[str, str], Any] = {("DELETE", "/users/account"): {"token": "x"}}
# They reduce privileges, or return what the caller may read. The permissions of an admin end with the role.
HARMLESS = {
    *(("POST", "/auth/logout"), ("GET", "/auth/2fa"), ("GET", "/auth/identities")),
    ("POST", "/auth/resend-verification"),  # to the address of the account
    *(("GET", "/api-keys"), ("GET", "/api-keys/{key_id}"), ("DELETE", "/api-keys/{key_id}")),
    *(("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", "/sessions/{session_id}")),
}


@pytest.fixture
async def mailbox():
    async with run_mailbox() as made:
        yield made


@pytest.fixture
def settings(settings: Any, mailbox: Mailbox) -> Any:
    return settings.model_copy(update={"smtp_url": mailbox.url, "inline_workers": True})


def one_database() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("database_kind", ["sqlite"])


def of_sessions() -> set[tuple[str, str]]:
    """The routes that need a session, without those of admins, from the table of routes."""
    return {
        (method, path.removeprefix("/api/v1"))
        for method, path, _ in api_contract().operations()
        if not is_public(path) and needs_session(path) and not path.startswith("/api/v1/admin/")
    }


def test_every_route_declares_its_requirements_besides_a_token():
    assert of_sessions() == {*CONFIRMED, *BY_PASSWORD, *BY_EMAIL, *HARMLESS}


def test_the_document_marks_routes_that_need_a_confirmation():
    said = {
        (method, path.removeprefix("/api/v1"))
        for method, path, operation in api_contract().operations()
        if "confirmation_required" in str(operation["responses"].get("403"))
    }

    assert said == set(CONFIRMED)


async def requested(user: ApiUser, route: tuple[str, str], body: Any) -> tuple[int, str]:
    method, path = route
    for name in ("identity_id", "key_id"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    status, answer = await user.rest(method, path, **({"json": body} if body is not None else {}))
    return status, answer.get("code", "") if answer else ""


@one_database()
async def test_a_token_alone_is_not_enough(instance):
    ada = await instance.register("ada")
    signed = (await instance.rest("POST", "/auth/login", json=login()))[1]["data"]
    _, answer = await instance.rest("POST", "/auth/refresh", json={"refresh_token": signed["refresh_token"]})

    refusals = {
        (*route, number): await requested(user, route, body)
        for route, body in CONFIRMED.items()
        for number, user in enumerate((ada, ApiUser(instance, signed), ApiUser(instance, answer["data"])))
    }

    assert set(refusals.values()) == {(403, "confirmation_required")}
    assert not await models.ApiKey.exists()
    assert not await models.TwoFactor.exists()
    assert not await models.AuditRecord.exists(action="account.export")


@one_database()
async def test_the_password_in_the_request_must_be_right_too(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    await equip(ada)

    refusals = {route: await requested(ada, route, body) for route, body in (BY_PASSWORD | BY_EMAIL).items()}

    assert set(refusals.values()) <= {
        *((401, "unauthenticated"), (422, "invalid_payload"), (400, "invalid_token"), (429, "rate_limited"))
    }


def login(password: str = PASSWORD) -> dict[str, str]:
    return {"email": "ada@example.com", "password": password}


async def equip(user: ApiUser) -> tuple[str, list[str]]:
    """Switch two-factor on for a confirmed session: the secret and the recovery codes."""
    secret = (await user.rest("POST", "/auth/2fa/setup", json={}))[1]["data"]["secret"]
    code = {"code": pyotp.TOTP(secret).at(int(time.time()))}
    status, answer = await user.rest("POST", "/auth/2fa/enable", json=code)
    assert status == 200, answer
    return secret, answer["data"]["recovery_codes"]


async def make(user: ApiUser) -> tuple[int, Any]:
    return await user.rest("POST", "/api-keys", json={"name": "k", "scopes": ["read"]})


async def test_the_password_confirms_this_session_for_ten_minutes(instance):
    ada = await instance.register("ada")
    other = ApiUser(instance, (await instance.rest("POST", "/auth/login", json=login()))[1]["data"])

    await ada.confirm_session()

    assert (await make(ada))[0] == 201
    assert (await make(other))[0] == 403
    confirmed = models.Session.filter(user_id=ada.id, confirmed_at__isnull=False)
    await confirmed.update(confirmed_at=clock.now() - timedelta(minutes=10))
    assert (await make(ada))[0] == 403


async def test_a_wrong_password_or_code_is_unauthenticated(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    _, codes = await equip(ada)
    await models.Session.filter(user_id=ada.id).update(confirmed_at=None)

    for wrong in ({"password": "a guess"}, {"password": PASSWORD}, {"password": PASSWORD, "code": "x"}):
        status, answer = await ada.rest("POST", "/auth/confirm", json=wrong)
        assert (status, answer["code"]) == (401, "unauthenticated")
    assert (await make(ada))[0] == 403
    await ada.confirm_session(code=codes[0])
    assert (await make(ada))[0] == 201
    acts = models.AuditRecord.filter(action="session.confirm").order_by("at", "id")
    assert await acts.values_list("outcome", "reason") == [
        *(("failed", "wrong_password"), ("failed", "wrong_code"), ("failed", "wrong_code"), ("ok", None))
    ]


@one_database()
async def test_a_refusal_is_not_stored_as_the_idempotent_response(instance):
    ada, again = await instance.register("ada"), {"Idempotency-Key": str(uuid4())}
    body = {"name": "k", "scopes": ["read"]}
    assert (await ada.rest("POST", "/api-keys", json=body, headers=again))[0] == 403

    await ada.confirm_session()

    assert (await ada.rest("POST", "/api-keys", json=body, headers=again))[0] == 201


@one_database()
async def test_an_api_key_cannot_be_confirmed(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    key = (await make(ada))[1]["data"]["key"]

    status, answer = await instance.rest(
        "POST", "/auth/confirm", json={"password": PASSWORD}, headers={"X-API-Key": key}
    )

    assert (status, answer["code"]) == (403, "forbidden")


@one_database()
async def test_head_of_an_export_requires_a_confirmation_too(instance):
    ada = await instance.register("ada")
    url = f"{instance.url}/api/v1/users/account/export"

    async with instance.http.head(url, headers={"Authorization": f"Bearer {ada.token}"}) as answer:
        assert answer.status == 403


# --- after a reset by e-mail ---


async def reset(instance: LiveInstance, mailbox: Mailbox, **more: bool) -> None:
    await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    token = await mailbox.next_code("ada@example.com", "Choose a new password")
    body = {"token": token, "password": "staple of another kind", **more}
    assert (await instance.rest("POST", "/auth/reset-password", json=body))[0] == 204


@pytest.mark.parametrize(
    ("more", "status"), [({}, 401), ({"end_api_keys": True}, 401), ({"end_api_keys": False}, 200)]
)
async def test_a_password_reset_revokes_api_keys_by_default(instance, mailbox, more, status):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    key = (await make(ada))[1]["data"]["key"]
    await equip(ada)

    await reset(instance, mailbox, **more)

    assert (await instance.rest("GET", "/auth/me", headers={"X-API-Key": key}))[0] == status
    assert (await ada.rest("GET", "/auth/me"))[0] == 401
    _, answer = await instance.rest("POST", "/auth/login", json=login("staple of another kind"))
    assert answer["data"]["mfa_required"] is True


# --- undoing by e-mail ---


async def undo(instance: LiveInstance, token: str) -> int:
    return (await instance.rest("POST", "/auth/undo", json={"token": token}))[0]


async def test_the_email_about_an_api_key_revokes_it(instance, mailbox):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    kept, made = [(await make(ada))[1]["data"] for _ in range(2)]
    tokens = [await mailbox.next_code("ada@example.com", "A new API key") for _ in range(2)]

    assert await undo(instance, tokens[1]) == 204

    for key, status in ((made, 401), (kept, 200)):
        assert (await instance.rest("GET", "/auth/me", headers={"X-API-Key": key["key"]}))[0] == status
    assert await undo(instance, tokens[1]) == 400
    assert await undo(instance, tokens[0]) == 204
    assert not await models.ApiKey.exists()


async def test_the_email_about_a_second_factor_disables_it(instance, mailbox):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    await equip(ada)
    token = await mailbox.next_code("ada@example.com", "Two-factor login is on")

    await reset(instance, mailbox)
    assert await undo(instance, token) == 204

    assert not await models.TwoFactor.exists()
    assert not await models.RecoveryCode.exists()
    _, answer = await instance.rest("POST", "/auth/login", json=login("staple of another kind"))
    assert "access_token" in answer["data"]


async def test_a_later_second_factor_is_not_disabled_by_an_earlier_email(instance, mailbox):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    _, codes = await equip(ada)
    token = await mailbox.next_code("ada@example.com", "Two-factor login is on")
    await ada.rest("POST", "/auth/2fa/disable", json={"password": PASSWORD, "code": codes[0]})
    await equip(ada)

    assert await undo(instance, token) == 204

    assert await models.TwoFactor.exists(enabled_at__isnull=False)


async def test_the_email_about_a_disabled_second_factor_restores_it(instance, mailbox):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    _, codes = await equip(ada)
    await ada.rest("POST", "/auth/2fa/disable", json={"password": PASSWORD, "code": codes[0]})
    token = await mailbox.next_code("ada@example.com", "Two-factor login is off")
    await equip(ada)  # a user who disabled it has another app

    assert await undo(instance, token) == 204

    _, answer = await instance.rest("POST", "/auth/login", json=login())
    owed = {"mfa_token": answer["data"]["mfa_token"], "code": codes[1]}
    assert (await instance.rest("POST", "/auth/2fa/verify", json=owed))[0] == 200


@one_database()
@pytest.mark.parametrize("spoilt", ["expired", "of another purpose", "unknown"])
async def test_a_token_with_nothing_to_undo_is_refused(instance, mailbox, spoilt):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    await make(ada)
    token = await mailbox.next_code("ada@example.com", "A new API key")
    own = models.OneTimeToken.filter(user_id=UUID(ada.id))
    if spoilt == "expired":
        await own.update(expires_at=clock.now() - timedelta(minutes=5))
    elif spoilt == "of another purpose":
        await own.update(purpose="reset_password")

    assert await undo(instance, "x" if spoilt == "unknown" else token) == 400
    assert await models.ApiKey.exists()
