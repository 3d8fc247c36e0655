"""MFA challenges: logins with a correct password that need a code within five minutes."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.db.sql import Sql

LIFETIME = timedelta(minutes=5)
MAX_ATTEMPTS = 5  # codes per challenge


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def create(user_id: UUID, device_name: str | None) -> str:
    """Create a challenge. Returns its token, which is only valid for the second step."""
    token = secrets.token_urlsafe(32)
    await models.MfaChallenge.create(
        user_id=user_id, digest=_digest(token), device_name=device_name, expires_at=clock.now() + LIFETIME
    )
    return token


async def find(token: str) -> models.MfaChallenge:
    """Return the challenge of a token, with its user. Raises InvalidToken."""
    valid = models.MfaChallenge.filter(digest=_digest(token), expires_at__gt=clock.expiry_cutoff())
    challenge = await valid.filter(user__deleted_at__isnull=True).select_related("user").first()
    if challenge is None:
        raise InvalidToken
    return challenge


async def count_attempt(tx: Sql, challenge: models.MfaChallenge) -> None:
    """Count an attempt. Raises InvalidToken after the last one, and if the challenge has expired."""
    counted = await tx.execute(
        "UPDATE pending_logins SET attempts = attempts + 1 "
        "WHERE id = $1 AND attempts < $2 AND expires_at > $3",
        *(challenge.id, MAX_ATTEMPTS, clock.expiry_cutoff()),
    )
    if not counted:
        raise InvalidToken


async def delete_for_user(user_id: UUID) -> None:
    """Delete all challenges of a user, whose credentials changed. Inside the caller's transaction."""
    await models.MfaChallenge.filter(user_id=user_id).delete()
