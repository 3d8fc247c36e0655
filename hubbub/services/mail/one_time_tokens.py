"""One-time tokens, sent by e-mail: for one purpose, once, until they expire. Only their digest is stored."""

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.schemas.base import encode
from hubbub.services.users import users

TTL_HOURS = {"verify_email": 24, "reset_password": 1, "delete_account": 24}
CHANGE_EMAIL = "change_email"
CHANGE_EMAIL_TTL_HOURS = 24
UNDO_API_KEY, UNDO_TWO_FACTOR, UNDO_EMAIL = "undo_api_key", "undo_two_factor", "undo_email"
UNDO_TTL_DAYS = 7


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def create(user_id: UUID, purpose: str, email: str) -> str:
    """Return a new token. Earlier ones stay valid until one of them is used."""
    token = secrets.token_urlsafe(32)
    await models.OneTimeToken.create(
        user_id=user_id,
        purpose=purpose,
        digest=_digest(token),
        email=email,
        expires_at=clock.now() + timedelta(hours=TTL_HOURS[purpose]),
    )
    return token


async def consume(tx: Sql, purpose: str, token: str, owner_id: UUID | None = None) -> models.User:
    """Use a token, and delete all others of its purpose. Of several concurrent calls one succeeds.

    Returns its user, with the row locked. Call it first in the transaction of what the token permits, or
    after that user was locked. A token of another user than `owner_id` is refused. Raises InvalidToken.
    """
    known = await models.OneTimeToken.filter(digest=_digest(token), purpose=purpose).first()
    if known is None or owner_id not in (None, known.user_id):
        raise InvalidToken
    user = await users.lock(known.user_id)
    rows = await tx.fetch(
        "DELETE FROM one_time_tokens WHERE digest = $1 AND purpose = $2 AND expires_at > $3 RETURNING email",
        *(_digest(token), purpose, clock.expiry_cutoff()),
    )
    if not rows:
        raise InvalidToken
    if user is None or user.email != rows[0]["email"]:
        raise InvalidToken
    await models.OneTimeToken.filter(user_id=user.id, purpose=purpose).delete()
    return user


async def peek(purpose: str, token: str) -> models.User:
    """Return the user of a token without using it. Raises InvalidToken."""
    row = (
        await models.OneTimeToken.filter(
            digest=_digest(token),
            purpose=purpose,
            expires_at__gt=clock.expiry_cutoff(),
            user__deleted_at__isnull=True,
        )
        .select_related("user")
        .first()
    )
    if row is None or row.user.email != row.email:
        raise InvalidToken
    return row.user


async def delete_sent(user_id: UUID) -> None:
    """Delete the tokens that were sent to the current e-mail address of a locked user, except undoes."""
    await models.OneTimeToken.filter(user_id=user_id, purpose__in=TTL_HOURS).delete()


async def create_undo(user: models.User, purpose: str, payload: object) -> str:
    """Store what an undo restores, in the transaction of the change.

    Returns an id for `create_stored_token`.
    """
    return await _store(user.id, purpose, user.email, timedelta(days=UNDO_TTL_DAYS), payload)


async def _store(user_id: UUID, purpose: str, email: str, lifetime: timedelta, payload: object) -> str:
    row = await models.OneTimeToken.create(
        user_id=user_id,
        purpose=purpose,
        digest=_digest(secrets.token_urlsafe(32)),  # a token that is never sent
        email=email,
        expires_at=clock.now() + lifetime,
        payload=encode(payload).decode(),
    )
    return str(row.id)


async def create_stored_token(stored_id: str) -> str | None:
    """Return a new token for what is stored; None if it has expired or was deleted. Earlier ones stay valid.

    The user is locked, as by everything that deletes what is stored: no token is created after that.
    """
    stored = models.OneTimeToken.filter(id=stored_id, expires_at__gt=clock.expiry_cutoff())
    async with database.transaction():
        row = await stored.first()
        if row is None or await users.lock(row.user_id) is None or not await stored.exists():
            return None
        token = secrets.token_urlsafe(32)
        await models.OneTimeToken.create(
            user_id=row.user_id,
            purpose=row.purpose,
            digest=_digest(token),
            email=row.email,
            expires_at=row.expires_at,
            payload=row.payload,
        )
    return token


async def consume_undo(token: str) -> tuple[models.User, str, str]:
    """Use an undo, and delete its other tokens. Returns its user (locked), its purpose and what it restores.

    Call it first in the transaction of the undo. It stays valid if the account's e-mail address changes.
    Raises InvalidToken.
    """
    undoes = (UNDO_API_KEY, UNDO_TWO_FACTOR, UNDO_EMAIL)
    known = models.OneTimeToken.filter(digest=_digest(token), purpose__in=undoes)
    row = await known.filter(expires_at__gt=clock.expiry_cutoff()).first()
    user = await users.lock(row.user_id) if row is not None else None
    if row is None or user is None or row.payload is None:
        raise InvalidToken
    same = models.OneTimeToken.filter(user_id=user.id, purpose=row.purpose, payload=row.payload)
    if not await same.delete():
        raise InvalidToken  # another request was first
    return user, row.purpose, row.payload


class RequestedChange(NamedTuple):
    """A change of an e-mail address that the new one has not confirmed yet."""

    user_id: UUID
    email: str  # the new one
    former_email: str  # of the account when the change was requested
    session_id: UUID  # that requested it


class _ChangePayload(msgspec.Struct, frozen=True):
    """What is stored of a requested change, beside the new e-mail address."""

    former_email: str
    session_id: UUID


def _to_change(row: models.OneTimeToken) -> RequestedChange:
    payload = msgspec.json.decode(row.payload or "", type=_ChangePayload)
    return RequestedChange(row.user_id, row.email, payload.former_email, payload.session_id)


async def create_change(user: models.User, email: str, session_id: UUID) -> str:
    """Store a requested change of the e-mail address of a locked user, in place of an earlier one.

    Returns an id for `find_change` and `create_stored_token`.
    """
    await cancel_changes(user.id)
    payload = _ChangePayload(user.email, session_id)
    return await _store(user.id, CHANGE_EMAIL, email, timedelta(hours=CHANGE_EMAIL_TTL_HOURS), payload)


async def cancel_changes(user_id: UUID, except_session_id: UUID | None = None) -> None:
    """Delete the requested changes of the e-mail address of a locked user, except those of one session."""
    rows = await models.OneTimeToken.filter(user_id=user_id, purpose=CHANGE_EMAIL)
    for row in rows:
        if except_session_id is None or _to_change(row).session_id != except_session_id:
            await row.delete()


async def find_change(stored_id: str) -> RequestedChange | None:
    """Return a requested change; None if it has expired, was confirmed, or was replaced by another one."""
    row = await models.OneTimeToken.filter(id=stored_id, expires_at__gt=clock.expiry_cutoff()).first()
    return _to_change(row) if row is not None else None


async def consume_change(token: str) -> tuple[models.User, RequestedChange]:
    """Use the token of a requested change, and delete the others. Returns its user (locked) and the change.

    Call it first in the transaction of the change. Raises InvalidToken, also if the account has another
    e-mail address than at the request.
    """
    known = models.OneTimeToken.filter(
        digest=_digest(token), purpose=CHANGE_EMAIL, expires_at__gt=clock.expiry_cutoff()
    )
    row = await known.first()
    user = await users.lock(row.user_id) if row is not None else None
    if row is None or user is None or not await known.exists():
        raise InvalidToken
    change = _to_change(row)
    if user.email != change.former_email:
        raise InvalidToken
    await cancel_changes(user.id)
    return user, change


async def find_owner(email: str, candidate: models.User | None = None) -> models.User | None:
    """Return the account because of which an e-mail address is taken; None if `candidate` may have it.

    The account has the address in any spelling, or may restore it by an undo.
    """
    owner = await users.by_email(email)
    if owner is not None:  # another spelling of the own one is no other address
        is_own = candidate is not None and candidate.id == owner.id
        return None if is_own and owner.email != email else owner
    held = models.OneTimeToken.filter(
        email__in=users.stored_spellings(email),
        purpose=UNDO_EMAIL,
        expires_at__gt=clock.expiry_cutoff(),
        user__deleted_at__isnull=True,
    )
    if candidate is not None:
        held = held.exclude(user_id=candidate.id)
    row = await held.select_related("user").first()
    return row.user if row is not None else None
