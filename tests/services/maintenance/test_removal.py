"""The schedules that remove rows follow the settings."""

from datetime import timedelta
from uuid import uuid4

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.schemas.jobs import RemoveEndedSessions, RemoveOldRows, RemoveUsedTokens
from hubbub.services.maintenance import removal


async def test_rows_are_removed_after_the_days_of_the_settings(settings):
    short = settings.model_copy(update={"retention_days": 2, "audit_days": 3})
    async with services_context.open_container(short) as container:
        now = clock.now()
        for days in (1, 2.5):
            at = now - timedelta(days=days)
            await models.Job.create(
                queue="mail", kind="x", payload="{}", state="dead", run_at=at, created_at=at, ended_at=at
            )
        for days in (2.5, 4):
            await models.AuditRecord.create(
                at=now - timedelta(days=days), action="x", outcome="ok", facts="{}"
            )
        await models.UsedNonce.create(id="x", expires_at=now - timedelta(days=1))
        user = await models.User.create(
            username="ada", email="ada@example.org", display_name="Ada", created_at=now, updated_at=now
        )
        await models.MfaChallenge.create(user=user, digest="x", expires_at=now - timedelta(days=1))

        await removal.remove_old_rows(container, RemoveOldRows(run_id=uuid4()))
        await removal.remove_used_tokens(container, RemoveUsedTokens(run_id=uuid4()))
        await removal.remove_ended_sessions(container, RemoveEndedSessions(run_id=uuid4()))

        assert await models.Job.all().count() == 1
        assert await models.AuditRecord.all().count() == 1
        assert not await models.UsedNonce.exists()
        assert not await models.MfaChallenge.exists()
