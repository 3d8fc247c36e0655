"""Providers that return false data or are unavailable."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import web

from hubbub import models
from hubbub.gateways.oauth.oidc import OpenId
from tests.http.accounts.oauth.conftest import one_provider
from tests.support.live_instance import LiveInstance
from tests.support.oauth_provider import (
    CLIENT_ID,
    Issuer,
    OAuthBrowser,
    rsa_key,
)


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
    """PKCE: a code issued to another user is invalid in this browser's login."""
    spent = await browser.authorize(provider)
    code = parse_qs(urlsplit(spent).query)["code"][0]
    other.grants_by_code.clear()
    assert (await browser.get(spent))[0] == 400

    foreign = await OAuthBrowser(instance.http, instance.url).authorize(provider)
    stolen = parse_qs(urlsplit(foreign).query)["code"][0]
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


async def invalid_client(_: web.Request) -> web.Response:
    return web.json_response({"error": "invalid_client"}, status=401)


@one_provider()
@pytest.mark.parametrize("answer", [huge, bomb, elsewhere, broken, page, a_list, invalid_client])
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
    """Return how a login ended, and whether the response has a retry time."""
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
    fetches = other.requested_paths.count("/.well-known/openid-configuration")
    assert fetches == 1  # the others did not fetch it again
