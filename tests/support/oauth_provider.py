"""Login providers for tests: an OpenID Connect issuer, and one like GitHub. Both can return false data."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import unquote_plus, urlencode

import aiohttp
import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from hubbub.core import clock
from tests.support.api_contract import api_contract

CLIENT_ID, CLIENT_SECRET = "the-hub", "s3cret, of: the hub/@"
RequestHandler = Callable[[web.Request], Awaitable[web.Response]]


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """The key of this name; making one takes a moment."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class ProviderUser:
    """The user who is logged in at the provider and will consent."""

    subject: str = "1001"
    email: str | None = "ada@example.com"
    email_verified: bool = True
    name: str = "Ada Lovelace"


@dataclass
class Grant:
    """An issued code."""

    user: ProviderUser
    request_params: dict[str, str]


@dataclass
class Issuer:
    """Discovery, keys, form, tokens with PKCE, userinfo. `instead` overrides the response of a path."""

    user: ProviderUser = field(default_factory=ProviderUser)
    consents: bool = True
    signing_key_id: str = "one"
    published_key_ids: list[str] = field(default_factory=lambda: ["one"])
    minimal_id_token: bool = False  # no e-mail address in the ID token: userinfo has it
    alter_claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    sign_token: Callable[["Issuer", dict[str, Any]], str] | None = None
    overrides: dict[str, RequestHandler] = field(default_factory=dict)
    accepts_secret_in_form: bool = True  # whether it takes the secret in the form
    requested_paths: list[str] = field(default_factory=list)
    url: str = ""
    grants_by_code: dict[str, Grant] = field(default_factory=dict)
    users_by_token: dict[str, ProviderUser] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        """Any request."""
        self.requested_paths.append(request.path)
        if (override := self.overrides.get(request.path)) is not None:
            return await override(request)
        handlers: dict[str, RequestHandler] = {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": self._jwks,
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/login/oauth/authorize": self._authorize,
            "/login/oauth/access_token": self._github_token,
            "/api/v3/user": self._github_user,
            "/api/v3/user/emails": self._github_emails,
        }
        return await handlers[request.path](request)

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(self.discovery())

    def discovery(self) -> dict[str, Any]:
        """What it publishes of itself."""
        methods = ["client_secret_basic", *(["client_secret_post"] if self.accepts_secret_in_form else [])]
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "token_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
        }

    async def _jwks(self, _: web.Request) -> web.Response:
        shared = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}
        keys = [
            {**jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "kid": name}
            for name in self.published_key_ids
        ]
        return web.json_response({"keys": [shared, {"kty": "new", "kid": "unknown"}, *keys]})

    async def _authorize(self, request: web.Request) -> web.Response:
        params = dict(request.query)
        assert (params["response_type"], params["client_id"]) == ("code", CLIENT_ID)
        assert params["code_challenge_method"] == "S256"
        if self.consents:
            code = secrets.token_urlsafe(16)
            self.grants_by_code[code] = Grant(self.user, params)
            response_params = {"code": code, "state": params["state"]}
        else:
            response_params = {"error": "access_denied", "error_description": "No.", "state": params["state"]}
        return web.Response(
            status=302, headers={"Location": f"{params['redirect_uri']}?{urlencode(response_params)}"}
        )

    async def _redeem_code(self, request: web.Request) -> Grant | None:
        """Return the grant of a code, once, for the client that requested it and has the verifier."""
        form = await request.post()
        credentials = (str(form["client_id"]), str(form.get("client_secret", "")))
        if "Authorization" in request.headers:
            basic = aiohttp.BasicAuth.decode(request.headers["Authorization"])
            credentials = (unquote_plus(basic.login), unquote_plus(basic.password))
            assert "client_secret" not in form
        assert credentials == (CLIENT_ID, CLIENT_SECRET)
        grant = self.grants_by_code.pop(str(form["code"]), None)
        if grant is None or grant.request_params["redirect_uri"] != form["redirect_uri"]:
            return None
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        return grant if challenge == grant.request_params["code_challenge"] else None

    async def _token(self, request: web.Request) -> web.Response:
        grant = await self._redeem_code(request)
        if grant is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = self.alter_claims(self.claims(grant))
        token = self.sign_token(self, claims) if self.sign_token else self.encode_id_token(claims)
        access = self._issue_access_token(grant.user)
        return web.json_response({"id_token": token, "access_token": access, "token_type": "Bearer"})

    def _issue_access_token(self, user: ProviderUser) -> str:
        token = secrets.token_urlsafe(16)
        self.users_by_token[token] = user
        return token

    def claims(self, grant: Grant) -> dict[str, Any]:
        """Return the claims of a user."""
        now = int(clock.now().timestamp())
        profile = {} if self.minimal_id_token else self._profile(grant.user)
        nonce = {"nonce": grant.request_params["nonce"]} if "nonce" in grant.request_params else {}
        return {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": grant.user.subject,
            "iat": now,
            "exp": now + 300,
            **nonce,
            **profile,
        }

    def encode_id_token(self, claims: dict[str, Any], kid: str = "", algorithm: str = "RS256") -> str:
        """An ID token."""
        name = kid or self.signing_key_id
        return jwt.encode(claims, rsa_key(name), algorithm, {"kid": name})

    def _profile(self, user: ProviderUser) -> dict[str, Any]:
        return {"email": user.email, "email_verified": user.email_verified, "name": user.name}

    async def _userinfo(self, request: web.Request) -> web.Response:
        user = self.users_by_token[request.headers["Authorization"].removeprefix("Bearer ")]
        return web.json_response({"sub": user.subject, **self._profile(user)})

    async def _github_token(self, request: web.Request) -> web.Response:
        assert request.headers["Accept"] == "application/json"
        grant = await self._redeem_code(request)
        if grant is None:  # GitHub responds so with status 200
            return web.json_response({"error": "bad_verification_code"})
        return web.json_response(
            {"access_token": self._issue_access_token(grant.user), "token_type": "bearer"}
        )

    async def _github_user(self, request: web.Request) -> web.Response:
        user = self.users_by_token[request.headers["Authorization"].removeprefix("Bearer ")]
        return web.json_response(
            {"id": int(user.subject), "login": "ada", "name": user.name, "email": "x@y.z"}
        )

    async def _github_emails(self, request: web.Request) -> web.Response:
        user = self.users_by_token[request.headers["Authorization"].removeprefix("Bearer ")]
        others = [{"email": "other@example.com", "primary": False, "verified": True}]
        return web.json_response(
            [*others, {"email": user.email, "primary": True, "verified": user.email_verified}]
        )


@asynccontextmanager
async def run_issuer() -> AsyncIterator[Issuer]:
    """A running one."""
    provider = Issuer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        provider.url = f"http://127.0.0.1:{server.port}"
        yield provider


class OAuthBrowser:
    """Follows redirects by hand, between hubbub and providers, and keeps hubbub's cookies."""

    def __init__(self, http: aiohttp.ClientSession, url: str, user_agent: str = "a browser") -> None:
        self.http, self.url, self.user_agent = http, url, user_agent
        self.cookies: dict[str, str] = {}
        self.set_cookie = ""
        self.token: str | None = None  # an access token that is sent along

    async def get(self, url: str) -> tuple[int, str, Any]:
        """Status, where it leads to, JSON. A path is hubbub's."""
        is_hubbub = url.startswith("/")
        headers = {"User-Agent": self.user_agent}
        if is_hubbub and self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if is_hubbub and self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.http.get(
            f"{self.url}{url}" if is_hubbub else url, allow_redirects=False, headers=headers
        ) as response:
            for name, morsel in response.cookies.items() if is_hubbub else ():
                self.set_cookie = response.headers["Set-Cookie"]
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
            body = await response.json() if response.content_type.endswith("json") else None
            if is_hubbub:
                api_contract().check("GET", url, response.status, response.content_type, body)
            return response.status, response.headers.get("Location", ""), body

    async def authorize(self, provider: str, **params: str) -> str:
        """Consent at a provider. Returns the path that it redirects to."""
        status, form_url, body = await self.get(
            f"/api/v1/auth/oauth/{provider}/authorize?{urlencode(params)}"
        )
        assert status == 302, body
        _, callback_url, _ = await self.get(form_url)
        return "/" + callback_url.split("/", 3)[3]

    async def log_in(self, provider: str = "test", **params: str) -> tuple[int, str, Any]:
        """Run the whole login."""
        return await self.get(await self.authorize(provider, **params))

    def clone(self) -> Self:
        """Another browser with the same cookies."""
        copy = type(self)(self.http, self.url, self.user_agent)
        copy.cookies = dict(self.cookies)
        return copy
