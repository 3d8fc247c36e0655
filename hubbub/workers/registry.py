"""Which kinds of jobs there are, and who does each."""

from hubbub.services.accounts import deletion
from hubbub.services.mail import mailer
from hubbub.workers.worker import Work

TABLE: dict[str, Work] = {
    mailer.KIND: mailer.send_job,
    deletion.KIND: deletion.finish,
}
