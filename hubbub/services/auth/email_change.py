"""Changing the e-mail address of an account: requested, confirmed by the new one, undone by the former one.

The former e-mail address is held for its account as long as the undo is valid. Otherwise an attacker could
register it for another account, so that the undo fails.
"""

from datetime import datetime

import msgspec

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.core.errors import Conflict, InvalidToken
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.queries.sync import change_counters
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.sync.connection import SessionEndReason
from hubbub.services.audit import recorder
from hubbub.services.auth import login_throttle, mfa_challenges, sessions
from hubbub.services.context import Container, Context
from hubbub.services.mail import mailer, one_time_tokens
from hubbub.services.mail.one_time_tokens import RequestedChange
from hubbub.services.users import account_view, validation

_ENDED = "The session that requested this was revoked. Request the change again."


async def request(ctx: Context, command: wire.ChangeEmail) -> None:
    """Send a link to the new e-mail address, or a warning to its owner. An earlier request becomes invalid.

    Returns alike, and after the same time, for e-mail addresses that are taken. Raises InvalidPayload,
    RateLimited, ConfirmationRequired, SessionRevoked, Suspended, Unauthenticated.
    """
    email = validation.validate_email(command.email)
    await login_throttle.limit_email_change(ctx.container, ctx.user_id, email)
    async with ctx.unit() as unit:
        user = await sessions.lock_caller(ctx, confirmed=True)
        assert ctx.session_id is not None  # noqa: S101 - an API key can't be confirmed
        change_id = await one_time_tokens.create_change(user, email, ctx.session_id)
        await mailer.enqueue_email_change(unit.tx, user.id, change_id)
        unit.wake_workers()
        await audit_log.record(unit.tx, recorder.act_of(ctx, Action.REQUEST_EMAIL_CHANGE))


async def confirm(container: Container, command: wire.ConfirmEmailChange, request_info: RequestInfo) -> None:
    """Change the e-mail address by the token sent to the new one, which is verified by that.

    Raises InvalidToken, Conflict (taken meanwhile), Suspended. After the last two the token stays valid.
    """
    async with recorder.attempt(container, AuditEvent(Action.CHANGE_EMAIL, request_info)) as act:
        try:
            await _confirm(command.token, act)
        except database.Duplicate:
            raise validation.taken_error("email") from None
    container.bus.publish(JobsWaiting())


async def _confirm(token: str, act: AuditEvent) -> None:
    async with database.transaction() as tx:
        user, change = await one_time_tokens.consume_change(token)
        act.set_user(user.id, user.role)
        account_view.require_not_suspended(user)
        await _require_session(change)
        if await one_time_tokens.find_owner(change.email, user) is not None:
            raise validation.taken_error("email")
        await _change(tx, user, change.email)
        await audit_log.record(tx, act)


async def _require_session(change: RequestedChange) -> None:
    """Require that the session of a request was not revoked; a logout is no reason to distrust it.

    A user who revokes the sessions of an attacker, or resets the password, also stops the attacker's change.
    Raises InvalidToken.
    """
    session = await models.Session.filter(id=change.session_id, user_id=change.user_id).first()
    if session is None or session.revoke_reason not in (None, SessionEndReason.LOGGED_OUT):
        raise InvalidToken(_ENDED)


class _Undo(msgspec.Struct, frozen=True):
    """What the undo of a change restores."""

    email: str
    changed_at: datetime


async def _change(tx: Sql, user: models.User, email: str) -> None:
    """Change the e-mail address of a locked user, and send the undo to the former one."""
    now = clock.now()
    undo = await one_time_tokens.create_undo(user, one_time_tokens.UNDO_EMAIL, _Undo(user.email, now))
    await one_time_tokens.delete_sent(user.id)
    await models.User.filter(id=user.id).update(email=email, email_verified_at=now, updated_at=now)
    await mailer.enqueue_to_former(tx, user, undo)
    if user.email_verified_at is None:
        await mailer.enqueue(tx, "welcome", user.id)


async def restore(tx: Sql, user: models.User, payload: str) -> None:
    """Undo a change for a locked user: restore the e-mail address, and revoke all sessions.

    Later changes are undone with it, and their undoes become invalid, so that an attacker can't use them. So
    does everything else that was sent to the addresses since. Identities that were linked since are unlinked.
    The caller publishes the end of the sessions after the commit. Raises Conflict.
    """
    undo = msgspec.json.decode(payload, type=_Undo)
    owner = await one_time_tokens.find_owner(undo.email)
    if owner is not None and owner.id != user.id:
        raise Conflict("Another account has this e-mail address now.")
    await one_time_tokens.cancel_changes(user.id)
    await one_time_tokens.delete_sent(user.id)
    await _delete_undoes_since(user, undo)
    since = undo.changed_at - clock.MAX_CLOCK_SKEW
    await models.Identity.filter(user_id=user.id, created_at__gte=since).delete()
    await mfa_challenges.delete_for_user(user.id)
    await models.OAuthHandoff.filter(user_id=user.id).update(code_digest=None)
    now = clock.now()
    await models.User.filter(id=user.id).update(email=undo.email, email_verified_at=now, updated_at=now)
    await change_counters.bump_version(tx, [user.id])
    await change_counters.revoke_sessions(tx, user.id, None, SessionEndReason.EMAIL_RESTORED)


async def _delete_undoes_since(user: models.User, undo: _Undo) -> None:
    """Delete the undoes of later changes, and all that were sent to the e-mail addresses since."""
    own = models.OneTimeToken.filter(user_id=user.id)
    rows = await own.filter(purpose=one_time_tokens.UNDO_EMAIL)
    later = [row for row in rows if _decode(row).changed_at > undo.changed_at]
    await own.filter(id__in=[row.id for row in later]).delete()
    recipients = {user.email, *(row.email for row in later)} - {undo.email}
    await own.filter(email__in=list(recipients)).delete()


def _decode(row: models.OneTimeToken) -> _Undo:
    return msgspec.json.decode(row.payload or "", type=_Undo)
