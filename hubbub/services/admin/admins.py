"""Commands of an operator: create and promote admins, turn off a second factor."""

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Conflict, NotFound
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.queries.sync import change_counters
from hubbub.schemas.accounts.accounts import Register
from hubbub.schemas.base import parse
from hubbub.services.accounts import registration
from hubbub.services.audit import recorder
from hubbub.services.auth import two_factor
from hubbub.services.context import Container
from hubbub.services.mail import mailer
from hubbub.services.users import users, validation

CREATE_ADMIN_REQUEST = RequestInfo(ip="", user_agent="hubbub create-admin")


async def exists(email: str) -> bool:
    """Return whether an account has this e-mail address."""
    async with database.guard():
        return await users.by_email(email) is not None


async def create(container: Container, email: str, password: str) -> None:
    """Create an admin with a verified e-mail address. Raises InvalidPayload, Conflict.

    The username may be a reserved one, because the account is an operator's.
    """
    fields = {"name": email.partition("@")[0][:80] or "admin", "email": email, "password": password}
    await registration.register(container, parse(Register, fields), CREATE_ADMIN_REQUEST, by_operator=True)
    await promote(container, email)
    async with database.guard():  # the session of the registration is not used
        await models.Session.filter(user__email=validation.normalize_email(email)).delete()


async def promote(container: Container, email: str) -> None:
    """Make an existing account an admin, with its password unchanged. Raises Conflict if it was deleted.

    Running instances find the change within a second.
    """
    async with (
        recorder.attempt(container, AuditEvent(Action.CREATE_ADMIN, CREATE_ADMIN_REQUEST)) as act,
        database.transaction() as tx,
    ):
        user = await _lock_by_email(email)
        if user is None:
            raise Conflict("The account was deleted.")
        act.target = Target("user", user.id)
        await models.User.filter(id=user.id).update(role="admin", email_verified_at=clock.now())
        await change_counters.bump_version(tx, [user.id])
        await audit_log.record(tx, act, before=user.role)


async def _lock_by_email(email: str) -> models.User | None:
    found = await users.by_email(email)
    return await users.lock(found.id) if found is not None else None


async def disable_two_factor(container: Container, email: str) -> None:
    """Turn off two-factor for a user who can't, and notify them by e-mail. Raises NotFound, Conflict."""
    request_info = RequestInfo(ip="", user_agent="hubbub disable-two-factor")
    async with (
        recorder.attempt(container, AuditEvent(Action.DISABLE_TWO_FACTOR, request_info)) as act,
        database.transaction() as tx,
    ):
        user = await _lock_by_email(email)
        if user is None:
            raise NotFound("No account has this e-mail address.")
        act.target = Target("user", user.id)
        undo = await two_factor.disable_with_undo(user)
        await audit_log.record(tx, act)
        await mailer.enqueue(tx, "two_factor_disabled", user.id, undo=undo)
