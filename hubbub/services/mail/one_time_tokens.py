"""One-time tokens, sent by e-mail: for one purpose, once, until they expire. Only their digest is stored."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.db.sql import Sql
from hubbub.schemas.base import encode
from hubbub.services.users import users

TTL_HOURS = {"verify_email": 24, "reset_password": 1, "delete_account": 24}
UNDO_API_KEY, UNDO_TWO_FACTOR = "undo_api_key", "undo_two_factor"
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


async def create_undo(user: models.User, purpose: str, payload: object) -> str:
    """Store what an undo restores, in the transaction of the change.

    Returns an id for `create_undo_token`.
    """
    row = await models.OneTimeToken.create(
        user_id=user.id,
        purpose=purpose,
        digest=_digest(secrets.token_urlsafe(32)),  # a token that is never sent
        email=user.email,
        expires_at=clock.now() + timedelta(days=UNDO_TTL_DAYS),
        payload=encode(payload).decode(),
    )
    return str(row.id)


async def create_undo_token(undo_id: str) -> str | None:
    """Return a new token for the undo, or None if it has expired. Earlier tokens stay valid."""
    row = await models.OneTimeToken.filter(id=undo_id, expires_at__gt=clock.expiry_cutoff()).first()
    if row is None:
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
    known = models.OneTimeToken.filter(digest=_digest(token), purpose__in=(UNDO_API_KEY, UNDO_TWO_FACTOR))
    row = await known.filter(expires_at__gt=clock.expiry_cutoff()).first()
    user = await users.lock(row.user_id) if row is not None else None
    if row is None or user is None or row.payload is None:
        raise InvalidToken
    same = models.OneTimeToken.filter(user_id=user.id, purpose=row.purpose, payload=row.payload)
    if not await same.delete():
        raise InvalidToken  # another request was first
    return user, row.purpose, row.payload
