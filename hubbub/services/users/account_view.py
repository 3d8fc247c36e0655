"""The view of an account for its owner, and suspension."""

from datetime import datetime

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Suspended
from hubbub.queries.auth.accounts import AccountRow
from hubbub.schemas.accounts import accounts as wire


def is_suspended(since: datetime | None, until: datetime | None) -> bool:
    """Return whether a suspension is in effect."""
    return since is not None and (until is None or until > clock.now())


def suspension_message(until: datetime | None, reason: str | None) -> str:
    """Return the error message for a suspended user."""
    ending = f" until {clock.rfc3339(until)}" if until is not None else ""
    return f"This account is suspended{ending}{f': {reason}' if reason else '.'}"


def require_not_suspended(user: models.User) -> None:
    """Raise Suspended if the user is suspended."""
    if is_suspended(user.suspended_at, user.suspended_until):
        raise Suspended(suspension_message(user.suspended_until, user.suspend_reason))


def to_view(user: models.User | AccountRow) -> wire.Account:
    """Return an account as its owner sees it."""
    return wire.Account(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        avatar_url=user.avatar_url,
        email=user.email,
        role=user.role,
        email_verified=user.email_verified_at is not None,
        created_at=clock.rfc3339(user.created_at),
    )
