"""Accounts that may do everything."""

from tortoise.queryset import QuerySet

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Conflict
from hubbub.schemas.accounts import Register
from hubbub.schemas.base import parse
from hubbub.services import accounts, database
from hubbub.services.context import Parts
from hubbub.services.sessions import Origin


async def known(email: str) -> bool:
    """Whether there is an account with this address."""
    async with database.guard():
        return await _account(email).exists()


async def create(parts: Parts, email: str, password: str) -> None:
    """Make an admin with a verified address. Raises InvalidPayload, Conflict."""
    given = {"name": email.partition("@")[0][:80] or "admin", "email": email, "password": password}
    origin = Origin(ip="", user_agent="hubbub create-admin")
    await accounts.register(parts, parse(Register, given), origin)
    await promote(email)
    async with database.guard():  # nobody has logged in yet
        await models.Session.filter(user__email=accounts.kept_email(email)).delete()


async def promote(email: str) -> None:
    """Make an account that is there an admin; its password stays. Raises Conflict if it is gone."""
    async with database.guard():
        changed = await _account(email).update(role="admin", email_verified_at=clock.now())
    if not changed:
        raise Conflict("The account is gone.")


def _account(email: str) -> QuerySet[models.User]:
    return models.User.filter(email=accounts.kept_email(email), deleted_at__isnull=True)
