"""The API document is valid and complete, and each response that it describes occurs here."""

import re
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
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.chat import room_limits
from hubbub.services.mail import one_time_tokens
from hubbub.services.notifications.unsubscribe import Subscription, create_token
from hubbub.services.portfolio import messages
from tests.support.api_contract import ApiContract, api_contract
from tests.support.full_disk import no_more_than
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.oauth_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    OAuthBrowser,
    ProviderUser,
    run_issuer,
)
from tests.support.pictures import PDF, form, noise, picture
from tests.support.portfolio_items import complete, required
from tests.support.public_portfolio import set_profile
from tests.support.tcp_proxy import TcpProxy

BURST = 5  # messages
MAX_FILE_BYTES = 100_000
KNOWN = {"If-None-Match": "*"}  # any version


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
            "max_image_bytes": MAX_FILE_BYTES,
            "max_upload_bytes": MAX_FILE_BYTES,
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


Operations = list[tuple[str, str, dict[str, Any]]]
# Paths by the part of the document that describes them; all others belong to the last part.
PARTS = {
    "portfolio": ("/api/v1/portfolio", "/api/v1/public"),
    "accounts": ("/api/v1/auth", "/api/v1/users", "/api/v1/settings", "/api/v1/sessions", "/api/v1/api-keys"),
    "chat and administration": (),
}


def _is_in(part: str, path: str) -> bool:
    found = next((name for name, prefixes in PARTS.items() if path.startswith(prefixes)), [*PARTS][-1])
    return found == part


@pytest.mark.parametrize("part", PARTS)
async def test_each_described_response_is_seen(instance, proxy, other, part):
    described = ApiContract()
    operations = [each for each in described.operations() if _is_in(part, each[1])]
    api_contract().seen.clear()
    asker = OperationCaller(instance)
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    root = await (await instance.register("chief")).mark_sessions_confirmed()
    await models.User.filter(id=root.id).update(role="admin")
    await _refusals(asker, operations, ada, root)
    back = await _responses_of(part, asker, other, ada, root)
    await _suspended(asker, operations)
    await proxy.stop()
    for method, path, operation in operations:
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

    wanted = {each for each in described.documented_responses if _is_in(part, each[1])}
    assert wanted - api_contract().seen == set()


async def _responses_of(
    part: str, asker: OperationCaller, other: Issuer, ada: ApiUser, root: ApiUser
) -> dict[str, dict[str, Any]]:
    """Provoke the other responses of a part. Return the options of requests that reach the database."""
    if part == "portfolio":
        await _portfolio(asker, ada)
        await _portfolio_profile(asker, ada)
        await _public_portfolio(asker)
        return {}
    if part == "accounts":
        await _accounts(asker, ada)
        await _credentials(asker)
        await _email_change(asker)
        await _api_keys(asker)
        await _two_factor(asker)
        await asker.ask(ada, "DELETE", "/users/profile/avatar", 204)
        last = {"token": await one_time_tokens.create(UUID(root.id), "delete_account", "chief@example.com")}
        await asker.ask(root, "DELETE", "/users/account", 409, json=last)
        await asker.instance.register("bob")  # with the e-mail address of another user of the provider
        return await _oauth(asker, other)
    await _uploads(asker, ada)
    await _rooms(asker, ada)
    token = await _notifications(asker, ada, root)
    await _administration(asker, root)
    return {"/api/v1/email/unsubscribe": {"params": {"token": token}}}


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
        "/api/v1/auth/change-email/confirm": {"token": "x"},
        "/api/v1/public/portfolio/{username}/messages": {
            "name": "Eve",
            "email": "eve@example.org",
            "message": "hello",
        },
        "/api/v1/auth/forgot-password": {"email": "ada@example.com"},
        "/api/v1/auth/reset-password": {"token": "x", "password": "staple of another kind"},
        "/api/v1/auth/refresh": {"refresh_token": _SPENT[0]},
        "/api/v1/auth/oauth/exchange": {"code": "x"},
    }.get(path)


_SPENT: list[str] = [""]


async def _refusals(asker: OperationCaller, operations: Operations, ada: ApiUser, root: ApiUser) -> None:
    """Errors that follow from tokens, ids and bodies alone."""
    for method, path, operation in operations:
        ids = _anything(operation, path)
        able = root if path.startswith("/api/v1/admin/") else ada
        by = able if "security" in operation else None
        if by is not None:
            await asker.ask(None, method, path, 401, **ids)
        await asker.ask(by, method, path, 400, headers={"X-Long": "x" * 20_000}, **ids)
        answers = operation["responses"]
        kind = {"Content-Type": "application/json"}
        if _takes_files(operation):
            await _refused_files(asker, by, path, operation)
        elif "requestBody" in operation:
            await asker.ask(by, method, path, 400, data="{", headers=kind, **ids)
            large = BytesIO(bytes(max(MAX_BODY_BYTES, _max_bytes(operation)) + 1))
            await asker.ask(by, method, path, 413, data=large, headers=kind, **ids)
            await asker.ask(by, method, path, 415, data="x", headers={"Content-Type": "text/plain"}, **ids)
            await asker.ask(by, method, path, 422, json={"no such field": 1}, **ids)
        elif "422" in answers and method != "POST":
            query = {part["name"] for part in operation["parameters"] if part["in"] == "query"}
            words = {name: "x" * 201 for name in ids if not name.endswith("_id")}
            narrow = [name for name in ("limit", "format", "challenge", "iss") if name in query]
            wrong = {"params": {narrow[0]: "0" if narrow[0] != "iss" else "x" * 1001}} if narrow else words
            await asker.ask(by, method, path, 422, **{**ids, **wrong})
        if method == "POST" and not _takes_files(operation):
            await _idempotency(asker, by, path, ids, _max_bytes(operation))
        if "404" in answers and ids:
            needed = {part["name"]: part["schema"]["enum"][0] for part in _required(operation)}
            await asker.ask(by, method, path, 404, json=_found(path, operation), params=needed, **ids)


def _max_bytes(operation: dict[str, Any]) -> int:
    """The limit of the body that the document states."""
    found = re.search(r"At most (\d+) KiB", operation.get("requestBody", {}).get("description", ""))
    return int(found[1]) << 10 if found is not None else 0


def _takes_files(operation: dict[str, Any]) -> bool:
    return "multipart/form-data" in operation.get("requestBody", {}).get("content", {})


async def _refused_files(
    asker: OperationCaller, by: ApiUser | None, path: str, operation: dict[str, Any]
) -> None:
    """Errors that follow from the files of a request."""
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    (field,) = schema["properties"]
    content = picture() if "image" in path or "avatar" in path else PDF
    large = noise(400, 400)
    await asker.ask(by, "POST", path, 413, data=form(("a", large), field=field))
    await asker.ask(by, "POST", path, 415, data=form(("a", b"<svg/>"), field=field))
    await asker.ask(by, "POST", path, 422, data=form(("a", content), field="other"))
    with no_more_than(10):
        await asker.ask(by, "POST", path, 507, data=form(("a", content), field=field))
    await asker.ask(by, "POST", path, 201, data=form(("a", content), field=field))


async def _uploads(asker: OperationCaller, ada: ApiUser) -> None:
    ask = asker.ask
    found = (await ask(ada, "GET", "/uploads", 200))["data"]
    data = form(("me.png", picture(300, 300)))
    avatar = (await ask(ada, "POST", "/users/profile/avatar", 201, data=data))["data"]["id"]
    for upload in found:
        await ask(ada, "GET", "/uploads/{upload_id}", 200, upload_id=upload["id"])
    await ask(ada, "DELETE", "/uploads/{upload_id}", 409, upload_id=avatar)
    await ask(ada, "DELETE", "/users/profile/avatar", 204)
    await ask(ada, "DELETE", "/uploads/{upload_id}", 204, upload_id=avatar)


async def _idempotency(
    asker: OperationCaller, by: ApiUser | None, path: str, ids: dict[str, Any], max_bytes: int
) -> None:
    """Errors that follow from `Idempotency-Key`, which every POST may have."""
    used = {"Idempotency-Key": "used"}
    await asker.ask(by, "POST", "/rooms" if by else "/auth/login", 422, json={}, headers=used)
    await asker.ask(by, "POST", path, 409, headers=used, **ids)
    await asker.ask(by, "POST", path, 422, headers={"Idempotency-Key": "é"}, **ids)
    packed = {"Idempotency-Key": "packed", "Content-Encoding": "gzip", "Connection": "close"}
    await asker.ask(by, "POST", path, 400, data=b"not packed", headers=packed, **ids)
    body = BytesIO(bytes(max(MAX_BODY_BYTES, max_bytes) + 1))
    await asker.ask(by, "POST", path, 413, data=body, headers={"Idempotency-Key": "large"}, **ids)


def _required(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the query parameters that are required."""
    return [part for part in operation["parameters"] if part["in"] == "query" and part["required"]]


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
        "paused": True,
        "published": True,
        "email": "eve@example.org",
        "message": "hello",
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


async def _email_change(asker: OperationCaller) -> None:
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
    ask = asker.ask
    uploads = (await ask(ada, "GET", "/uploads", 200, params={"kind": "image"}))["data"]
    said = {"client_id": str(uuid4()), "body": "a green leaf", "attachments": [uploads[0]["id"]]}
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


async def _notifications(asker: OperationCaller, ada: ApiUser, root: ApiUser) -> str:
    """Return the token of an unsubscribe link."""
    ask = asker.ask
    announcement = {"title": "Maintenance", "body": "On Sunday from 2 to 3.", "url": "https://example.com"}
    await ask(root, "POST", "/admin/announcements", 201, json=announcement)
    listed = (await ask(ada, "GET", "/notifications", 200))["data"]
    at = {"notification_id": listed[0]["id"]}
    await ask(ada, "GET", "/notifications/unread", 200)
    await ask(ada, "GET", "/notifications/{notification_id}", 200, **at)
    await ask(ada, "POST", "/notifications/read", 404, json={"id": str(uuid4())})
    await ask(ada, "POST", "/notifications/read", 200, json={"up_to_seq": listed[0]["seq"]})
    await ask(root, "GET", "/admin/notifications/{notification_id}/decisions", 200, **at)
    for path in ("/notifications/preferences", "/email/preferences"):
        await ask(ada, "GET", path, 200)
    changes = {"kinds": {"message.direct": {"push": False}}, "quiet": {"from": "22:00", "until": "07:00"}}
    await ask(ada, "PATCH", "/notifications/preferences", 200, json=changes)
    await ask(ada, "PATCH", "/email/preferences", 200, json={"digest": "weekly"})
    secret_key = asker.instance.settings.secret_key
    token = create_token(secret_key, Subscription(UUID(ada.id), "digest"))
    for params, status in (({"token": token}, 200), ({"token": "x"}, 400)):
        for method in ("GET", "POST"):
            await ask(None, method, "/email/unsubscribe", status, params=params)
    return token


async def _portfolio(asker: OperationCaller, ada: ApiUser) -> None:
    ask = asker.ask
    await set_profile(asker.instance, ada)
    for resource in RESOURCES:
        base, key = f"/portfolio/{resource.name}", resource.key_field
        body, stale = complete(resource), {"If-Match": '"stale"'}
        items = [(await ask(ada, "POST", base, 201, json=body | slug))["data"] for slug in _slugs(resource)]
        path, at = f"{base}/{{{key}}}", {key: items[0]["id"]}
        await ask(ada, "GET", base, 200)
        await ask(ada, "GET", path, 200, **at)
        await ask(ada, "GET", path, 304, headers=KNOWN, **at)
        await ask(ada, "PATCH", path, 200, json=required(resource, 2), **at)
        await ask(ada, "PATCH", path, 412, json={}, headers=stale, **at)
        await ask(ada, "DELETE", path, 412, headers=stale, **at)
        if resource.is_ordered:
            await ask(ada, "PATCH", f"{base}/reorder", 200, json={"ids": [each["id"] for each in items]})
        if resource.slug_of is not None:
            await ask(ada, "PATCH", path, 409, json={"slug": items[1]["slug"]}, **at)
        if resource.is_published:
            await ask(ada, "PATCH", f"{path}/publish", 200, json={"published": True}, **at)
            await ask(ada, "PATCH", f"{path}/publish", 412, json={"published": True}, headers=stale, **at)
        if resource.hidden_unless is not None:
            await ask(ada, "PATCH", path, 200, json={resource.hidden_unless: True}, **at)
        await _public_part(asker, resource, items[0]["id"])
        await ask(ada, "DELETE", path, 204, **at)
        await ask(ada, "POST", f"{base}/{{item_id}}/restore", 200, item_id=items[0]["id"])
        await ask(ada, "POST", f"{base}/bulk-delete", 200, json={"ids": [items[1]["id"]]})
    document = (await ask(ada, "GET", "/portfolio/export", 200))["data"]
    small = {name: document[name] for name in ("version", "companies", "skills")}
    await ask(ada, "POST", "/portfolio/import", 200, json=small, params={"mode": "merge"})
    active = asker.instance.app.container.active_imports
    with active.count(UUID(ada.id)), active.count(UUID(ada.id)):
        await ask(ada, "POST", "/portfolio/import", 429, json=small)


async def _portfolio_profile(asker: OperationCaller, ada: ApiUser) -> None:
    ask, path = asker.ask, "/portfolio/profile"
    await ask(ada, "PATCH", path, 200, json={"bio": "Counts.", "theme": "dark", "is_public": True})
    await ask(ada, "PATCH", path, 412, json={}, headers={"If-Match": '"stale"'})
    await ask(ada, "GET", path, 200)
    await ask(ada, "GET", path, 304, headers=KNOWN)
    await ask(ada, "DELETE", f"{path}/avatar", 204)
    await ask(ada, "DELETE", f"{path}/resume", 204)


async def _public_part(asker: OperationCaller, resource: Resource, item_id: str) -> None:
    path = f"/public/portfolio/{{username}}/{resource.name}"
    for username, status in (("ada", 200), ("nobody", 404)):
        await asker.ask(None, "GET", path, status, username=username)
        at = {"username": username, resource.key_field: item_id}
        await asker.ask(None, "GET", f"{path}/{{{resource.key_field}}}", status, **at)
    at = {"username": "ada", resource.key_field: item_id}
    await asker.ask(None, "GET", path, 304, username="ada", headers=KNOWN)
    await asker.ask(None, "GET", f"{path}/{{{resource.key_field}}}", 304, headers=KNOWN, **at)
    await asker.ask(None, "GET", path, 422, username="ada", params={"limit": "0"})


async def _public_portfolio(asker: OperationCaller) -> None:
    path = "/public/portfolio/{username}"
    message = {"name": "Eve", "email": "eve@example.org", "message": "Are you free in May?"}
    for username, get, post in (("ada", 200, 202), ("nobody", 404, 404)):
        await asker.ask(None, "GET", path, get, username=username)
        await asker.ask(None, "POST", f"{path}/messages", post, json=message, username=username)
    await asker.ask(None, "GET", path, 304, username="ada", headers=KNOWN)
    for _ in range(4):
        await asker.ask(None, "POST", f"{path}/messages", 202, json=message, username="ada")
    await asker.ask(None, "POST", f"{path}/messages", 429, json=message, username="ada")
    limiter = asker.instance.app.container.rate_limiter  # later requests find the burst again
    await limiter.acquire(messages.IP_LIMIT, "127.0.0.1", messages.LIMIT_PER_IP, -5)


def _slugs(resource: Resource) -> list[dict[str, Any]]:
    """What distinguishes two items."""
    return [{"slug": slug} if resource.slug_of is not None else {} for slug in ("first", "second")]


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
    await _jobs(asker, root)


async def _jobs(asker: OperationCaller, root: ApiUser) -> None:
    ask, now = asker.ask, clock.now()
    jobs = [
        await models.Job.create(
            queue="mail",
            kind="mail.letter",
            payload='{"letter":"verify_email","facts":{}}',
            state="dead",
            run_at=now,
            created_at=now,
            ended_at=now,
            last_error="OSError: no route",
        )
        for _ in range(2)
    ]
    mail, job = {"name": "mail"}, {"name": "mail", "job_id": str(jobs[0].id)}
    await ask(root, "GET", "/admin/queues", 200)
    await ask(root, "PATCH", "/admin/queues/{name}", 200, json={"paused": True}, **mail)
    await ask(root, "GET", "/admin/queues/{name}/jobs", 200, params={"state": "failed"}, **mail)
    await ask(root, "GET", "/admin/queues/{name}/jobs/{job_id}", 200, **job)
    await ask(root, "DELETE", "/admin/queues/{name}/jobs/{job_id}", 409, **job)
    await ask(root, "POST", "/admin/queues/{name}/jobs/{job_id}/retry", 204, **job)
    await ask(root, "POST", "/admin/queues/{name}/jobs/{job_id}/retry", 409, **job)
    await ask(root, "DELETE", "/admin/queues/{name}/jobs/{job_id}", 204, **job)
    await ask(root, "POST", "/admin/queues/{name}/jobs/retry", 204, json={"kind": "x"}, **mail)
    await ask(root, "DELETE", "/admin/queues/{name}/jobs", 200, params={"state": "failed"}, **mail)
    tokens = {"name": "TOKENS"}
    await ask(root, "PATCH", "/admin/schedules/{name}", 200, json={"cron": "0 4 * * *"}, **tokens)
    await models.JobQueue.create(name="maintenance", paused=True)
    await ask(root, "POST", "/admin/schedules/{name}/run", 204, **tokens)
    await ask(root, "POST", "/admin/schedules/{name}/run", 409, **tokens)
    await ask(root, "GET", "/admin/schedules", 200)
    await ask(root, "GET", "/admin/schedules/{name}/runs", 200, **tokens)


async def _suspended(asker: OperationCaller, operations: Operations) -> None:
    """A suspended user may do nothing."""
    sue = await asker.instance.register("sue")
    await models.User.filter(id=sue.id).update(suspended_at=clock.now())
    for method, path, operation in operations:
        if "security" in operation:
            await asker.ask(sue, method, path, 403, **_anything(operation, path))
    login = {"email": "sue@example.com", "password": "correct horse battery"}
    await asker.ask(None, "POST", "/auth/login", 403, json=login)
    await asker.ask(None, "POST", "/auth/refresh", 403, json={"refresh_token": sue.refresh_token})
