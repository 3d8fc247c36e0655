"""Which kinds of jobs there are, and who does each."""

from hubbub.services.accounts import deletion
from hubbub.services.mail import mailer
from hubbub.workers.worker import JobHandler

HANDLERS: dict[str, JobHandler] = {
    mailer.JOB_KIND: mailer.send_job,
    deletion.JOB_KIND: deletion.erase_job,
}
