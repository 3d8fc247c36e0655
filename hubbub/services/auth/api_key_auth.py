"""Who comes with an API key: whether it is one, what it is good for, and whether its request is signed."""

import hashlib
import hmac
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock, signing
from hubbub.core.errors import Forbidden, Suspended, Unauthenticated
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError
from hubbub.db import database
from hubbub.queries.audit.audit_log import Act, Action, Target
from hubbub.queries.auth.api_keys import KeyRow
from hubbub.schemas.users.users import User
from hubbub.services.audit import recorder
from hubbub.services.auth import api_keys
from hubbub.services.context import Container
from hubbub.services.users import account_view

READ, WRITE = "read", "write"
NO_KEY = "There is no such API key, or it was revoked."
RAN_OUT = "This API key has run out: make a new one."
UNSIGNED = "This API key is good for signed requests only: the header X-Signature is missing."
MALFORMED = "X-Signature is not of the form t=<Unix seconds>,n=<nonce>,s=<HMAC-SHA256 in hex>."
LATE = f"This request was signed more than {signing.WINDOW_S} seconds ago, or ahead"
WRONG = "The signature is not that of this request: its method, path and query, time, nonce, body."
SEALED = "The server can't read this key's signing secret any more: make a new key."
REPLAYED = "A request with this nonce was taken before: each one needs a nonce of its own."
LONGEST = 200  # characters of what is looked at at all
KEPT = timedelta(seconds=2 * signing.WINDOW_S)  # a nonce: for as long as a request with it could be taken


class ApiKeyPrincipal(NamedTuple):
    """Somebody who came with an API key, as the database has it now."""

    user: User
    key_id: UUID
    role: str
    scopes: frozenset[str]
    sealed_secret: str | None

    @property
    def signs(self) -> bool:
        """Whether every request of this key is signed."""
        return self.sealed_secret is not None


async def authenticate(parts: Container, key: str, origin: RequestInfo) -> ApiKeyPrincipal:
    """Whose key it is, if it is in force: one query, for all who come at once.

    Raises Unauthenticated, Suspended, Unavailable.
    """
    row = await parts.doors.keys.get(_prefix(key))
    if row is None or not hmac.compare_digest(row.digest, api_keys.digest(key)) or row.deleted:
        raise Unauthenticated(NO_KEY)
    holder = _holder(row)
    async with _watched(parts, holder, origin) as act:
        if row.expires_at is not None and row.expires_at <= clock.now():
            act.reason = "expired"
            raise Unauthenticated(RAN_OUT)
        if account_view.is_suspended(row.suspended_at, row.suspended_until):
            raise Suspended
    return holder


def _watched(
    parts: Container, holder: ApiKeyPrincipal, origin: RequestInfo
) -> AbstractAsyncContextManager[Act]:
    """What fails inside is recorded as a wrong use of the key."""
    act = Act(Action.USE_KEY, origin, Target("api_key", holder.key_id), holder.user.id, holder.role)
    return recorder.attempt(parts, act)


def _prefix(key: str) -> str:
    """Raises Unauthenticated for what no key looks like."""
    prefix, secret = key[: len(api_keys.PREFIX) + 2 * api_keys.NAMED], key[len(api_keys.PREFIX) :]
    if not key.isascii() or len(key) > LONGEST or not key.startswith(api_keys.PREFIX) or "_" not in secret:
        raise Unauthenticated(NO_KEY)
    return prefix


def _holder(row: KeyRow) -> ApiKeyPrincipal:
    user = User(
        id=row.user_id, username=row.username, display_name=row.display_name, avatar_url=row.avatar_url
    )
    return ApiKeyPrincipal(user, row.id, row.role, frozenset(row.scopes.split()), row.sealed_secret)


async def verify_signature(
    parts: Container,
    holder: ApiKeyPrincipal,
    header: str | None,
    request: signing.Signed,
    origin: RequestInfo,
) -> str:
    """Whether the key's signing secret signed this request, a moment ago; returns its nonce.

    Raises Unauthenticated.
    """
    async with _watched(parts, holder, origin) as act:
        act.reason = "unsigned"
        if header is None:
            raise Unauthenticated(UNSIGNED)
        signature = signing.read(header)
        if signature is None:
            raise Unauthenticated(MALFORMED)
        act.reason, now = "signed_at_another_time", clock.now()
        if abs(now.timestamp() - signature.time) > signing.WINDOW_S:
            raise Unauthenticated(f"{LATE}: here it is {clock.rfc3339(now)}.")
        act.reason = "wrong_signature"
        if not signing.verify(_secret(parts, holder), request, signature):
            raise Unauthenticated(WRONG)
        return signature.nonce


def _secret(parts: Container, holder: ApiKeyPrincipal) -> str:
    try:
        return parts.sealing.unseal(api_keys.purpose(holder.key_id), holder.sealed_secret or "").decode()
    except DecryptionError:
        raise Unauthenticated(SEALED) from None


class KeyUse(NamedTuple):
    """What a key is to be used for."""

    safe: bool  # reading alone
    session_only: bool
    nonce: str | None  # of a signed request


async def authorize(parts: Container, holder: ApiKeyPrincipal, use: KeyUse, origin: RequestInfo) -> None:
    """Whether the key is good for that; a signed request is good once, on all instances together.

    Raises Forbidden, Unauthenticated, Unavailable.
    """
    async with _watched(parts, holder, origin) as act:
        if use.session_only:
            act.reason = "needs_session"
            raise Forbidden("API keys are not for this: log in, and come with an access token.")
        if (needed := READ if use.safe else WRITE) not in holder.scopes:
            act.reason = "out_of_scope"
            raise Forbidden(f"This API key is not for that: it has not the scope `{needed}`.")
        if use.nonce is not None and not await _spend(holder, use.nonce):
            act.reason = "replayed"
            raise Unauthenticated(REPLAYED)


async def _spend(holder: ApiKeyPrincipal, nonce: str) -> bool:
    """Whether the key's nonce is fresh; from now on it is not."""
    name = hashlib.sha256(f"{holder.key_id}:{nonce}".encode()).hexdigest()
    async with database.guard():
        added = await database.connection().execute(
            "INSERT INTO used_nonces (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            *(name, clock.now() + KEPT),
        )
    return added > 0
