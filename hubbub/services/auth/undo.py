"""Undoes, by e-mail, changes that grant access: a new API key, a change of the second factor.

The e-mail about such a change carries a token, valid for 7 days, that restores the previous state. The token
works without a login, because an attacker who made the change may have locked the user out.
"""

import msgspec

from hubbub import models
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import two_factor
from hubbub.services.context import Container
from hubbub.services.mail import one_time_tokens


async def undo(container: Container, command: wire.Undo, request_info: RequestInfo) -> None:
    """Undo the change of the token's e-mail. Does nothing if it is undone already. Raises InvalidToken."""
    async with (
        recorder.attempt(container, AuditEvent(Action.UNDO, request_info)) as act,
        database.transaction() as tx,
    ):
        user, purpose, payload = await one_time_tokens.consume_undo(command.token)
        act.actor_id, act.actor_role, act.target = user.id, user.role, Target("user", user.id)
        if purpose == one_time_tokens.UNDO_API_KEY:
            await models.ApiKey.filter(id=msgspec.json.decode(payload), user_id=user.id).delete()
        else:
            await two_factor.restore(user.id, payload)
        await audit_log.record(tx, act, what=purpose)
