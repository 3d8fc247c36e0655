"""Providers of sign-ins for tests: an OpenID Connect issuer, and one that is like GitHub. Both can lie."""

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
from tests.support.documented import documented

CLIENT, SECRET = "the-hub", "s3cret, of: the hub/@"
Say = Callable[[web.Request], Awaitable[web.Response]]


@cache
def key(name: str) -> RSAPrivateKey:
    """The key of this name; making one takes a moment."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Someone:
    """Who is logged in at the provider, and will say yes."""

    subject: str = "1001"
    email: str | None = "ada@example.com"
    verified: bool = True
    name: str = "Ada Lovelace"


@dataclass
class Grant:
    """A code that was given out."""

    who: Someone
    asked: dict[str, str]


@dataclass
class Issuer:
    """Discovery, keys, form, tokens with PKCE, userinfo. `instead` answers an address in another way."""

    who: Someone = field(default_factory=Someone)
    allows: bool = True
    kid: str = "one"
    published: list[str] = field(default_factory=lambda: ["one"])
    thin: bool = False  # no address in the ID token: it is told by userinfo
    lie: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    sign: Callable[["Issuer", dict[str, Any]], str] | None = None
    instead: dict[str, Say] = field(default_factory=dict)
    post: bool = True  # whether it takes the secret in the form
    asked: list[str] = field(default_factory=list)
    url: str = ""
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Someone] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        """Any request."""
        self.asked.append(request.path)
        if (instead := self.instead.get(request.path)) is not None:
            return await instead(request)
        handlers: dict[str, Say] = {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": self._jwks,
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/login/oauth/authorize": self._authorize,
            "/login/oauth/access_token": self._github_token,
            "/api/v3/user": self._user,
            "/api/v3/user/emails": self._emails,
        }
        return await handlers[request.path](request)

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(self.discovery())

    def discovery(self) -> dict[str, Any]:
        """What it publishes of itself."""
        methods = ["client_secret_basic", *(["client_secret_post"] if self.post else [])]
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
        found = [
            {**jwt.algorithms.RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True), "kid": name}
            for name in self.published
        ]
        return web.json_response({"keys": [shared, {"kty": "new", "kid": "unknown"}, *found]})

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        if self.allows:
            code = secrets.token_urlsafe(16)
            self.codes[code] = Grant(self.who, asked)
            back = {"code": code, "state": asked["state"]}
        else:
            back = {"error": "access_denied", "error_description": "No.", "state": asked["state"]}
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})

    async def _redeemed(self, request: web.Request) -> Grant | None:
        """The grant of a code, once, for who asked for it and has the verifier."""
        form = await request.post()
        known = (str(form["client_id"]), str(form.get("client_secret", "")))
        if "Authorization" in request.headers:
            basic = aiohttp.BasicAuth.decode(request.headers["Authorization"])
            known = (unquote_plus(basic.login), unquote_plus(basic.password))
            assert "client_secret" not in form
        assert known == (CLIENT, SECRET)
        grant = self.codes.pop(str(form["code"]), None)
        if grant is None or grant.asked["redirect_uri"] != form["redirect_uri"]:
            return None
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        made = urlsafe_b64encode(digest).decode().rstrip("=")
        return grant if made == grant.asked["code_challenge"] else None

    async def _token(self, request: web.Request) -> web.Response:
        grant = await self._redeemed(request)
        if grant is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = self.lie(self.claims(grant))
        token = self.sign(self, claims) if self.sign else self.signed(claims)
        access = self._access(grant.who)
        return web.json_response({"id_token": token, "access_token": access, "token_type": "Bearer"})

    def _access(self, who: Someone) -> str:
        token = secrets.token_urlsafe(16)
        self.tokens[token] = who
        return token

    def claims(self, grant: Grant) -> dict[str, Any]:
        """What is true of somebody."""
        now = int(clock.now().timestamp())
        about = {} if self.thin else self._about(grant.who)
        nonce = {"nonce": grant.asked["nonce"]} if "nonce" in grant.asked else {}
        return {
            "iss": self.url,
            "aud": CLIENT,
            "sub": grant.who.subject,
            "iat": now,
            "exp": now + 300,
            **nonce,
            **about,
        }

    def signed(self, claims: dict[str, Any], kid: str = "", algorithm: str = "RS256") -> str:
        """An ID token."""
        name = kid or self.kid
        return jwt.encode(claims, key(name), algorithm, {"kid": name})

    def _about(self, who: Someone) -> dict[str, Any]:
        return {"email": who.email, "email_verified": who.verified, "name": who.name}

    async def _userinfo(self, request: web.Request) -> web.Response:
        who = self.tokens[request.headers["Authorization"].removeprefix("Bearer ")]
        return web.json_response({"sub": who.subject, **self._about(who)})

    async def _github_token(self, request: web.Request) -> web.Response:
        assert request.headers["Accept"] == "application/json"
        grant = await self._redeemed(request)
        if grant is None:  # GitHub says so with status 200
            return web.json_response({"error": "bad_verification_code"})
        return web.json_response({"access_token": self._access(grant.who), "token_type": "bearer"})

    async def _user(self, request: web.Request) -> web.Response:
        who = self.tokens[request.headers["Authorization"].removeprefix("Bearer ")]
        return web.json_response({"id": int(who.subject), "login": "ada", "name": who.name, "email": "x@y.z"})

    async def _emails(self, request: web.Request) -> web.Response:
        who = self.tokens[request.headers["Authorization"].removeprefix("Bearer ")]
        others = [{"email": "other@example.com", "primary": False, "verified": True}]
        return web.json_response([*others, {"email": who.email, "primary": True, "verified": who.verified}])


@asynccontextmanager
async def issuer() -> AsyncIterator[Issuer]:
    """A running one."""
    made = Issuer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        made.url = f"http://127.0.0.1:{server.port}"
        yield made


class Browser:
    """Follows redirects by hand, between hubbub and providers, and keeps hubbub's cookies."""

    def __init__(self, http: aiohttp.ClientSession, url: str, agent: str = "a browser") -> None:
        self.http, self.url, self.agent = http, url, agent
        self.cookies: dict[str, str] = {}
        self.set_cookie = ""
        self.token: str | None = None  # an access token that is sent along

    async def get(self, url: str) -> tuple[int, str, Any]:
        """Status, where it leads to, JSON. A path is hubbub's."""
        own = url.startswith("/")
        headers = {"User-Agent": self.agent}
        if own and self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if own and self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.http.get(
            f"{self.url}{url}" if own else url, allow_redirects=False, headers=headers
        ) as answer:
            for name, morsel in answer.cookies.items() if own else ():
                self.set_cookie = answer.headers["Set-Cookie"]
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
            body = await answer.json() if answer.content_type.endswith("json") else None
            if own:
                documented().check("GET", url, answer.status, answer.content_type, body)
            return answer.status, answer.headers.get("Location", ""), body

    async def leave(self, provider: str, **asked: str) -> str:
        """Go to a provider and say yes: the path that it sends back to."""
        status, form, body = await self.get(f"/api/v1/auth/oauth/{provider}/authorize?{urlencode(asked)}")
        assert status == 302, body
        _, back, _ = await self.get(form)
        return "/" + back.split("/", 3)[3]

    async def sign_in(self, provider: str = "test", **asked: str) -> tuple[int, str, Any]:
        """All the way."""
        return await self.get(await self.leave(provider, **asked))

    def twin(self) -> Self:
        """Another browser with the same cookies."""
        made = type(self)(self.http, self.url, self.agent)
        made.cookies = dict(self.cookies)
        return made
