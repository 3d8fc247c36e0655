"""The audit log: every act that matters to security, with its outcome. Rows are added and never changed.

An act that succeeds is recorded in its own transaction: it is in the log if, and only if, it was done. One
that fails is recorded after its transaction was rolled back, in one of its own:

    async with audit.attempt(ctx.parts, audit.by(ctx, Action.SET_ROLE, Target("user", user_id))) as act:
        async with ctx.unit() as unit:
            …
            await audit.record(unit.tx, act, role="admin")
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

# Acts of one kind that failed, by one caller, that are written down; so that nobody fills the disk with them.
FAILURE_RATE = Rate(60, 0.5)


def act_of(ctx: Context, action: Action, target: Target | None = None) -> AuditEvent:
    """An act of the caller; without a target it is about themselves."""
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
    """Record it as failed if what is done inside raises; `act.reason`, else the error's code, says why.

    Must be around the transaction, not in it. A database that is away, and limits, are no outcome of an act.
    """
    if database.in_transaction():
        raise RuntimeError("What fails here would be rolled back with what it failed in.")
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
        log.exception("a failed act could not be recorded", extra={"action": act.action})
