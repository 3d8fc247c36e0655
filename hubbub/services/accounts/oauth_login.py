"""OAuth login: to the provider and back, then as after a correct password.

The browser keeps an encrypted cookie in between. A login that returns is stored by its state, so that it can
return only once. A page that started it receives a code in the fragment of its URL and exchanges it for
tokens: a token is never part of a URL.
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
from tortoise.queryset import QuerySet

from hubbub import models
from hubbub.core import clock, redirects
from hubbub.core.errors import Forbidden, HubbubError, InvalidPayload, InvalidToken, NotFound, Suspended
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError
from hubbub.db import database
from hubbub.gateways.identity_provider import AuthorizationRequest, IdentityProvider, VerifiedIdentity
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.schemas.accounts import oauth as wire
from hubbub.schemas.accounts.accounts import TokenPair
from hubbub.schemas.auth.two_factor import MfaRequired
from hubbub.services.accounts import identities
from hubbub.services.audit import recorder
from hubbub.services.auth import confirmation, login, login_throttle
from hubbub.services.context import Container, Context
from hubbub.services.users import users

STATE_LIFETIME = timedelta(minutes=10)  # between the redirect to the provider and the callback
CODE_LIFETIME = timedelta(seconds=60)
CALLBACK_PATH = "/api/v1/auth/oauth/{name}/callback"
_INVALID_STATE = (
    "This login was not started in this browser, took longer than ten minutes, or was used before. "
    "Start again."
)
INVALID_REDIRECT = (
    "Must be a path of this site, or a URL of an origin in HUBBUB_CORS_ORIGINS, without a fragment."
)


class LoginState(msgspec.Struct, frozen=True):
    """The content of the encrypted cookie that the browser keeps during the login."""

    state: str  # compared with the callback
    nonce: str  # compared with the ID token
    verifier: str  # of PKCE with the provider
    until: datetime  # expires then
    redirect: str | None  # URL of the page that started the login
    challenge: str | None  # of PKCE with that page
    confirm: bool = False  # whether the login confirms a session
    session: tuple[UUID, UUID] | None = None  # user and session to confirm


class CallbackResult(NamedTuple):
    """The result of a login: tokens or an MFA challenge, or the URL of the page.

    Neither after a confirmation.
    """

    response: TokenPair | MfaRequired | None
    location: str | None


def list_providers(container: Container) -> list[wire.Provider]:
    """Return the login providers."""
    return [wire.Provider(name=each.name, title=each.title) for each in container.identity_providers.values()]


def _get_provider(container: Container, name: str) -> IdentityProvider:
    found = container.identity_providers.get(name)
    if found is None:
        raise NotFound("Login provider not found.")
    return found


async def authorize(
    container: Container, name: str, command: wire.Authorize, session: tuple[UUID, UUID] | None = None
) -> tuple[str, str]:
    """Return the URL of the provider and the cookie that the browser keeps until the callback.

    `session` is the user and the session to confirm. Raises NotFound, InvalidPayload, Unavailable.
    """
    provider, redirect = _get_provider(container, name), None
    if command.redirect is not None:
        settings = container.settings
        redirect = redirects.validate(command.redirect, str(settings.public_url), settings.cors_origins)
        if redirect is None:
            raise InvalidPayload(fields=(("redirect", INVALID_REDIRECT),))
    login_state = LoginState(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        until=clock.now() + STATE_LIFETIME,
        redirect=redirect,
        challenge=command.challenge,
        confirm=command.confirm == "true",
        session=session,
    )
    url = await provider.authorization_url(_authorization_request(container, provider, login_state))
    return url, container.sealing.seal(_sealing_purpose(provider), msgspec.json.encode(login_state))


def _sealing_purpose(provider: IdentityProvider) -> str:
    return f"oauth:{provider.name}:{provider.issuer}"


def _authorization_request(
    container: Container, provider: IdentityProvider, login_state: LoginState
) -> AuthorizationRequest:
    callback = f"{container.settings.public_url}{CALLBACK_PATH.format(name=provider.name)}"
    return AuthorizationRequest(login_state.state, login_state.nonce, login_state.verifier, callback)


async def handle_callback(
    container: Container, name: str, command: wire.Callback, cookie: str, request_info: RequestInfo
) -> CallbackResult:
    """Finish a login. A page that started it receives the result in its URL, errors included.

    Raises NotFound, InvalidToken (not started here, or used before); without a page also Forbidden, Conflict,
    Suspended, Unavailable.
    """
    provider = _get_provider(container, name)
    login_state = _restore_state(container, provider, command, cookie)
    await _consume_state(login_state)
    try:
        async with recorder.attempt(container, AuditEvent(Action.LOGIN, request_info)) as act:
            verified = await _identify(container, provider, command, login_state, act)
            return await _complete(container, provider, verified, login_state, act)
    except HubbubError as error:
        if login_state.redirect is None:
            raise
        return _redirect(login_state, oauth_error=error.code, oauth_message=error.message)


async def _complete(
    container: Container,
    provider: IdentityProvider,
    verified: VerifiedIdentity,
    login_state: LoginState,
    act: AuditEvent,
) -> CallbackResult:
    """Confirm the session of the state, or log in to the account of the identity."""
    request_info, still_valid = act.request_info, identities.recheck_identity(provider, verified)
    if login_state.confirm:
        user = await identities.get_linked_user(provider, verified)
    else:
        user = await identities.resolve_account(container, provider, verified, act)
    if login_state.session is not None:
        await _confirm(Context(container, *login_state.session, request_info=request_info), still_valid)
        return _redirect(login_state, oauth_confirmed="true")
    if login_state.redirect is not None:
        code = await _create_code(user.id, still_valid, login_state)
        return _redirect(login_state, oauth_code=code)
    response = await login.start_session(container, user.id, still_valid, request_info, None)
    if response is None:
        raise InvalidToken(_INVALID_STATE)
    await _record_login(container, response, request_info)
    return CallbackResult(response, None)


def _redirect(login_state: LoginState, **fragment: str) -> CallbackResult:
    """Return the result for the page that started the login, if there is one: its URL with a fragment."""
    page = login_state.redirect
    return CallbackResult(None, f"{page}#{urlencode(fragment)}" if page is not None else None)


def _restore_state(
    container: Container, provider: IdentityProvider, command: wire.Callback, cookie: str
) -> LoginState:
    """Return the state that this browser started with this provider. Raises InvalidToken."""
    try:
        raw = container.sealing.unseal(_sealing_purpose(provider), cookie)
        login_state = msgspec.json.decode(raw, type=LoginState)
    except (DecryptionError, msgspec.MsgspecError):
        raise InvalidToken(_INVALID_STATE) from None
    same = hmac.compare_digest((command.state or "").encode(), login_state.state.encode())
    if not same or login_state.until <= clock.expiry_cutoff():
        raise InvalidToken(_INVALID_STATE)
    return login_state


async def _confirm(ctx: Context, still_valid: login.Recheck) -> None:
    """Confirm the session. Raises Forbidden, SessionRevoked, Suspended, Unauthenticated."""
    if not await confirmation.confirm_by_provider(ctx, still_valid):
        raise Forbidden(
            "This login does not confirm your session. Use your password, or the provider of your account."
        )


async def _consume_state(login_state: LoginState) -> None:
    """Use a state. Of several concurrent callbacks one continues. Raises InvalidToken."""
    try:
        async with database.transaction():
            await models.OAuthHandoff.create(
                state_digest=_digest(login_state.state),
                challenge=login_state.challenge,
                expires_at=login_state.until,
            )
    except database.Duplicate:
        raise InvalidToken(_INVALID_STATE) from None


async def _identify(
    container: Container,
    provider: IdentityProvider,
    command: wire.Callback,
    login_state: LoginState,
    act: AuditEvent,
) -> VerifiedIdentity:
    if command.iss is not None and command.iss != provider.issuer:  # from another provider (RFC 9207)
        raise InvalidToken(_INVALID_STATE)
    if command.error is not None:
        act.reason = "refused_by_provider"
        raise Forbidden(
            f"You did not allow the login with {provider.title}. Start again if you want to log in."
        )
    if command.code is None:
        raise InvalidToken(_INVALID_STATE)
    return await provider.verify_code(_authorization_request(container, provider, login_state), command.code)


async def _create_code(user_id: UUID, still_valid: login.Recheck, login_state: LoginState) -> str:
    """Create the code that the page exchanges for tokens, once, within a minute. Raises InvalidToken."""
    code = secrets.token_urlsafe(32)
    async with database.transaction():
        user = await users.lock(user_id)
        if user is None or not await still_valid(user):
            raise InvalidToken(_INVALID_STATE)
        await models.OAuthHandoff.filter(state_digest=_digest(login_state.state)).update(
            user_id=user.id, code_digest=_digest(code), code_until=clock.now() + CODE_LIFETIME
        )
    return code


async def exchange(
    container: Container, command: wire.Exchange, request_info: RequestInfo, ctx: Context | None = None
) -> TokenPair | MfaRequired | None:
    """Exchange a code for tokens or an MFA challenge. A wrong verifier invalidates the code.

    With `ctx`, the caller's session is confirmed instead. Raises InvalidToken, Suspended, Forbidden.
    """
    code = _digest(command.code)
    handoffs = models.OAuthHandoff.filter(code_digest=code, code_until__gt=clock.expiry_cutoff())
    user_id = await _find_user(handoffs, command.verifier)

    async def consume(user: models.User) -> bool:
        return user.id == user_id and bool(await handoffs.update(code_digest=None))

    if ctx is not None:
        await _confirm(ctx, consume)
        return None
    try:
        tokens = await login.start_session(container, user_id, consume, request_info, command.device_name)
    except Suspended:
        async with database.guard():
            await handoffs.update(code_digest=None)  # was rolled back; a code works once
        raise
    if tokens is None:
        raise InvalidToken
    await _record_login(container, tokens, request_info)
    return tokens


async def _find_user(handoffs: QuerySet[models.OAuthHandoff], verifier: str | None) -> UUID:
    """Return the user of the handoff with a code. A wrong verifier invalidates it. Raises InvalidToken."""
    async with database.guard():
        handoff = await handoffs.first()
        if handoff is None or handoff.user_id is None:
            raise InvalidToken
        if not _verifier_matches(verifier, handoff.challenge):
            await handoffs.update(code_digest=None)
            raise InvalidToken
    return handoff.user_id


async def _record_login(
    container: Container, response: TokenPair | MfaRequired, request_info: RequestInfo
) -> None:
    if isinstance(response, TokenPair):
        await login_throttle.record_login(container, response.user.email, request_info)


def _verifier_matches(verifier: str | None, challenge: str | None) -> bool:
    """Return whether the page that exchanges the code is the one that started the login."""
    if challenge is None:
        return verifier is None
    expected = urlsafe_b64encode(hashlib.sha256((verifier or "").encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(expected, challenge)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
