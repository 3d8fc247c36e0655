"""Signing in with others, against real providers: the way there, the way back, and everybody who cheats."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt
import pyotp
import pytest
from aiohttp import web

from hubbub import models
from hubbub.config import oauth_providers
from hubbub.core import clock
from hubbub.gateways.oauth.authorization_code import code_challenge
from hubbub.gateways.oauth.oidc import OpenId
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.mailbox import Mailbox, plain_text, run_mailbox
from tests.support.oauth_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    OAuthBrowser,
    ProviderUser,
    rsa_key,
    run_issuer,
)

SITE = "https://chat.example"
APP = "https://app.example"
PASSWORD = "correct horse battery"


@pytest.fixture
async def other() -> AsyncIterator[Issuer]:
    async with run_issuer() as made:
        yield made


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


@pytest.fixture
def settings(settings: Any, other: Issuer, mailbox: Mailbox) -> Any:
    address = other.url.replace("://", f"://{CLIENT_ID}:{quote(CLIENT_SECRET, safe='')}@")
    return settings.model_copy(
        update={
            "public_url": SITE,
            "cors_origins": (APP, "*"),
            "smtp_url": mailbox.url,
            "inline_workers": True,
            "oauth_github_url": other.url,
            "oauth_github_client_id": CLIENT_ID,
            "oauth_github_client_secret": CLIENT_SECRET,
            "oauth_issuers": oauth_providers.parse_issuers(f"test={address}"),
        }
    )


@pytest.fixture
def browser(instance: LiveInstance) -> OAuthBrowser:
    return OAuthBrowser(instance.http, instance.url)


async def verified(name: str) -> None:
    await models.User.filter(username=name).update(email_verified_at=clock.now())


def received(location: str) -> dict[str, str]:
    """What the page is told in the fragment."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).fragment).items()}


async def exchange(instance: LiveInstance, location: str, **more: str) -> tuple[int, Any]:
    body = {"code": received(location)["oauth_code"], **more}
    return await instance.rest("POST", "/auth/oauth/exchange", json=body)


def one_provider(kind: str = "sqlite") -> pytest.MarkDecorator:
    """What has nothing to do with rows runs on one database."""
    return pytest.mark.parametrize("database_kind", [kind])


# --- signing in ---


@pytest.mark.parametrize("provider", ["test", "github"])
async def test_a_new_user_gets_an_account(instance, browser, mailbox, provider):
    status, _, answer = await browser.log_in(provider)

    assert status == 200, answer
    assert set(answer["data"]) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    user = answer["data"]["user"]
    assert (user["username"], user["display_name"]) == ("ada-lovelace", "Ada Lovelace")
    assert (user["email"], user["email_verified"]) == ("ada@example.com", True)
    ada = ApiUser(instance, answer["data"])
    client = await ada.connect_client()
    assert [room["name"] for room in client.ready["rooms"]] == ["general"]
    (identity,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    assert (identity["provider"], identity["email"]) == (provider, "ada@example.com")


@pytest.mark.parametrize("provider", ["test", "github"])
async def test_the_same_user_logs_in_with_another_email_address(instance, browser, other, provider):
    _, _, first = await browser.log_in(provider)
    other.user = ProviderUser(email="ada@elsewhere.example", name="Countess")

    _, _, second = await browser.log_in(provider)

    assert second["data"]["user"] == first["data"]["user"]
    assert await models.User.all().count() == 1


async def test_two_users_of_one_name_are_two_accounts(instance, browser, other):
    await browser.log_in()
    other.user = ProviderUser(subject="1002", email="ada@elsewhere.example")

    status, _, answer = await browser.log_in()

    assert (status, answer["data"]["user"]["username"]) == (200, "ada-lovelace-2")


@pytest.mark.parametrize("name", ["Admin", "Support", "deleted-ada", "Ａｄｍｉｎ", "r00t"])
async def test_no_login_with_a_provider_generates_a_reserved_username(browser, other, name):
    other.user = ProviderUser(email="ada@elsewhere.example", name=name)

    status, _, answer = await browser.log_in()

    assert status == 200
    assert answer["data"]["user"]["username"] == "ada"


async def test_concurrent_logins_of_one_user_create_one_account(instance):
    browsers = [OAuthBrowser(instance.http, instance.url) for _ in range(4)]

    answers = await asyncio.gather(*(each.log_in() for each in browsers))

    assert [status for status, _, _ in answers] == [200] * 4, answers
    assert len({answer["data"]["user"]["id"] for _, _, answer in answers}) == 1
    assert await models.Identity.all().count() == 1


@one_provider()
async def test_an_email_address_from_userinfo_is_used(instance, browser, other):
    other.minimal_id_token = True

    _, _, answer = await browser.log_in()

    assert answer["data"]["user"]["email"] == "ada@example.com"


@one_provider()
async def test_userinfo_of_another_subject_is_ignored(instance, browser, other):
    other.minimal_id_token = True

    async def of_somebody_else(_: web.Request) -> web.Response:
        return web.json_response({"sub": "1", "email": "eve@example.com", "email_verified": True})

    other.overrides["/userinfo"] = of_somebody_else
    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (403, "forbidden")


@one_provider()
async def test_an_issuer_may_require_the_secret_in_a_header(instance, browser, other):
    other.accepts_secret_in_form = False

    assert (await browser.log_in())[0] == 200


@one_provider()
async def test_an_issuer_may_change_its_keys(instance, browser, other):
    assert (await browser.log_in())[0] == 200
    other.signing_key_id, other.published_key_ids = "two", ["one", "two"]
    provider = instance.app.container.identity_providers["test"]
    assert isinstance(provider, OpenId)

    # Keys are not asked for again at once, so that nobody can have them asked for with every sign-in.
    assert (await browser.log_in())[0] == 400
    provider.key_refresh_interval_s = 0

    assert (await browser.log_in())[0] == 200
    assert other.requested_paths.count("/.well-known/openid-configuration") == 1


@one_provider()
async def test_the_configured_providers_are_listed(instance):
    assert await instance.rest("GET", "/auth/oauth") == (
        200,
        {"data": [{"name": "github", "title": "GitHub"}, {"name": "test", "title": "Test"}]},
    )
    assert (await instance.rest("GET", "/auth/oauth/nobody/authorize"))[0] == 404
    assert (await instance.rest("GET", "/auth/oauth/nobody/callback"))[0] == 404


# --- linking ---


async def test_an_account_with_the_same_verified_email_address_is_linked(instance, browser, mailbox):
    ada = await instance.register("ada")
    await verified("ada")

    status, _, answer = await browser.log_in()

    assert (status, answer["data"]["user"]["id"]) == (200, ada.id)
    assert "log in to your account with Test" in plain_text(
        await mailbox.next_message("ada@example.com", "Login with Test")
    )
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert (await instance.rest("POST", "/auth/login", json=login))[0] == 200


async def test_an_account_with_an_unverified_email_address_is_not_linked(instance, browser):
    """Somebody who registers an address that is not theirs waits for its owner in vain."""
    await instance.register("ada")

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (409, "conflict")
    assert "never confirmed" in answer["detail"]
    assert await models.Identity.all().count() == 0
    await verified("ada")
    assert (await browser.log_in())[0] == 200


@pytest.mark.parametrize("provider", ["test", "github"])
async def test_an_email_address_unverified_by_the_provider_links_nothing(instance, browser, other, provider):
    await instance.register("ada")
    await verified("ada")
    for who in (
        ProviderUser(email_verified=False),
        ProviderUser(email_verified=False, email="new@example.com"),
    ):
        other.user = who

        status, _, answer = await browser.log_in(provider)

        assert (status, answer["code"]) == (403, "forbidden")
    assert await models.Identity.all().count() == 0
    assert await models.User.all().count() == 1


@one_provider()
@pytest.mark.parametrize("claim", [None, "false", 1, "yes", {"ada@example.com": True}])
async def test_only_the_boolean_true_means_verified(instance, browser, other, claim):
    other.alter_claims = lambda claims: {**claims, "email_verified": claim}

    assert (await browser.log_in())[0] == 403


@one_provider()
@pytest.mark.parametrize(
    "email", ["ａda@example.com", "\u212ada@example.com", "ada@example.com\n", "ada", "ada@exam ple.com"]
)
async def test_a_changed_email_address_that_becomes_anothers_is_not_linked(instance, browser, other, email):
    """Wide letters and the sign of kelvin are written as other letters when addresses are compared."""
    for name in ("ada", "kda"):
        await instance.register(name)
        await verified(name)
    other.user = ProviderUser(email=email)

    assert (await browser.log_in())[0] == 403


async def test_email_addresses_are_compared_without_case(instance, browser, other):
    ada = await instance.register("ada")
    await verified("ada")
    other.user = ProviderUser(email="Ada@Example.com")

    assert (await browser.log_in())[2]["data"]["user"]["id"] == ada.id


@one_provider()
async def test_one_subject_of_two_issuers_is_two_users(instance, browser, other):
    """GitHub's number 1001 and the issuer's are not the same person, though both providers are one server."""
    await browser.log_in("test")
    other.user = ProviderUser(email="new@example.com")

    _, _, answer = await browser.log_in("github")

    assert answer["data"]["user"]["email"] == "new@example.com"


@one_provider()
@pytest.mark.parametrize(
    "name", ["", "a\nb", "\u202e", "\u200b", "\u3164", "x" * 500, "\ufdfa" * 80, 7], ids=ascii
)
async def test_an_undisplayable_name_is_replaced(instance, browser, other, name):
    other.user = ProviderUser(name=name)

    status, _, answer = await browser.log_in()

    assert status == 200
    assert answer["data"]["user"]["display_name"] in ("ada", "x" * 80, "\ufdfa" * 4)


# --- who may not come in ---


async def test_a_suspended_user_cannot_log_in(instance, browser, other):
    await instance.register("ada")
    await verified("ada")
    await models.User.all().update(suspended_at=clock.now())

    status, _, answer = await browser.log_in()
    assert (status, answer["code"]) == (403, "suspended")
    assert await models.Identity.all().count() == 0

    await models.User.all().update(suspended_at=None)
    assert (await browser.log_in())[0] == 200
    await models.User.all().update(suspended_at=clock.now())
    status, _, answer = await browser.log_in()
    assert (status, answer["code"]) == (403, "suspended")


async def test_a_deleted_account_is_not_restored(instance, browser, mailbox):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    await (await ada.mark_sessions_confirmed()).rest("POST", "/users/account/request-deletion", json={})
    token = await mailbox.next_code("ada@example.com", "Delete your account")
    assert (await ada.rest("DELETE", "/users/account", json={"token": token}))[0] == 204
    assert await models.Identity.all().count() == 0

    _, _, answer = await browser.log_in()

    assert answer["data"]["user"]["id"] != ada.id


@one_provider()
async def test_a_refusal_at_the_provider_is_reported(instance, browser, other):
    other.consents = False

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (403, "forbidden")


@pytest.mark.parametrize("redirect", [None, "/"])
async def test_an_account_with_two_factor_needs_its_code(instance, browser, redirect):
    """A provider proves as much as a password does, and no more."""
    ada = await instance.register("ada")
    await verified("ada")
    await ada.mark_sessions_confirmed()
    secret = (await ada.rest("POST", "/auth/2fa/setup", json={}))[1]["data"]["secret"]
    enabled = await ada.rest("POST", "/auth/2fa/enable", json={"code": pyotp.TOTP(secret).now()})
    recovery = enabled[1]["data"]["recovery_codes"][0]

    status, location, answer = await browser.log_in(**({"redirect": redirect} if redirect else {}))
    if redirect:
        status, answer = await exchange(instance, location)

    assert status == 200
    assert set(answer["data"]) == {"mfa_required", "mfa_token"}
    owed = {"mfa_token": answer["data"]["mfa_token"], "code": recovery}
    status, answer = await instance.rest("POST", "/auth/2fa/verify", json=owed)
    assert (status, answer["data"]["user"]["id"]) == (200, ada.id)


# --- the page that asked for it ---


@pytest.mark.parametrize(
    ("redirect", "reached"),
    [("/", f"{SITE}/"), ("/rooms?a=b%20c", f"{SITE}/rooms?a=b%20c"), (f"{APP}/in?x=1", f"{APP}/in?x=1")],
)
async def test_a_page_exchanges_a_code_for_tokens(instance, browser, redirect, reached):
    status, location, _ = await browser.log_in(redirect=redirect)

    assert status == 302
    assert location.partition("#")[0] == reached
    assert re.fullmatch(r"oauth_code=[A-Za-z0-9_-]{43}", location.partition("#")[2])
    assert received(location)["oauth_code"] not in str(await models.OAuthHandoff.all().values())
    status, answer = await exchange(instance, location, device_name="phone")
    assert status == 200
    assert answer["data"]["user"]["email"] == "ada@example.com"
    assert await models.Session.filter(device_name="phone").exists()
    status, answer = await exchange(instance, location)
    assert (status, answer["code"]) == (400, "invalid_token")


async def test_concurrent_exchanges_of_a_code_give_tokens_once(instance, browser):
    _, location, _ = await browser.log_in(redirect="/")

    answers = await asyncio.gather(*(exchange(instance, location) for _ in range(4)))

    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]


async def test_a_code_is_valid_for_a_minute(instance, browser):
    _, location, _ = await browser.log_in(redirect="/")
    (row,) = await models.OAuthHandoff.all()
    assert row.code_until is not None
    assert row.code_until <= clock.now() + timedelta(seconds=60)
    await models.OAuthHandoff.all().update(code_until=clock.expiry_cutoff())

    assert (await exchange(instance, location))[0] == 400


async def test_a_code_is_refused_for_a_suspended_or_deleted_user(instance, browser):
    for field, code in (("suspended_at", "suspended"), ("deleted_at", "invalid_token")):
        _, location, _ = await browser.log_in(redirect="/")
        await models.User.all().update(**{field: clock.now()})

        assert (await exchange(instance, location))[1]["code"] == code
        await models.User.all().update(**{field: None})


@one_provider()
async def test_a_code_is_refused_without_the_verifier_of_the_page(instance, browser):
    """Whoever lures somebody to a page with a code of their own would have them in the wrong account."""
    verifier = "v" * 43
    asked = {"redirect": "/", "challenge": code_challenge(verifier)}
    for given in ({}, {"verifier": "w" * 43}):
        _, location, _ = await browser.log_in(**asked)
        assert (await exchange(instance, location, **given))[0] == 400
        assert (await exchange(instance, location, verifier=verifier))[0] == 400  # it is spent

    _, location, _ = await browser.log_in(**asked)
    assert (await exchange(instance, location, verifier=verifier))[0] == 200
    _, location, _ = await browser.log_in(redirect="/")
    assert (await exchange(instance, location, verifier=verifier))[0] == 400


async def test_a_refusal_is_passed_to_the_page(instance, browser):
    await instance.register("ada")

    status, location, _ = await browser.log_in(redirect=f"{APP}/in")

    assert status == 302
    assert location.startswith(f"{APP}/in#")
    assert received(location)["oauth_error"] == "conflict"
    assert "never confirmed" in received(location)["oauth_message"]


@one_provider()
@pytest.mark.parametrize(
    "redirect",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5Cevil.example",
        "/%255cevil.example/..",
        "%2F%2Fevil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https://evil.example",
        "http://chat.example/",
        "https://chat.example@evil.example/",
        "https://chat.example:443@evil.example/",
        "https://chat.example.evil.example/",
        "https://chat.example%2eevil.example/",
        "https://chat.example\\.evil.example/",
        "https://app.example:8443/",
        "https://evil.example#https://app.example",
        "https://evil.example?https://app.example",
        "javascript:alert(1)//https://app.example",
        "data:text/html,hello",
        "/\tevil",
        "/a\r\nSet-Cookie: a=b",
        " /",
        "\u3000//evil.example",
        "/#fragment",
        "",
        "evil",
        "/" + "a" * 600,
    ],
)
async def test_no_redirect_leads_to_another_site(instance, redirect):
    asked = {"params": {"redirect": redirect}, "allow_redirects": False}
    status, answer = await instance.rest("GET", "/auth/oauth/test/authorize", **asked)

    assert (status, answer["code"]) == (422, "invalid_payload")
    assert answer["errors"][0]["field"] == "redirect"


# --- what binds a sign-in to a browser ---


@one_provider()
async def test_the_cookie_is_restricted_to_the_host_and_to_https(instance, browser):
    await browser.authorize("test")

    ((name, value),) = browser.cookies.items()
    assert name == "__Host-hubbub_oauth"
    words = {word.strip().lower() for word in browser.set_cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"} <= words
    assert not any(word.startswith("domain") for word in words)
    assert len(value) < 3000


@one_provider()
async def test_the_authorization_request_has_the_required_parameters(instance, browser, other):
    _, form, _ = await browser.get("/api/v1/auth/oauth/test/authorize")

    asked = {name: values[0] for name, values in parse_qs(urlsplit(form).query).items()}
    assert form.startswith(f"{other.url}/authorize?")
    assert asked["redirect_uri"] == f"{SITE}/api/v1/auth/oauth/test/callback"
    assert asked["scope"] == "openid email profile"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    kept = next(iter(browser.cookies.values()))
    assert asked["state"] not in kept
    assert asked["nonce"] not in kept


async def test_a_state_of_another_browser_is_refused(instance, browser):
    back = await browser.authorize("test")
    stranger = OAuthBrowser(instance.http, instance.url)
    refusals = [await stranger.get(back)]
    await stranger.authorize("test")
    refusals.append(await stranger.get(back))

    for status, _, answer in refusals:
        assert (status, answer["code"]) == (400, "invalid_token")
        assert "Start again" in answer["detail"]
    assert (await browser.get(back))[0] == 200  # the one who began goes on


async def test_a_state_is_valid_once(instance, browser, other):
    back = await browser.authorize("test")
    twin = browser.clone()
    assert (await browser.get(back))[0] == 200
    assert browser.cookies == {}

    assert (await twin.get(back))[0] == 400
    assert other.requested_paths.count("/token") == 1


async def test_concurrent_callbacks_with_one_state_log_in_once(instance, browser, other):
    back = await browser.authorize("test")

    answers = await asyncio.gather(*(browser.clone().get(back) for _ in range(5)))

    assert sorted(status for status, _, _ in answers) == [200, 400, 400, 400, 400]
    assert other.requested_paths.count("/token") == 1


@one_provider()
@pytest.mark.parametrize(("seconds", "status"), [(-300, 400), (-61, 400), (-59, 200), (-30, 200)])
async def test_a_login_that_took_too_long_is_refused(instance, browser, monkeypatch, seconds, status):
    monkeypatch.setattr("hubbub.services.accounts.oauth_login.STATE_LIFETIME", timedelta(seconds=seconds))

    assert (await browser.log_in())[0] == status  # another instance's clock may be 60 s late


@one_provider()
async def test_a_login_with_one_provider_does_not_end_at_another(instance, browser):
    back = await browser.authorize("test")

    assert (await browser.get(back.replace("/test/", "/github/")))[0] == 400
    assert (await browser.get(f"{back}&iss=https://evil.example"))[0] == 400


@one_provider()
@pytest.mark.parametrize("change", ["", "x", "s1.", "é"])
async def test_a_changed_cookie_is_refused(instance, browser, change):
    back = await browser.authorize("test")
    name, value = next(iter(browser.cookies.items()))
    browser.cookies[name] = change and f"{value}{change}"

    assert (await browser.get(back))[0] == 400


@one_provider()
async def test_a_callback_without_a_code_is_refused(instance, browser):
    for query in ("", "?state=x", "?code=x", "?state=x&code=x", "?error=server_error"):
        assert (await browser.get(f"/api/v1/auth/oauth/test/callback{query}"))[0] == 400
    back = await browser.authorize("test")
    assert (await browser.get(back.partition("code=")[0] + back.partition("&")[2]))[0] == 400


# --- providers that lie, or are away ---


def hs256(at: Issuer, claims: dict[str, Any]) -> str:
    """Signed with the published key as if it were a shared secret."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = rsa_key("one").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    body = b".".join(jwt.utils.base64url_encode(json.dumps(each).encode()) for each in (head, claims))
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return (body + b"." + jwt.utils.base64url_encode(algorithm.sign(body, public))).decode()


def unsigned(at: Issuer, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", "none", {"kid": "one"})


def shared(at: Issuer, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "secret" * 10, "HS256", {"kid": "shared"})


def of_another(at: Issuer, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, rsa_key("another"), "RS256", {"kid": "one"})


def unknown(at: Issuer, claims: dict[str, Any]) -> str:
    return at.encode_id_token(claims, "another")


def changed(at: Issuer, claims: dict[str, Any]) -> str:
    head, _, rest = at.encode_id_token(claims).partition(".")
    body, _, signature = rest.partition(".")
    more = jwt.utils.base64url_encode(json.dumps({**claims, "sub": "1"}).encode()).decode()
    assert more != body
    return f"{head}.{more}.{signature}"


def nonsense(at: Issuer, claims: dict[str, Any]) -> str:
    return "a.b.c"


def nothing(at: Issuer, claims: dict[str, Any]) -> str:
    return ""


@one_provider()
@pytest.mark.parametrize("sign", [hs256, unsigned, shared, of_another, unknown, changed, nonsense, nothing])
async def test_an_id_token_not_signed_by_the_issuer_is_refused(instance, browser, other, sign):
    other.sign_token = sign

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (400, "invalid_token")
    assert await models.User.all().count() == 0


@one_provider()
@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"aud": "another"},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://another.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"nbf": 99999999999},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
    ],
    ids=str,
)
async def test_an_id_token_with_wrong_claims_is_refused(instance, browser, other, claims):
    other.alter_claims = lambda said: {
        name: value for name, value in {**said, **claims}.items() if value is not None
    }

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (400, "invalid_token")
    assert await models.User.all().count() == 0


@one_provider()
async def test_several_audiences_need_an_authorized_party(instance, browser, other):
    other.alter_claims = lambda said: {**said, "aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}

    assert (await browser.log_in())[0] == 200


@one_provider()
@pytest.mark.parametrize("provider", ["test", "github"])
async def test_a_used_code_or_one_of_another_login_is_refused(instance, browser, other, provider):
    """PKCE: a code that somebody else was given is good for nothing in this browser's sign-in."""
    spent = await browser.authorize(provider)
    code = parse_qs(urlsplit(spent).query)["code"][0]
    other.grants_by_code.clear()
    assert (await browser.get(spent))[0] == 400

    stolen = parse_qs(urlsplit(await OAuthBrowser(instance.http, instance.url).authorize(provider)).query)[
        "code"
    ][0]
    back = await browser.authorize(provider)
    own = parse_qs(urlsplit(back).query)["code"][0]
    status, _, answer = await browser.get(back.replace(own, stolen))
    assert (status, answer["code"]) == (400, "invalid_token")
    assert code != own


async def huge(_: web.Request) -> web.Response:
    return web.json_response({"x": "x" * 1_000_000})


async def bomb(request: web.Request) -> web.Response:
    response = await huge(request)
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def elsewhere(request: web.Request) -> web.Response:
    return web.Response(status=307, headers={"Location": str(request.url.with_path("/again"))})


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=502, text="<html>")


async def page(_: web.Request) -> web.Response:
    return web.Response(text="<html>hello</html>", content_type="text/html")


async def a_list(_: web.Request) -> web.Response:
    return web.json_response([1])


async def stranger(_: web.Request) -> web.Response:
    return web.json_response({"error": "invalid_client"}, status=401)


@one_provider()
@pytest.mark.parametrize("answer", [huge, bomb, elsewhere, broken, page, a_list, stranger])
@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("test", "/.well-known/openid-configuration"),
        ("test", "/jwks"),
        ("test", "/token"),
        ("github", "/login/oauth/access_token"),
        ("github", "/api/v3/user"),
        ("github", "/api/v3/user/emails"),
    ],
)
async def test_an_unusable_provider_is_reported(instance, browser, other, provider, path, answer):
    other.overrides[path] = answer

    refusal = await refused(instance, browser, provider)

    names_none = path.endswith("emails") and answer is a_list
    assert refusal == ((403, "forbidden", False) if names_none else (503, "unavailable", True))
    assert "/again" not in other.requested_paths
    assert await models.User.all().count() == 0


async def refused(instance: LiveInstance, browser: OAuthBrowser, provider: str) -> tuple[int, str, bool]:
    """How a sign-in ended wherever it ended, and whether it is said when to try again."""
    path = f"/api/v1/auth/oauth/{provider}/authorize"
    status, form, _ = await browser.get(path)
    if status == 302:
        _, back, _ = await browser.get(form)
        path = "/" + back.split("/", 3)[3]
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    async with instance.http.get(f"{instance.url}{path}", headers=headers, allow_redirects=False) as answer:
        return answer.status, (await answer.json())["code"], "Retry-After" in answer.headers


@one_provider()
@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": 7},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "gopher://x"},
    ],
    ids=str,
)
async def test_an_invalid_discovery_document_is_reported(instance, browser, other, change):
    async def wrong(_: web.Request) -> web.Response:
        return web.json_response({**other.discovery(), **change})

    other.overrides["/.well-known/openid-configuration"] = wrong

    status, _, answer = await browser.get("/api/v1/auth/oauth/test/authorize")

    assert (status, answer["code"]) == (503, "unavailable")


@one_provider()
async def test_a_slow_provider_delays_no_other_request(instance, other):
    done = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await done.wait()
        return web.Response()

    other.overrides["/.well-known/openid-configuration"] = slow
    provider = instance.app.container.identity_providers["test"]
    assert isinstance(provider, OpenId)
    provider._client.timeout_s = 0.5

    answers = await asyncio.gather(*(instance.rest("GET", "/auth/oauth/test/authorize") for _ in range(20)))

    done.set()
    assert {status for status, _ in answers} == {503}
    assert (
        other.requested_paths.count("/.well-known/openid-configuration") == 1
    )  # the others did not ask again


# --- what is linked ---


async def test_an_identity_is_removed_unless_it_is_the_only_login(instance, browser, mailbox):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    bob = await (await instance.register("bob")).mark_sessions_confirmed()
    await ada.mark_sessions_confirmed()
    (first,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    path = f"/auth/identities/{first['id']}"
    assert (await bob.rest("DELETE", path))[0] == 404
    status, refusal = await ada.rest("DELETE", path)
    assert (status, refusal["code"]) == (409, "conflict")

    await browser.log_in("github")
    assert (await ada.rest("DELETE", path))[0] == 204
    (second,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    assert second["provider"] == "github"
    assert (await ada.rest("DELETE", f"/auth/identities/{second['id']}"))[0] == 409
    assert (await ada.rest("DELETE", path))[0] == 404


async def test_of_two_concurrent_removals_of_the_last_identities_one_is_refused(instance, browser):
    _, _, answer = await browser.log_in()
    await browser.log_in("github")
    ada = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()
    found = (await ada.rest("GET", "/auth/identities"))[1]["data"]

    answers = await asyncio.gather(*(ada.rest("DELETE", f"/auth/identities/{each['id']}") for each in found))

    assert sorted(status for status, _ in answers) == [204, 409]


async def test_an_account_without_a_password_sets_one_by_email(instance, browser, mailbox):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert (await instance.rest("POST", "/auth/login", json=login))[1]["code"] == "unauthenticated"
    change = {"current_password": "", "new_password": PASSWORD}
    assert (await ada.rest("POST", "/auth/change-password", json=change))[0] == 422
    change["current_password"] = "anything"
    status, refusal = await ada.rest("POST", "/auth/change-password", json=change)
    assert (status, refusal["errors"][0]["field"]) == (422, "current_password")
    assert "no password" in refusal["detail"]

    await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    token = await mailbox.next_code("ada@example.com", "Choose a new password")
    reset = {"token": token, "password": PASSWORD}
    assert (await instance.rest("POST", "/auth/reset-password", json=reset))[0] == 204

    status, answer = await instance.rest("POST", "/auth/login", json=login)
    assert status == 200
    ada = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()
    (identity,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    assert (await ada.rest("DELETE", f"/auth/identities/{identity['id']}"))[0] == 204


async def test_identities_are_exported_and_audited(instance, browser, other):
    _, _, answer = await browser.log_in()
    ada = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()

    status, exported = await ada.rest("GET", "/users/account/export")

    assert status == 200
    (identity,) = exported["data"]["identities"]
    assert (identity["provider"], identity["subject"]) == ("test", "1001")
    acts = await models.AuditRecord.all().values_list("action", "outcome")
    assert ("account.register", "ok") in acts
    assert ("session.sign_in", "ok") in acts
    assert ("identity.unlink", "failed") not in acts
    await ada.rest("DELETE", f"/auth/identities/{identity['id']}")
    other.sign_token = of_another
    await browser.log_in()
    rows = await models.AuditRecord.filter(outcome="failed").order_by("at").values("action", "reason")
    assert rows == [
        {"action": "identity.unlink", "reason": "conflict"},
        {"action": "session.sign_in", "reason": "invalid_token"},
    ]


# --- confirming a session ---


async def confirmed(user: ApiUser) -> bool:
    return (await user.rest("POST", "/api-keys", json={"name": "k", "scopes": ["read"]}))[0] == 201


async def test_an_account_without_a_password_confirms_its_session_by_its_provider(instance, browser):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    other = await login_again(instance, browser)
    assert not await confirmed(ada)

    browser.token = ada.token
    status, location, _ = await browser.log_in(confirm="true")

    assert (status, location) == (204, "")
    assert await confirmed(ada)
    assert not await confirmed(other)


async def login_again(instance: LiveInstance, browser: OAuthBrowser) -> ApiUser:
    _, _, answer = await browser.log_in()
    return ApiUser(instance, answer["data"])


async def test_a_page_confirms_its_session_by_a_code(instance, browser):
    ada = await login_again(instance, browser)
    _, location, _ = await browser.log_in(confirm="true", redirect="/")
    body = {"code": received(location)["oauth_code"], "confirm": True}

    assert (await instance.rest("POST", "/auth/oauth/exchange", json=body))[0] == 401
    assert (await ada.rest("POST", "/auth/oauth/exchange", json=body))[0] == 204
    assert await confirmed(ada)
    assert (await ada.rest("POST", "/auth/oauth/exchange", json=body))[0] == 400


async def test_an_unlinked_identity_confirms_no_session(instance, browser, other):
    ada = await login_again(instance, browser)
    bob = await instance.register("bob")

    for who in (ProviderUser(), ProviderUser(subject="1009", email="new@example.com")):
        other.user, browser.token = who, bob.token
        status, _, answer = await browser.log_in(confirm="true")
        assert (status, answer["code"]) == (403, "forbidden")
    browser.token = None
    assert (await browser.get("/api/v1/auth/oauth/test/authorize?confirm=true"))[0] == 401

    other.user = ProviderUser()
    _, location, _ = await browser.log_in(confirm="true", redirect="/")
    body = {"code": received(location)["oauth_code"], "confirm": True}
    assert (await bob.rest("POST", "/auth/oauth/exchange", json=body))[0] == 403
    assert not await confirmed(bob)
    assert not await confirmed(ada)
    assert await models.User.filter(email="new@example.com").count() == 0


async def test_a_login_with_a_provider_does_not_replace_the_second_factor(instance, browser):
    await instance.register("ada")
    await verified("ada")
    ada = await login_again(instance, browser)
    await ada.mark_sessions_confirmed()
    secret = (await ada.rest("POST", "/auth/2fa/setup", json={}))[1]["data"]["secret"]
    await ada.rest("POST", "/auth/2fa/enable", json={"code": pyotp.TOTP(secret).now()})
    await models.Session.filter(user_id=ada.id).update(confirmed_at=None)

    browser.token = ada.token

    assert (await browser.log_in(confirm="true"))[0] == 403
    assert not await confirmed(ada)
