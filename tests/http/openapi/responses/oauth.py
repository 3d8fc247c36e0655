"""Calls of the operations of logins with an identity provider."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hubbub import models
from hubbub.core import clock
from tests.http.openapi.responses.operation_caller import OperationCaller
from tests.support.live_instance import ApiUser
from tests.support.oauth_provider import Issuer, OAuthBrowser, ProviderUser


async def call_oauth(asker: OperationCaller, other: Issuer) -> dict[str, dict[str, Any]]:
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
