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

import msgspec

from hubbub import models
from hubbub.core import clock, redirects
from hubbub.core.errors import Forbidden, HubbubError, InvalidPayload, InvalidToken, NotFound
from hubbub.core.origins import Origin
from hubbub.core.sealing import Unsealable
from hubbub.gateways.providers import Attempt, IdentityProvider
from hubbub.models.connection import uuid_of
from hubbub.schemas import oauth as wire
from hubbub.schemas.accounts import Signed
from hubbub.schemas.two_factor import MfaRequired
from hubbub.services import accounts, audit, database, identities, sessions
from hubbub.services.audit import Act, Action
from hubbub.services.context import Parts

LASTS = timedelta(minutes=10)  # from the way to a provider to the way back
CODE_LASTS = timedelta(seconds=60)
CALLBACK = "/api/v1/auth/oauth/{name}/callback"
_LOST = (
    "This sign-in was not begun in this browser, took longer than ten minutes, or was used already. "
    "Start again."
)


class Begun(msgspec.Struct, frozen=True):
    """What a browser keeps, sealed, while its person is at the provider's."""

    state: str
    nonce: str
    verifier: str
    until: datetime
    redirect: str | None
    challenge: str | None


class Back(NamedTuple):
    """How a sign-in ended: tokens or the second step, or the page that is told."""

    signed: Signed | MfaRequired | None
    location: str | None


def offered(parts: Parts) -> list[wire.Provider]:
    """Those that one may sign in with."""
    return [wire.Provider(name=each.name, title=each.title) for each in parts.providers.values()]


def _provider(parts: Parts, name: str) -> IdentityProvider:
    found = parts.providers.get(name)
    if found is None:
        raise NotFound("There is no such provider to sign in with.")
    return found


async def begin(parts: Parts, name: str, command: wire.Authorize) -> tuple[str, str]:
    """Where to send the browser, and what it keeps until it is back.

    Raises NotFound, InvalidPayload, Unavailable.
    """
    provider, redirect = _provider(parts, name), None
    if command.redirect is not None:
        settings = parts.settings
        redirect = redirects.allowed(command.redirect, str(settings.public_url), settings.cors_origins)
        if redirect is None:
            said = "A path of this site, or an address of an origin in HUBBUB_CORS_ORIGINS; no fragment."
            raise InvalidPayload(f"redirect: {said}", fields=(("redirect", said),))
    begun = Begun(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        until=clock.now() + LASTS,
        redirect=redirect,
        challenge=command.challenge,
    )
    url = await provider.ask(_attempt(parts, provider, begun))
    return url, parts.sealing.seal(_purpose(provider), msgspec.json.encode(begun))


def _purpose(provider: IdentityProvider) -> str:
    return f"oauth:{provider.name}:{provider.issuer}"


def _attempt(parts: Parts, provider: IdentityProvider, begun: Begun) -> Attempt:
    callback = f"{parts.settings.public_url}{CALLBACK.format(name=provider.name)}"
    return Attempt(begun.state, begun.nonce, begun.verifier, callback)


async def finish(parts: Parts, name: str, command: wire.Callback, kept: str, origin: Origin) -> Back:
    """The browser is back. If a page asked for it, that page is told how it ended, refusals included.

    Raises NotFound, InvalidToken (not begun here, or spent); without a page also Forbidden, Conflict,
    Suspended, Unavailable.
    """
    provider = _provider(parts, name)
    begun = _begun(parts, provider, command, kept)
    await _spend(begun)
    try:
        async with audit.attempt(parts, Act(Action.SIGN_IN, origin)) as act:
            user = await _who(parts, provider, command, begun, act)
        if begun.redirect is None:
            return Back(await accounts.enter(parts, user, origin, None), None)
        return Back(None, f"{begun.redirect}#{urlencode({'oauth_code': await _code(user, begun)})}")
    except HubbubError as error:
        if begun.redirect is None:
            raise
        told = {"oauth_error": error.code, "oauth_message": error.message}
        return Back(None, f"{begun.redirect}#{urlencode(told)}")


def _begun(parts: Parts, provider: IdentityProvider, command: wire.Callback, kept: str) -> Begun:
    """What this browser began with this provider. Raises InvalidToken."""
    try:
        raw = parts.sealing.unseal(_purpose(provider), kept)
        begun = msgspec.json.decode(raw, type=Begun)
    except (Unsealable, msgspec.MsgspecError):
        raise InvalidToken(_LOST) from None
    same = hmac.compare_digest((command.state or "").encode(), begun.state.encode())
    if not same or begun.until <= clock.now():
        raise InvalidToken(_LOST)
    return begun


async def _spend(begun: Begun) -> None:
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


async def _who(
    parts: Parts, provider: IdentityProvider, command: wire.Callback, begun: Begun, act: Act
) -> models.User:
    if command.iss is not None and command.iss != provider.issuer:  # RFC 9207: of another provider
        raise InvalidToken(_LOST)
    if command.error is not None:
        act.reason = "refused_by_provider"
        raise Forbidden(
            f"{provider.title} was not allowed to say who you are. Start again if you want to sign in."
        )
    if command.code is None:
        raise InvalidToken(_LOST)
    proved = await provider.prove(_attempt(parts, provider, begun), command.code)
    return await identities.account(parts, provider, proved, act)


async def _code(user: models.User, begun: Begun) -> str:
    """What the page exchanges for tokens, once, within a minute."""
    code = secrets.token_urlsafe(32)
    async with database.guard():
        await models.Handover.filter(state_digest=_digest(begun.state)).update(
            user_id=user.id, code_digest=_digest(code), code_until=clock.now() + CODE_LASTS
        )
    return code


async def exchange(parts: Parts, command: wire.Exchange, origin: Origin) -> Signed | MfaRequired:
    """Tokens for a code, or the second step; a wrong verifier uses it up. Raises InvalidToken, Suspended."""
    async with database.transaction() as tx:
        rows = await tx.fetch(
            "UPDATE handovers SET code_digest = NULL WHERE code_digest = $1 AND code_until > $2 "
            "RETURNING user_id, challenge",
            *(_digest(command.code), clock.now()),
        )
    if not rows or not _keeps(command.verifier, rows[0]["challenge"]):
        raise InvalidToken
    async with database.guard():
        user = await models.User.filter(id=uuid_of(rows[0]["user_id"]), deleted_at__isnull=True).first()
    if user is None:
        raise InvalidToken
    sessions.check(user)
    return await accounts.enter(parts, user, origin, command.device_name)


def _keeps(verifier: str | None, challenge: str | None) -> bool:
    """Whether the page that exchanges the code is the one that began."""
    if challenge is None:
        return verifier is None
    made = urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(made, challenge)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
