"""The handler of each kind of job. The kinds themselves are in `services/jobs/kinds.py`."""

from collections.abc import Mapping

from hubbub.schemas import jobs
from hubbub.schemas.jobs import JobPayload
from hubbub.services.accounts import deletion
from hubbub.services.jobs.schedule_runs import recorded
from hubbub.services.mail import mailer
from hubbub.services.maintenance import queue_warnings, removal, upkeep
from hubbub.services.notifications import (
    account_events,
    announcements,
    digests,
    emails,
    messages,
    portfolio_messages,
)
from hubbub.services.portfolio import indexing
from hubbub.services.uploads import sweep
from hubbub.workers.worker import JobHandler

HANDLERS: Mapping[type[JobPayload], JobHandler] = {
    jobs.SendMail: mailer.send_job,
    jobs.EraseAccount: deletion.erase_job,
    jobs.RemoveEndedSessions: recorded(removal.remove_ended_sessions),
    jobs.RemoveUsedTokens: recorded(removal.remove_used_tokens),
    jobs.RemoveOldRows: recorded(removal.remove_old_rows),
    jobs.WatchQueues: recorded(queue_warnings.watch),
    jobs.MaintainDatabase: recorded(upkeep.maintain_database),
    jobs.LogHeartbeat: recorded(upkeep.log_heartbeat),
    jobs.SweepUploads: recorded(sweep.sweep_job),
    jobs.RemoveObjects: sweep.remove_objects_job,
    jobs.IndexPortfolio: indexing.index_job,
    jobs.NotifyMessage: messages.notify_job,
    jobs.Notify: account_events.notify_job,
    jobs.NotifyPortfolioMessage: portfolio_messages.notify_job,
    jobs.DeliverAnnouncement: announcements.deliver_job,
    jobs.NotifyByEmail: emails.send_job,
    jobs.SendDigests: recorded(digests.enqueue_job),
    jobs.SendDigest: digests.send_job,
}
