"""/auth: registering, logging in, renewing tokens, logging out."""

from aiohttp import web

from hubbub.http.keys import parts_of
from hubbub.http.middleware import limits
from hubbub.http.request import context, data, nothing, origin, read
from hubbub.http.routes import Routes
from hubbub.schemas import accounts as wire
from hubbub.schemas.two_factor import MfaRequired
from hubbub.services import accounts, sessions

routes = Routes()


@routes.post(
    "/api/v1/auth/register",
    says="Make an account and log in",
    body=wire.Register,
    shows=wire.Signed,
    status=201,
    may=("conflict",),
)
async def register(request: web.Request) -> web.Response:
    signed = await accounts.register(parts_of(request), await read(request, wire.Register), origin(request))
    return data(signed, status=201, location="/api/v1/auth/me")


@routes.post(
    "/api/v1/auth/login",
    says="Log in; with two-factor on, the first step of it",
    body=wire.Login,
    shows=(wire.Signed, MfaRequired),
    may=("unauthenticated", "suspended"),
)
async def login(request: web.Request) -> web.Response:
    command = await read(request, wire.Login)
    async with limits.sign_in(request, command.email):
        signed = await accounts.login(parts_of(request), command, origin(request))
    if isinstance(signed, wire.Signed):
        await limits.signed_in(request, command.email)
    return data(signed)


@routes.post(
    "/api/v1/auth/refresh",
    says="Get a new pair of tokens; the old refresh token is spent",
    body=wire.Refresh,
    shows=wire.Signed,
    may=("invalid_token", "suspended"),
)
async def refresh(request: web.Request) -> web.Response:
    return data(await sessions.refresh(parts_of(request), await read(request, wire.Refresh), origin(request)))


@routes.post("/api/v1/auth/logout", says="End this session")
async def logout(request: web.Request) -> web.Response:
    await sessions.logout(context(request))
    return nothing()


@routes.get("/api/v1/auth/me", says="The user who asks", shows=wire.Account)
async def me(request: web.Request) -> web.Response:
    return data(await accounts.me(context(request)))
