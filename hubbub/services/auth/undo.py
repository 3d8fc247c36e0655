"""Undoes, by e-mail, changes that grant access: a new API key, the second factor, the e-mail address.

The e-mail about such a change carries a token, valid for 7 days, that restores the previous state. The token
works without a login, because an attacker who made the change may have locked the user out.
"""

import msgspec

from hubbub import models
from hubbub.cluster.bus import SessionEnded
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.services.audit import recorder
from hubbub.services.auth import email_change, two_factor
from hubbub.services.context import Container, publish
from hubbub.services.mail import one_time_tokens


async def undo(container: Container, command: wire.Undo, request_info: RequestInfo) -> None:
    """Undo the change of the token's e-mail. Does nothing if it is undone already.

    Raises InvalidToken, Conflict (another account has the e-mail address).
    """
    async with (
        recorder.attempt(container, AuditEvent(Action.UNDO, request_info)) as act,
        database.transaction() as tx,
    ):
        user, purpose, payload = await one_time_tokens.consume_undo(command.token)
        act.set_user(user.id, user.role)
        if purpose == one_time_tokens.UNDO_API_KEY:
            await models.ApiKey.filter(id=msgspec.json.decode(payload), user_id=user.id).delete()
        elif purpose == one_time_tokens.UNDO_EMAIL:
            await email_change.restore(tx, user, payload)
        else:
            await two_factor.restore(user.id, payload)
        await audit_log.record(tx, act, what=purpose)
    if purpose == one_time_tokens.UNDO_EMAIL:
        reason = SessionEndReason.EMAIL_RESTORED
        await publish(container.bus, SessionEnded(user.id, None, CloseCode.SESSION_REVOKED, reason))
