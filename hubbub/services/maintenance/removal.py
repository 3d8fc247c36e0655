"""The schedules SESSIONS, TOKENS and RETENTION."""

from typing import TYPE_CHECKING

from hubbub.schemas.jobs import RemoveEndedSessions, RemoveOldRows, RemoveUsedTokens
from hubbub.services.jobs import retention
from hubbub.services.notifications import retention as notifications
from hubbub.services.portfolio import retention as portfolios

if TYPE_CHECKING:
    from hubbub.services.context import Container


async def remove_ended_sessions(container: "Container", _job: RemoveEndedSessions) -> None:
    """Remove ended sessions and pending logins."""
    await retention.remove_ended_sessions(container.settings.retention_days)


async def remove_used_tokens(_container: "Container", _job: RemoveUsedTokens) -> None:
    """Remove tokens, idempotency keys and nonces that expired."""
    await retention.remove_used_tokens()


async def remove_old_rows(container: "Container", _job: RemoveOldRows) -> None:
    """Remove ended jobs, old audit records, old notifications, and deleted items of portfolios."""
    settings = container.settings
    await retention.remove_old_rows(settings.retention_days, settings.audit_days)
    await notifications.purge(settings.notification_days, settings.retention_days)
    await portfolios.purge(settings.retention_days)
