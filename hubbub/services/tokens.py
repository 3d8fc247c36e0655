"""Tokens that are sent by e-mail: of one purpose, good once, for a while; only their digest is stored."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.models.connection import Sql, uuid_of

HOURS = {"verify_email": 24, "reset_password": 1, "delete_account": 24}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def make(user_id: UUID, purpose: str, email: str) -> str:
    """A new token; those of before stay good until one of them is used."""
    token = secrets.token_urlsafe(32)
    await models.OneTimeToken.create(
        user_id=user_id,
        purpose=purpose,
        digest=_digest(token),
        email=email,
        expires_at=clock.now() + timedelta(hours=HOURS[purpose]),
    )
    return token


async def spend(tx: Sql, purpose: str, token: str) -> models.User:
    """Use a token up, and all others of its purpose: of several who try at once, one succeeds.

    Returns whose it is. Inside the transaction of what it allows. Raises InvalidToken.
    """
    rows = await tx.fetch(
        "DELETE FROM one_time_tokens WHERE digest = $1 AND purpose = $2 AND expires_at > $3 "
        "RETURNING user_id, email",
        *(_digest(token), purpose, clock.now()),
    )
    if not rows:
        raise InvalidToken
    user = await models.User.filter(id=uuid_of(rows[0]["user_id"]), deleted_at__isnull=True).first()
    if user is None or user.email != rows[0]["email"]:
        raise InvalidToken
    await models.OneTimeToken.filter(user_id=user.id, purpose=purpose).delete()
    return user


async def peek(purpose: str, token: str) -> models.User:
    """Whose token it is, without using it up. Raises InvalidToken."""
    row = (
        await models.OneTimeToken.filter(
            digest=_digest(token), purpose=purpose, expires_at__gt=clock.now(), user__deleted_at__isnull=True
        )
        .select_related("user")
        .first()
    )
    if row is None or row.user.email != row.email:
        raise InvalidToken
    return row.user
