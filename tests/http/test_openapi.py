"""The API document is valid and complete, and each response that it describes occurs here."""

from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pyotp
import pytest
from openapi_spec_validator import validate

from hubbub import models
from hubbub.config import oauth_providers
from hubbub.core import clock
from hubbub.http.request import MAX_BODY_BYTES
from hubbub.ratelimit.rate import Rate
from hubbub.services.chat import room_limits
from hubbub.services.mail import one_time_tokens
from tests.support.api_contract import ApiContract, api_contract
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.oauth_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    OAuthBrowser,
    ProviderUser,
    run_issuer,
)
from tests.support.tcp_proxy import TcpProxy

BURST = 5  # messages


@pytest.fixture
def database_kind():
    return "postgres"


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[TcpProxy]:
    made = TcpProxy(database_url)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def other() -> AsyncIterator[Issuer]:
    async with run_issuer() as made:
        yield made


@pytest.fixture
async def settings(settings: Any, proxy: TcpProxy, other: Issuer) -> Any:
    known = [
        (name, name, url, CLIENT_ID, CLIENT_SECRET)
        for name, url in (("test", other.url), ("down", "http://127.0.0.1:1"))
    ]
    return settings.model_copy(
        update={
            "database_url": proxy.url,
            "limit_message_send": Rate(BURST, 0.1),
            "oauth_issuers": tuple(oauth_providers.Provider(*each) for each in known),
        }
    )


class OperationCaller:
    """Calls operations by their described paths."""

    def __init__(self, instance: LiveInstance) -> None:
        self.instance = instance

    async def ask(
        self, by: ApiUser | None, method: str, path: str, wanted: int, **given: Any
    ) -> dict[str, Any]:
        """Call an operation and assert its status. `given` fills the path. Other options are aiohttp's."""
        options = {name: given.pop(name) for name in ("json", "params", "data", "headers") if name in given}
        for name, value in given.items():
            path = path.replace(f"{{{name}}}", str(value))
        ask = by.rest if by is not None else self.instance.rest
        status, answer = await ask(method, path.removeprefix("/api/v1"), **options)
        assert status == wanted, (method, path, answer)
        return answer or {}


def _anything(operation: dict[str, Any], path: str) -> dict[str, Any]:
    """A path and body that pass validation, to reach the checks behind the token."""
    ids = {part["name"]: "%F0%9F%91%8D" for part in operation["parameters"] if part["in"] == "path"}
    ids |= {name: str(uuid4()) for name in ids if name.endswith("_id")}
    return ids


def test_the_document_is_valid():
    validate(api_contract().document)


async def test_the_document_is_served_and_has_a_page(instance):
    status, answer = await instance.rest("GET", "/openapi.json")
    assert status == 200
    assert answer["paths"] == api_contract().document["paths"]
    async with instance.http.get(f"{instance.url}/api/docs") as page:
        assert page.status == 200
        text = await page.text()
    assert "http://" not in text
    assert "https://" not in text


async def test_each_described_response_is_seen(instance, proxy, other):
    described = ApiContract()
    api_contract().seen.clear()
    asker = OperationCaller(instance)
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    root = await (await instance.register("chief")).mark_sessions_confirmed()
    await models.User.filter(id=root.id).update(role="admin")
    await _refusals(asker, described, ada, root)
    await _accounts(asker, ada)
    await _credentials(asker)
    await _api_keys(asker)
    await _two_factor(asker)
    await _rooms(asker, ada)
    await _administration(asker, root)
    await _suspended(asker, described)
    back = await _oauth(asker, other)
    await proxy.stop()
    for method, path, operation in described.operations():
        body = _body(path)
        if "503" in operation["responses"]:
            await asker.ask(
                None if "security" not in operation else ada,
                method,
                path,
                503,
                **{**_anything(operation, path), **back.get(path, {})},
                **({"json": body} if body else {}),
            )
    await proxy.start()

    assert described.documented_responses - api_contract().seen == set()


def _body(path: str) -> dict[str, Any] | None:
    """A valid body for callers without a token."""
    login = {"email": "ada@example.com", "password": "correct horse battery"}
    return {
        "/api/v1/auth/register": {
            "name": "Eve",
            "email": "eve@example.com",
            "password": "correct horse battery",
        },
        "/api/v1/auth/login": login,
        "/api/v1/auth/2fa/verify": {"mfa_token": "x", "code": "x"},
        "/api/v1/auth/undo": {"token": "x"},
        "/api/v1/auth/verify-email": {"token": "x"},
        "/api/v1/auth/forgot-password": {"email": "ada@example.com"},
        "/api/v1/auth/reset-password": {"token": "x", "password": "staple of another kind"},
        "/api/v1/auth/refresh": {"refresh_token": _SPENT[0]},
        "/api/v1/auth/oauth/exchange": {"code": "x"},
    }.get(path)


_SPENT: list[str] = [""]


async def _refusals(asker: OperationCaller, described: ApiContract, ada: ApiUser, root: ApiUser) -> None:
    """Errors that follow from tokens, ids and bodies alone."""
    for method, path, operation in described.operations():
        ids = _anything(operation, path)
        able = root if path.startswith("/api/v1/admin/") else ada
        by = able if "security" in operation else None
        if by is not None:
            await asker.ask(None, method, path, 401, **ids)
        await asker.ask(by, method, path, 400, headers={"X-Long": "x" * 20_000}, **ids)
        answers = operation["responses"]
        kind = {"Content-Type": "application/json"}
        if "requestBody" in operation:
            await asker.ask(by, method, path, 400, data="{", headers=kind, **ids)
            await asker.ask(
                by, method, path, 413, data=BytesIO(bytes(MAX_BODY_BYTES + 1)), headers=kind, **ids
            )
            await asker.ask(by, method, path, 415, data="x", headers={"Content-Type": "text/plain"}, **ids)
            await asker.ask(by, method, path, 422, json={"no such field": 1}, **ids)
        elif "422" in answers and method != "POST":
            query = {part["name"] for part in operation["parameters"] if part["in"] == "query"}
            words = {name: "x" * 65 for name in ids if not name.endswith("_id")}
            narrow = [name for name in ("limit", "format", "challenge", "iss") if name in query]
            wrong = {"params": {narrow[0]: "0" if narrow[0] != "iss" else "x" * 1001}} if narrow else words
            await asker.ask(by, method, path, 422, **{**ids, **wrong})
        if method == "POST":
            await _idempotency(asker, by, path, ids)
        if "404" in answers and ids:
            await asker.ask(by, method, path, 404, json=_found(path, operation), **ids)


async def _idempotency(asker: OperationCaller, by: ApiUser | None, path: str, ids: dict[str, Any]) -> None:
    """Errors that follow from `Idempotency-Key`, which every POST may have."""
    used = {"Idempotency-Key": "used"}
    await asker.ask(by, "POST", "/rooms" if by else "/auth/login", 422, json={}, headers=used)
    await asker.ask(by, "POST", path, 409, headers=used, **ids)
    await asker.ask(by, "POST", path, 422, headers={"Idempotency-Key": "é"}, **ids)
    packed = {"Idempotency-Key": "packed", "Content-Encoding": "gzip", "Connection": "close"}
    await asker.ask(by, "POST", path, 400, data=b"not packed", headers=packed, **ids)
    body = BytesIO(bytes(MAX_BODY_BYTES + 1))
    await asker.ask(by, "POST", path, 413, data=body, headers={"Idempotency-Key": "large"}, **ids)


def _found(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Return a valid body about an object that does not exist."""
    if "requestBody" not in operation:
        return {}
    good: dict[str, Any] = {
        "seq": 1,
        "user_id": str(uuid4()),
        "role": "member",
        "client_id": str(uuid4()),
        "body": "hello",
        "name": "a name",
    }
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return {
        name: good[name]
        for name in schema.get("required", ["name"] if "name" in schema["properties"] else [])
    }


async def _accounts(asker: OperationCaller, ada: ApiUser) -> None:
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
    _SPENT[0] = renewed["refresh_token"]
    other = ApiUser(asker.instance, (await asker.ask(None, "POST", "/auth/login", 200, json=login))["data"])
    await asker.ask(other, "POST", "/auth/logout", 204)
    await asker.ask(ada, "GET", "/auth/me", 200)
    await _users(asker, ada, login)


async def _users(asker: OperationCaller, ada: ApiUser, login: dict[str, str]) -> None:
    ask, profile = asker.ask, {"bio": "Counts."}
    await ask(ada, "GET", "/users/{username}", 200, username="ada")
    await ask(ada, "GET", "/users/{username}", 404, username="nobody")
    await ask(ada, "PATCH", "/users/profile", 200, json=profile)
    for path, changed in (
        ("/settings/preferences", {"theme": "dark"}),
        ("/notifications/preferences", {"quiet_from": "22:00", "quiet_until": "07:00"}),
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


async def _credentials(asker: OperationCaller) -> None:
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
    await ask(None, "POST", "/auth/undo", 204, json={"token": await one_time_tokens.create_undo_token(undo)})
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


async def _api_keys(asker: OperationCaller) -> None:
    ask, kim = asker.ask, await asker.instance.register("kim")
    await kim.mark_sessions_confirmed()
    for _ in range(25):
        await ask(kim, "POST", "/api-keys", 201, json={"name": "a program", "scopes": ["read"]})
    await ask(kim, "POST", "/api-keys", 409, json={"name": "a program", "scopes": ["read"]})
    own = (await ask(kim, "GET", "/api-keys", 200))["data"]
    await ask(kim, "GET", "/api-keys/{key_id}", 200, key_id=own[0]["id"])
    await ask(kim, "DELETE", "/api-keys/{key_id}", 204, key_id=own[0]["id"])


async def _two_factor(asker: OperationCaller) -> None:
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


async def _oauth(asker: OperationCaller, other: Issuer) -> dict[str, dict[str, Any]]:
    """Provoke the responses of logins with a provider."""
    instance, ask = asker.instance, asker.ask
    browser = OAuthBrowser(instance.http, instance.url)
    await ask(None, "GET", "/auth/oauth", 200)
    other.user = ProviderUser("1001", "zoe@example.com")
    assert (await browser.get(await browser.authorize("test") + "x"))[0] == 400
    _, _, answer = await browser.log_in()
    zoe = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()
    (only,) = (await ask(zoe, "GET", "/auth/identities", 200))["data"]
    await ask(zoe, "DELETE", "/auth/identities/{identity_id}", 409, identity_id=only["id"])
    for status, suspended_at in ((200, None), (403, clock.now())):
        _, location, _ = await browser.log_in(redirect="/")
        code = {"code": location.rpartition("=")[2]}
        await models.User.filter(id=zoe.id).update(suspended_at=suspended_at)
        await ask(None, "POST", "/auth/oauth/exchange", status, json=code)
    authorize, confirm = "/auth/oauth/{provider}/authorize", {"params": {"confirm": "true"}}
    await ask(zoe, "GET", authorize, 403, provider="test", **confirm)
    await models.User.filter(id=zoe.id).update(suspended_at=None)
    await ask(None, "POST", "/auth/oauth/exchange", 400, json=code)
    await ask(None, "GET", authorize, 401, provider="test", **confirm)
    await _confirmations(asker, browser, zoe)
    other.consents = False
    assert (await browser.log_in())[0] == 403
    other.consents, other.user = True, ProviderUser("1002", "bob@example.com")
    assert (await browser.log_in())[0] == 409
    await models.User.filter(id=zoe.id).update(password_digest="-")
    await ask(zoe, "DELETE", "/auth/identities/{identity_id}", 204, identity_id=only["id"])
    callback = "/api/v1/auth/oauth/{provider}/callback"
    found = urlsplit(await browser.authorize("test"))
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    return {
        "/api/v1/auth/oauth/{provider}/authorize": {"provider": "down"},
        callback: {"provider": "test", "params": dict(parse_qsl(found.query)), "headers": kept},
    }


async def _confirmations(asker: OperationCaller, browser: OAuthBrowser, zoe: ApiUser) -> None:
    """Of sessions of an account without a password."""
    _, _, answer = await browser.log_in()
    browser.token = answer["data"]["access_token"]
    back = await browser.authorize("test", confirm="true")
    await asker.ask(ApiUser(asker.instance, answer["data"]), "POST", "/auth/logout", 204)
    assert (await browser.get(back))[0] == 401
    browser.token = zoe.token
    assert (await browser.log_in(confirm="true"))[0] == 204
    browser.token = None
    _, location, _ = await browser.log_in(confirm="true", redirect="/")
    code = {"code": location.rpartition("=")[2], "confirm": True}
    await asker.ask(None, "POST", "/auth/oauth/exchange", 401, json=code)
    await asker.ask(zoe, "POST", "/auth/oauth/exchange", 204, json=code)


async def _rooms(asker: OperationCaller, ada: ApiUser) -> None:
    bob, ask = await asker.instance.register("bob"), asker.ask
    room = (await ask(ada, "POST", "/rooms", 201, json={"kind": "public", "name": "Garden"}))["data"]["id"]
    other = (await ask(ada, "POST", "/rooms", 201, json={"kind": "public", "name": "Shed"}))["data"]["id"]
    hidden = (await ask(ada, "POST", "/rooms", 201, json={"kind": "private"}))["data"]["id"]
    await ask(ada, "POST", "/rooms", 409, json={"kind": "public", "name": "garden"})
    await ask(ada, "POST", "/rooms", 404, json={"kind": "direct", "member_ids": [str(uuid4())]})
    await ask(ada, "GET", "/rooms", 200)
    await ask(ada, "GET", "/rooms/public", 200)
    at = {"room_id": room}
    await ask(ada, "GET", "/rooms/{room_id}", 200, **at)
    await ask(ada, "PATCH", "/rooms/{room_id}", 200, json={"topic": "of trees"}, **at)
    await ask(ada, "PATCH", "/rooms/{room_id}", 409, json={"name": "garden"}, room_id=other)
    await ask(bob, "POST", "/rooms/{room_id}/join", 200, **at)
    await ask(ada, "GET", "/rooms/{room_id}/members", 200, **at)
    await ask(bob, "POST", "/rooms/{room_id}/read", 200, json={"seq": 1}, **at)
    await ask(bob, "POST", "/rooms/{room_id}/leave", 204, **at)
    await ask(ada, "POST", "/rooms/{room_id}/members", 204, json={"user_id": bob.id}, **at)
    member = {**at, "user_id": bob.id}
    await ask(ada, "PATCH", "/rooms/{room_id}/members/{user_id}", 200, json={"role": "moderator"}, **member)
    await ask(ada, "DELETE", "/rooms/{room_id}/members/{user_id}", 204, **member)
    await ask(bob, "GET", "/messages/search", 404, params={"q": "leaf", "room_id": hidden})
    await _messages(asker, ada, room, other)


async def _messages(asker: OperationCaller, ada: ApiUser, room: str, other: str) -> None:
    ask, said = asker.ask, {"client_id": str(uuid4()), "body": "a green leaf"}
    path = "/rooms/{room_id}/messages"
    sent = (await ask(ada, "POST", path, 201, room_id=room, json=said))["data"]["id"]
    await ask(ada, "POST", path, 409, room_id=other, json=said)
    await ask(ada, "GET", path, 200, room_id=room)
    await ask(ada, "GET", "/messages/search", 200, params={"q": "leaf"})
    at = {"message_id": sent}
    await ask(ada, "GET", "/messages/{message_id}", 200, **at)
    await ask(ada, "PATCH", "/messages/{message_id}", 200, json={"body": "a red leaf"}, **at)
    reaction = "/messages/{message_id}/reactions/{emoji}"
    first, *others, last = list("🍏🍎🍐🍊🍋🍌🍉🍇🍓🍈🍒")
    for emoji in (first, *others):
        await ask(ada, "PUT", reaction, 200, emoji=emoji, **at)
    await ask(ada, "PUT", reaction, 409, emoji=last, **at)
    await ask(ada, "DELETE", reaction, 200, emoji=first, **at)
    await ask(ada, "DELETE", "/messages/{message_id}", 200, **at)
    await ada.connect_client()  # messages are counted for users with a socket. The rest is the limit of REST
    for _ in range(BURST):
        await ask(ada, "POST", path, 201, room_id=room, json={"client_id": str(uuid4()), "body": "more"})
    await ask(ada, "POST", path, 429, room_id=room, json={"client_id": str(uuid4()), "body": "more"})
    for of, rate in (("rooms", room_limits.ROOM_RATE), ("invitations", room_limits.INVITATION_RATE)):
        while not (await asker.instance.app.container.rate_limiter.acquire(of, ada.id, rate)).wait_ms:
            pass
    await ask(ada, "POST", "/rooms", 429, json={"kind": "private", "name": "one more"})
    await ask(ada, "POST", "/rooms/{room_id}/members", 429, room_id=room, json={"user_id": str(uuid4())})


async def _administration(asker: OperationCaller, root: ApiUser) -> None:
    ask, user = asker.ask, await asker.instance.register("pat")
    await ask(root, "GET", "/admin/users", 200)
    at = {"user_id": user.id}
    await ask(root, "GET", "/admin/users/{user_id}", 200, **at)
    await ask(root, "PATCH", "/admin/users/{user_id}", 200, json={"role": "moderator"}, **at)
    await ask(root, "DELETE", "/admin/users/{user_id}", 204, **at)
    await ask(root, "PATCH", "/admin/users/{user_id}", 409, json={"role": "user"}, user_id=root.id)
    for path in ("/rooms", "/audit-log", "/audit-log/export", "/realtime"):
        await ask(root, "GET", f"/admin{path}", 200)
    last = {"token": await one_time_tokens.create(UUID(root.id), "delete_account", "chief@example.com")}
    await ask(root, "DELETE", "/users/account", 409, json=last)


async def _suspended(asker: OperationCaller, described: ApiContract) -> None:
    """A suspended user may do nothing."""
    sue = await asker.instance.register("sue")
    await models.User.filter(id=sue.id).update(suspended_at=clock.now())
    for method, path, operation in described.operations():
        if "security" in operation:
            await asker.ask(sue, method, path, 403, **_anything(operation, path))
    login = {"email": "sue@example.com", "password": "correct horse battery"}
    await asker.ask(None, "POST", "/auth/login", 403, json=login)
    await asker.ask(None, "POST", "/auth/refresh", 403, json={"refresh_token": sue.refresh_token})
