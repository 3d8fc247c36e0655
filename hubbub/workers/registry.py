"""The handler of each kind of job. The kinds themselves are in `services/jobs/kinds.py`."""

from collections.abc import Mapping

from hubbub.schemas.jobs import EraseAccount, JobPayload, SendMail
from hubbub.services.accounts import deletion
from hubbub.services.mail import mailer
from hubbub.workers.worker import JobHandler

HANDLERS: Mapping[type[JobPayload], JobHandler] = {
    SendMail: mailer.send_job,
    EraseAccount: deletion.erase_job,
}
