"""Sign-ins that wait for a code: begun by the right password, ended within five minutes by the code."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.db.sql import Sql

LASTS = timedelta(minutes=5)
ATTEMPTS = 5


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def begin(user_id: UUID, device_name: str | None) -> str:
    """The token of a new one, good for nothing but the second step."""
    token = secrets.token_urlsafe(32)
    await models.PendingLogin.create(
        user_id=user_id, digest=_digest(token), device_name=device_name, expires_at=clock.now() + LASTS
    )
    return token


async def find(token: str) -> models.PendingLogin:
    """The one of this token, with its user. Raises InvalidToken."""
    alive = models.PendingLogin.filter(digest=_digest(token), expires_at__gt=clock.oldest_end())
    found = await alive.filter(user__deleted_at__isnull=True).select_related("user").first()
    if found is None:
        raise InvalidToken
    return found


async def attempt(tx: Sql, pending: models.PendingLogin) -> None:
    """Count a code that is given with it. Raises InvalidToken after the last one, and when it has ended."""
    counted = await tx.execute(
        "UPDATE pending_logins SET attempts = attempts + 1 "
        "WHERE id = $1 AND attempts < $2 AND expires_at > $3",
        *(pending.id, ATTEMPTS, clock.oldest_end()),
    )
    if not counted:
        raise InvalidToken


async def forget(user_id: UUID) -> None:
    """End all of a user: what they were begun with is not good any more. Inside the caller's transaction."""
    await models.PendingLogin.filter(user_id=user_id).delete()
