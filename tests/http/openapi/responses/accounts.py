"""Calls of the operations of accounts, sessions, API keys and second factors."""

from datetime import timedelta
from uuid import UUID

import pyotp

from hubbub import models
from hubbub.core import clock
from hubbub.services.mail import one_time_tokens
from tests.http.openapi.responses.operation_caller import SPENT, OperationCaller
from tests.support.live_instance import ApiUser


async def call_accounts(asker: OperationCaller, ada: ApiUser) -> None:
    password = "correct horse battery"
    account = {"name": "Bea", "email": "bea@example.com", "password": password, "username": "bea"}
    await asker.ask(None, "POST", "/auth/register", 201, json=account)
    await asker.ask(None, "POST", "/auth/register", 409, json=account)
    login = {"email": "bea@example.com", "password": password}
    signed = (await asker.ask(None, "POST", "/auth/login", 200, json=login))["data"]
    await asker.ask(None, "POST", "/auth/login", 401, json={**login, "password": "wrong"})
    spent = {"refresh_token": signed["refresh_token"]}
    renewed = (await asker.ask(None, "POST", "/auth/refresh", 200, json=spent))["data"]
    await asker.ask(None, "POST", "/auth/refresh", 400, json=spent)
    SPENT[0] = renewed["refresh_token"]
    other = ApiUser(asker.instance, (await asker.ask(None, "POST", "/auth/login", 200, json=login))["data"])
    await asker.ask(other, "POST", "/auth/logout", 204)
    await asker.ask(ada, "GET", "/auth/me", 200)
    await _users(asker, ada, login)


async def _users(asker: OperationCaller, ada: ApiUser, login: dict[str, str]) -> None:
    ask, profile = (
        asker.ask,
        {"bio": "Counts.", "first_name": "Ada", "last_name": "Byron", "metadata": {"theme": "dark"}},
    )
    await ask(ada, "PATCH", "/users/profile", 200, json=profile)
    await ask(ada, "GET", "/users/{username}", 200, username="ada")
    await ask(ada, "GET", "/users/{username}", 404, username="nobody")
    await ask(ada, "PATCH", "/users/profile", 409, json={"username": "bea"})
    await ask(ada, "GET", "/users/profile", 200)
    for path, changed in (
        ("/settings/preferences", {"theme": "dark"}),
        ("/notifications/preferences", {"quiet": {"from": "22:00", "until": "07:00"}}),
        ("/email/preferences", {"digest": "weekly"}),
    ):
        await ask(ada, "GET", path, 200)
        await ask(ada, "PATCH", path, 200, json=changed)
    await ask(ada, "POST", "/settings/preferences/reset", 200)
    bea = ApiUser(asker.instance, (await ask(None, "POST", "/auth/login", 200, json=login))["data"])
    own = (await ask(bea, "GET", "/sessions", 200))["data"]
    other = next(session["id"] for session in own if not session["current"])
    await ask(bea, "DELETE", "/sessions/{session_id}", 204, session_id=other)
    await ask(bea, "DELETE", "/sessions", 204)


async def call_credentials(asker: OperationCaller) -> None:
    ask, eva = asker.ask, await asker.instance.register("eva")
    email, new = "eva@example.com", "staple of another kind"

    async def token(purpose: str) -> dict[str, str]:
        return {"token": await one_time_tokens.create(UUID(eva.id), purpose, email)}

    await ask(eva, "POST", "/auth/resend-verification", 202)
    await ask(None, "POST", "/auth/verify-email", 204, json=await token("verify_email"))
    await ask(None, "POST", "/auth/verify-email", 400, json={"token": "x"})
    await ask(None, "POST", "/auth/forgot-password", 202, json={"email": email})
    reset = {**await token("reset_password"), "password": new}
    undo = await one_time_tokens.create_undo(
        await models.User.get(id=eva.id), one_time_tokens.UNDO_API_KEY, eva.id
    )
    await ask(
        None, "POST", "/auth/undo", 204, json={"token": await one_time_tokens.create_stored_token(undo)}
    )
    await ask(None, "POST", "/auth/undo", 400, json={"token": "x"})
    await ask(None, "POST", "/auth/reset-password", 204, json=reset)
    await ask(None, "POST", "/auth/reset-password", 400, json=reset)
    login = {"email": email, "password": new}
    eva = ApiUser(asker.instance, (await ask(None, "POST", "/auth/login", 200, json=login))["data"])
    change = {"current_password": new, "new_password": "correct horse battery"}
    await ask(eva, "POST", "/auth/change-password", 204, json=change)
    await ask(eva, "GET", "/users/account/export", 403)
    await ask(eva, "POST", "/auth/confirm", 401, json={"password": "x"})
    await ask(eva, "POST", "/auth/confirm", 204, json={"password": change["new_password"]})
    await ask(eva, "GET", "/users/account/export", 200)
    await ask(eva, "POST", "/users/account/request-deletion", 202)
    await ask(eva, "DELETE", "/users/account", 400, json={"token": "x"})
    await ask(eva, "DELETE", "/users/account", 204, json=await token("delete_account"))


async def call_email_change(asker: OperationCaller) -> None:
    ask, liv = asker.ask, await asker.instance.register("liv")
    confirm, wanted = "/auth/change-email/confirm", {"email": "liv.new@example.com"}
    own = models.User.filter(id=liv.id)

    async def token(purpose: str) -> dict[str, str | None]:
        row = await models.OneTimeToken.filter(user_id=liv.id, purpose=purpose).first()
        return {"token": await one_time_tokens.create_stored_token(str(row.id if row else ""))}

    async def taken(email: str) -> models.User:
        return await models.User.create(username="other", display_name="Other", email=email)

    await ask(liv, "POST", "/auth/change-email", 403, json=wanted)
    await liv.mark_sessions_confirmed()
    await ask(liv, "POST", "/auth/change-email", 202, json=wanted)
    change = await token(one_time_tokens.CHANGE_EMAIL)
    await own.update(suspended_at=clock.now())
    await ask(None, "POST", confirm, 403, json=change)
    await own.update(suspended_at=None)
    other = await taken(wanted["email"])
    await ask(None, "POST", confirm, 409, json=change)
    await other.delete()
    await ask(None, "POST", confirm, 204, json=change)
    await ask(None, "POST", confirm, 400, json=change)
    undo = await token(one_time_tokens.UNDO_EMAIL)
    other = await taken("liv@example.com")
    await ask(None, "POST", "/auth/undo", 409, json=undo)
    await other.delete()
    await ask(None, "POST", "/auth/undo", 204, json=undo)


async def call_api_keys(asker: OperationCaller) -> None:
    ask, kim = asker.ask, await asker.instance.register("kim")
    await kim.mark_sessions_confirmed()
    for _ in range(25):
        await ask(kim, "POST", "/api-keys", 201, json={"name": "a program", "scopes": ["read"]})
    await ask(kim, "POST", "/api-keys", 409, json={"name": "a program", "scopes": ["read"]})
    own = (await ask(kim, "GET", "/api-keys", 200))["data"]
    await ask(kim, "GET", "/api-keys/{key_id}", 200, key_id=own[0]["id"])
    await ask(kim, "DELETE", "/api-keys/{key_id}", 204, key_id=own[0]["id"])


async def call_two_factor(asker: OperationCaller) -> None:
    ask, tia = asker.ask, await asker.instance.register("tia")
    await ask(tia, "GET", "/auth/2fa", 200)
    wrong, login = {"code": "x"}, {"email": "tia@example.com", "password": "correct horse battery"}
    confirm = {"password": login["password"], "code": "x"}
    await tia.mark_sessions_confirmed()
    await ask(tia, "POST", "/auth/2fa/enable", 409, json=wrong)
    for path in ("disable", "recovery-codes"):
        await ask(tia, "POST", f"/auth/2fa/{path}", 409, json=confirm)
    secret = (await ask(tia, "POST", "/auth/2fa/setup", 200, json={}))["data"]["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    own = models.TwoFactor.filter(user_id=tia.id)
    await own.update(wait_until=clock.now() + timedelta(minutes=1))
    await ask(tia, "POST", "/auth/2fa/enable", 429, json=code)
    await own.update(wait_until=None)
    codes = (await ask(tia, "POST", "/auth/2fa/enable", 200, json=code))["data"]["recovery_codes"]
    await ask(tia, "POST", "/auth/2fa/setup", 409, json={})
    owed = (await ask(None, "POST", "/auth/login", 200, json=login))["data"]["mfa_token"]
    await ask(None, "POST", "/auth/2fa/verify", 401, json={"mfa_token": owed, **wrong})
    await ask(None, "POST", "/auth/2fa/verify", 200, json={"mfa_token": owed, "code": codes[0]})
    await ask(None, "POST", "/auth/2fa/verify", 400, json={"mfa_token": owed, **wrong})
    owed = (await ask(None, "POST", "/auth/login", 200, json=login))["data"]["mfa_token"]
    await own.update(wait_until=clock.now() + timedelta(minutes=1))
    await ask(None, "POST", "/auth/2fa/verify", 429, json={"mfa_token": owed, **code})
    for path in ("disable", "recovery-codes"):
        await ask(tia, "POST", f"/auth/2fa/{path}", 429, json={**confirm, **code})
    await own.update(wait_until=None)
    await models.User.filter(id=tia.id).update(suspended_at=clock.now())
    await ask(None, "POST", "/auth/2fa/verify", 403, json={"mfa_token": owed, **code})
    await models.User.filter(id=tia.id).update(suspended_at=None)
    confirm["code"] = codes[1]
    new = (await ask(tia, "POST", "/auth/2fa/recovery-codes", 200, json=confirm))["data"]
    confirm["code"] = new["recovery_codes"][0]
    await ask(tia, "POST", "/auth/2fa/disable", 204, json=confirm)
