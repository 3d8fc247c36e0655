"""The audit log: records each security-relevant operation with its outcome. Rows are added and never changed.

A successful operation is recorded in its own transaction: it is in the log if and only if it was done. A
failed one is recorded after its transaction was rolled back, in a separate transaction:

    event = recorder.act_of(ctx, Action.SET_ROLE, Target("user", user_id))
    async with recorder.attempt(ctx.container, event) as act:
        async with ctx.unit() as unit:
            …
            await audit_log.record(unit.tx, act, role="admin")
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.core import metrics
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import HubbubError, RateLimited, Unavailable
from hubbub.db import database
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target, record_failure
from hubbub.ratelimit.rate import Rate
from hubbub.services.context import Container, Context

log = logging.getLogger(__name__)

metrics.declare("audit_failures_suppressed", Action)
metrics.declare("audit_failures_lost", Action)

# Recorded failures per caller and action, so that a caller can't fill the disk with them.
FAILURE_RATE = Rate(60, 0.5)


def act_of(ctx: Context, action: Action, target: Target | None = None) -> AuditEvent:
    """Return an audit event of the caller. The default target is the caller."""
    return AuditEvent(
        action,
        ctx.request_info,
        target or Target("user", ctx.user_id),
        actor_id=ctx.user_id,
        actor_role=ctx.role,
        session_id=ctx.session_id,
        key_id=ctx.key_id,
    )


@asynccontextmanager
async def attempt(container: Container, act: AuditEvent) -> AsyncIterator[AuditEvent]:
    """Record a failure if the block raises. The reason is `act.reason`, else the error's code.

    Must surround the transaction. Raises RuntimeError inside one, since the record would be rolled back with
    it. RateLimited and Unavailable are not recorded: they are no outcome of the operation.
    """
    if database.in_transaction():
        raise RuntimeError(
            "attempt() must surround the transaction: inside it the record would be rolled back."
        )
    try:
        yield act
    except (RateLimited, Unavailable):
        raise
    except Exception as error:
        await _record_failure(container, act, error.code if isinstance(error, HubbubError) else "internal")
        raise


async def _record_failure(container: Container, act: AuditEvent, code: str) -> None:
    caller = act.actor_id or rate_limit_key(act.request_info.ip)
    if container.audit_failure_limiter.acquire((act.action, caller), FAILURE_RATE).wait_ms:
        metrics.count("audit_failures_suppressed", act.action)
        return
    try:
        async with database.transaction() as tx:
            await record_failure(tx, act, act.reason or code)
    except Exception:
        metrics.count("audit_failures_lost", act.action)
        log.exception("audit failure not recorded", extra={"action": act.action})
