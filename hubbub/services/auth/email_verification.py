"""Verification of the e-mail address of an account."""

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.context import Container, Context
from hubbub.services.mail import mailer, one_time_tokens


async def verify_email(container: Container, command: wire.VerifyEmail, request_info: RequestInfo) -> None:
    """Mark the e-mail address of an account as verified, by the token sent to it. Raises InvalidToken."""
    async with (
        recorder.attempt(container, AuditEvent(Action.VERIFY_EMAIL, request_info)) as act,
        database.transaction() as tx,
    ):
        user = await one_time_tokens.consume(tx, "verify_email", command.token)
        await models.User.filter(id=user.id).update(email_verified_at=clock.now())
        if user.email_verified_at is None:  # the row is locked: of several tokens one is the first
            await mailer.enqueue(tx, "welcome", user.id)
        act.set_user(user.id, user.role)
        await audit_log.record(tx, act)
    container.bus.publish(JobsWaiting())


async def resend_verification(ctx: Context) -> None:
    """Send the verification e-mail again. Does nothing if the address is verified."""
    async with ctx.unit() as unit:
        user = await sessions.lock_caller(ctx)
        if user.email_verified_at is None:
            await mailer.enqueue_once(unit, "verify_email", user.id)
