"""Signing in with others: to the provider and back, then in as with a password.

The browser carries a sealed cookie in between. A sign-in that comes back is stored by its state, so that it
comes back once. A page that asked for it gets a code in the fragment of its address and exchanges that for
tokens: no token is ever part of an address.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.core import clock, redirects
from hubbub.core.errors import Forbidden, HubbubError, InvalidPayload, InvalidToken, NotFound, Suspended
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError
from hubbub.db import database
from hubbub.gateways.identity_provider import AuthorizationRequest, IdentityProvider, VerifiedIdentity
from hubbub.queries.audit.audit_log import Act, Action
from hubbub.schemas.accounts import oauth as wire
from hubbub.schemas.accounts.accounts import TokenPair
from hubbub.schemas.auth.two_factor import MfaRequired
from hubbub.services.accounts import identities
from hubbub.services.audit import recorder
from hubbub.services.auth import confirmation, login
from hubbub.services.context import Container, Context
from hubbub.services.users import users

LASTS = timedelta(minutes=10)  # from the way to a provider to the way back
CODE_LASTS = timedelta(seconds=60)
CALLBACK = "/api/v1/auth/oauth/{name}/callback"
_LOST = (
    "This sign-in was not begun in this browser, took longer than ten minutes, or was used already. "
    "Start again."
)
NOT_ALLOWED = "Must be a path of this site, or a URL of an origin in HUBBUB_CORS_ORIGINS, without a fragment."


class LoginState(msgspec.Struct, frozen=True):
    """What a browser keeps, sealed, while its person is at the provider's."""

    state: str
    nonce: str
    verifier: str
    until: datetime
    redirect: str | None
    challenge: str | None
    confirm: bool = False
    session: tuple[UUID, UUID] | None = None  # user and session that are confirmed


class CallbackResult(NamedTuple):
    """How a sign-in ended: tokens or the second step, or the page that is told; neither if it confirmed."""

    signed: TokenPair | MfaRequired | None
    location: str | None


def offered(parts: Container) -> list[wire.Provider]:
    """Those that one may sign in with."""
    return [wire.Provider(name=each.name, title=each.title) for each in parts.providers.values()]


def _provider(parts: Container, name: str) -> IdentityProvider:
    found = parts.providers.get(name)
    if found is None:
        raise NotFound("There is no such provider to sign in with.")
    return found


async def begin(
    parts: Container, name: str, command: wire.Authorize, session: tuple[UUID, UUID] | None = None
) -> tuple[str, str]:
    """Where to send the browser, and what it keeps until it is back.

    `session` is the user and the session that it confirms.
    Raises NotFound, InvalidPayload, Unavailable.
    """
    provider, redirect = _provider(parts, name), None
    if command.redirect is not None:
        settings = parts.settings
        redirect = redirects.validate(command.redirect, str(settings.public_url), settings.cors_origins)
        if redirect is None:
            raise InvalidPayload(fields=(("redirect", NOT_ALLOWED),))
    begun = LoginState(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        until=clock.now() + LASTS,
        redirect=redirect,
        challenge=command.challenge,
        confirm=command.confirm == "true",
        session=session,
    )
    url = await provider.ask(_attempt(parts, provider, begun))
    return url, parts.sealing.seal(_purpose(provider), msgspec.json.encode(begun))


def _purpose(provider: IdentityProvider) -> str:
    return f"oauth:{provider.name}:{provider.issuer}"


def _attempt(parts: Container, provider: IdentityProvider, begun: LoginState) -> AuthorizationRequest:
    callback = f"{parts.settings.public_url}{CALLBACK.format(name=provider.name)}"
    return AuthorizationRequest(begun.state, begun.nonce, begun.verifier, callback)


async def finish(
    parts: Container, name: str, command: wire.Callback, kept: str, origin: RequestInfo
) -> CallbackResult:
    """The browser is back. If a page asked for it, that page is told how it ended, refusals included.

    Raises NotFound, InvalidToken (not begun here, or spent); without a page also Forbidden, Conflict,
    Suspended, Unavailable.
    """
    provider = _provider(parts, name)
    begun = _begun(parts, provider, command, kept)
    await _spend(begun)
    try:
        async with recorder.attempt(parts, Act(Action.SIGN_IN, origin)) as act:
            proved = await _prove(parts, provider, command, begun, act)
            linked = identities.still_linked(provider, proved)
            if begun.confirm:
                user = await identities.linked_to(provider, proved)
            else:
                user = await identities.account(parts, provider, proved, act)
            if begun.session is not None:
                await _confirm(Context(parts, *begun.session, origin=origin), linked)
                return CallbackResult(
                    None, f"{begun.redirect}#oauth_confirmed=true" if begun.redirect else None
                )
            if begun.redirect is not None:
                code = await _code(user.id, linked, begun)
                return CallbackResult(None, f"{begun.redirect}#{urlencode({'oauth_code': code})}")
            signed = await login.start_session(parts, user.id, linked, origin, None)
            if signed is None:
                raise InvalidToken(_LOST)
            return CallbackResult(signed, None)
    except HubbubError as error:
        if begun.redirect is None:
            raise
        told = {"oauth_error": error.code, "oauth_message": error.message}
        return CallbackResult(None, f"{begun.redirect}#{urlencode(told)}")


def _begun(parts: Container, provider: IdentityProvider, command: wire.Callback, kept: str) -> LoginState:
    """What this browser began with this provider. Raises InvalidToken."""
    try:
        raw = parts.sealing.unseal(_purpose(provider), kept)
        begun = msgspec.json.decode(raw, type=LoginState)
    except (DecryptionError, msgspec.MsgspecError):
        raise InvalidToken(_LOST) from None
    same = hmac.compare_digest((command.state or "").encode(), begun.state.encode())
    if not same or begun.until <= clock.oldest_end():
        raise InvalidToken(_LOST)
    return begun


async def _confirm(ctx: Context, linked: login.Proof) -> None:
    """Raises Forbidden, SessionRevoked, Suspended, Unauthenticated."""
    if not await confirmation.confirm_by_provider(ctx, linked):
        raise Forbidden(
            "This does not confirm your session: use the password, or the provider of your account."
        )


async def _spend(begun: LoginState) -> None:
    """Of several who come back with one state, one goes on. Raises InvalidToken."""
    try:
        async with database.transaction():
            await models.Handover.create(
                state_digest=_digest(begun.state), challenge=begun.challenge, expires_at=begun.until
            )
    except Exception as error:
        if database.is_duplicate(error):
            raise InvalidToken(_LOST) from None
        raise


async def _prove(
    parts: Container, provider: IdentityProvider, command: wire.Callback, begun: LoginState, act: Act
) -> VerifiedIdentity:
    if command.iss is not None and command.iss != provider.issuer:  # RFC 9207: of another provider
        raise InvalidToken(_LOST)
    if command.error is not None:
        act.reason = "refused_by_provider"
        raise Forbidden(
            f"{provider.title} was not allowed to say who you are. Start again if you want to sign in."
        )
    if command.code is None:
        raise InvalidToken(_LOST)
    return await provider.prove(_attempt(parts, provider, begun), command.code)


async def _code(user_id: UUID, linked: login.Proof, begun: LoginState) -> str:
    """What the page exchanges for tokens, once, within a minute. Raises InvalidToken."""
    code = secrets.token_urlsafe(32)
    async with database.transaction():
        user = await users.lock(user_id)
        if user is None or not await linked(user):
            raise InvalidToken(_LOST)
        await models.Handover.filter(state_digest=_digest(begun.state)).update(
            user_id=user.id, code_digest=_digest(code), code_until=clock.now() + CODE_LASTS
        )
    return code


async def exchange(
    parts: Container, command: wire.Exchange, origin: RequestInfo, ctx: Context | None = None
) -> TokenPair | MfaRequired | None:
    """Tokens for a code, or the second step; a wrong verifier uses it up.

    With `ctx`, the caller's session is confirmed instead. Raises InvalidToken, Suspended, Forbidden.
    """
    mine = models.Handover.filter(code_digest=_digest(command.code), code_until__gt=clock.oldest_end())
    async with database.guard():
        found = await mine.first()
    if found is None or found.user_id is None:
        raise InvalidToken
    if not _keeps(command.verifier, found.challenge):
        async with database.guard():
            await mine.update(code_digest=None)
        raise InvalidToken

    async def unspent(_user: models.User) -> bool:
        return bool(await mine.update(code_digest=None))

    if ctx is not None:

        async def own(user: models.User) -> bool:
            return user.id == found.user_id and await unspent(user)

        await _confirm(ctx, own)
        return None
    try:
        signed = await login.start_session(parts, found.user_id, unspent, origin, command.device_name)
    except Suspended:
        async with database.guard():
            await mine.update(code_digest=None)  # what was rolled back: a code is good once
        raise
    if signed is None:
        raise InvalidToken
    return signed


def _keeps(verifier: str | None, challenge: str | None) -> bool:
    """Whether the page that exchanges the code is the one that began."""
    if challenge is None:
        return verifier is None
    made = urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(made, challenge)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
