"""Authenticates API keys: validity, scopes and signed requests."""

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
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.queries.auth.api_keys import ApiKeyRow
from hubbub.schemas.users.users import User
from hubbub.services.audit import recorder
from hubbub.services.auth import api_keys
from hubbub.services.context import Container
from hubbub.services.users import account_view, users

READ_SCOPE, WRITE_SCOPE = "read", "write"
UNKNOWN_KEY = "The API key does not exist or was revoked."
EXPIRED_KEY = "This API key has expired. Create a new one."
MISSING_SIGNATURE = "This API key requires signed requests: the header X-Signature is missing."
MALFORMED_SIGNATURE = "X-Signature does not have the form t=<Unix seconds>,n=<nonce>,s=<HMAC-SHA256 in hex>."
STALE_SIGNATURE = f"The signature's time differs by more than {signing.WINDOW_S} seconds from the server's"
WRONG_SIGNATURE = "The signature does not match this request (method, path, query, time, nonce, body)."
UNREADABLE_KEY = "The server can no longer read the signing secret of this key. Create a new key."
REPLAYED_NONCE = "This nonce was used before. Each request needs its own nonce."
MAX_KEY_CHARS = 200  # longer texts are not looked up
NONCE_LIFETIME = timedelta(seconds=2 * signing.WINDOW_S)  # as long as a request with it could be accepted


class ApiKeyPrincipal(NamedTuple):
    """The caller of a request with an API key, as the database has it now."""

    user: User  # owner of the key
    key_id: UUID
    role: str  # of the user, on the server
    scopes: frozenset[str]
    sealed_secret: str | None  # encrypted signing secret; None: requests are not signed

    @property
    def requires_signature(self) -> bool:
        """Whether every request with this key must be signed."""
        return self.sealed_secret is not None


async def authenticate(container: Container, key: str, request_info: RequestInfo) -> ApiKeyPrincipal:
    """Return the principal of a valid key. One query for all concurrent calls.

    Raises Unauthenticated, Suspended, Unavailable.
    """
    row = await container.loaders.api_keys.get(_parse_prefix(key))
    if row is None or not hmac.compare_digest(row.digest, api_keys.digest(key)) or row.deleted:
        raise Unauthenticated(UNKNOWN_KEY)
    principal = _to_principal(row)
    async with _recording_failures(container, principal, request_info) as act:
        if row.expires_at is not None and row.expires_at <= clock.now():
            act.reason = "expired"
            raise Unauthenticated(EXPIRED_KEY)
        if account_view.is_suspended(row.suspended_at, row.suspended_until):
            raise Suspended
    return principal


def _recording_failures(
    container: Container, principal: ApiKeyPrincipal, request_info: RequestInfo
) -> AbstractAsyncContextManager[AuditEvent]:
    """Record a failure of the block as a failed use of the key."""
    act = AuditEvent(
        Action.USE_API_KEY,
        request_info,
        Target("api_key", principal.key_id),
        principal.user.id,
        principal.role,
    )
    return recorder.attempt(container, act)


def _parse_prefix(key: str) -> str:
    """Return the prefix of a key. Raises Unauthenticated for text that is no key."""
    rest = key.removeprefix(api_keys.PREFIX)
    is_key = key.isascii() and len(key) <= MAX_KEY_CHARS and rest != key and "_" in rest
    if not is_key:
        raise Unauthenticated(UNKNOWN_KEY)
    return key[: len(api_keys.PREFIX) + 2 * api_keys.PREFIX_RANDOM_BYTES]


def _to_principal(row: ApiKeyRow) -> ApiKeyPrincipal:
    user = users.view(row.user_id, row)
    return ApiKeyPrincipal(user, row.id, row.role, frozenset(row.scopes.split()), row.sealed_secret)


async def verify_signature(
    container: Container,
    principal: ApiKeyPrincipal,
    header: str | None,
    request: signing.SignedRequest,
    request_info: RequestInfo,
) -> str:
    """Verify that the key's signing secret signed this request within the last minutes. Returns its nonce.

    Raises Unauthenticated.
    """
    async with _recording_failures(container, principal, request_info) as act:
        act.reason = "unsigned"
        if header is None:
            raise Unauthenticated(MISSING_SIGNATURE)
        signature = signing.parse_header(header)
        if signature is None:
            raise Unauthenticated(MALFORMED_SIGNATURE)
        act.reason, now = "signed_at_another_time", clock.now()
        if abs(now.timestamp() - signature.time) > signing.WINDOW_S:
            raise Unauthenticated(f"{STALE_SIGNATURE}, which is {clock.rfc3339(now)}.")
        act.reason = "wrong_signature"
        if not signing.verify(_signing_secret(container, principal), request, signature):
            raise Unauthenticated(WRONG_SIGNATURE)
        return signature.nonce


def _signing_secret(container: Container, principal: ApiKeyPrincipal) -> str:
    purpose = api_keys.sealing_purpose(principal.key_id)
    try:
        return container.sealing.unseal(purpose, principal.sealed_secret or "").decode()
    except DecryptionError:
        raise Unauthenticated(UNREADABLE_KEY) from None


class KeyUse(NamedTuple):
    """The use of a key by one request."""

    read_only: bool  # whether the request only reads
    requires_session: bool  # whether the route refuses API keys
    nonce: str | None  # of a signed request


async def authorize(
    container: Container, principal: ApiKeyPrincipal, use: KeyUse, request_info: RequestInfo
) -> None:
    """Require that the key permits the use. A signed request is accepted once, on all instances together.

    Raises Forbidden, Unauthenticated, Unavailable.
    """
    async with _recording_failures(container, principal, request_info) as act:
        if use.requires_session:
            act.reason = "needs_session"
            raise Forbidden("API keys are not accepted here: log in and use an access token.")
        if (needed := READ_SCOPE if use.read_only else WRITE_SCOPE) not in principal.scopes:
            act.reason = "out_of_scope"
            raise Forbidden(f"This API key does not have the scope `{needed}`.")
        if use.nonce is not None and not await _consume_nonce(principal, use.nonce):
            act.reason = "replayed"
            raise Unauthenticated(REPLAYED_NONCE)


async def _consume_nonce(principal: ApiKeyPrincipal, nonce: str) -> bool:
    """Store the key's nonce. Returns False if it was used before."""
    nonce_id = hashlib.sha256(f"{principal.key_id}:{nonce}".encode()).hexdigest()
    async with database.guard():
        added = await database.connection().execute(
            "INSERT INTO used_nonces (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            *(nonce_id, clock.now() + NONCE_LIFETIME),
        )
    return added > 0
