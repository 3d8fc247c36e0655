"""The kinds of jobs: one table with the stored name, the payload and the limits of each.

The handlers are in `workers/registry.py`. Operations enqueue without importing them.
"""

from typing import NamedTuple

import msgspec

from hubbub.schemas.jobs import EraseAccount, JobPayload, SendMail

DEFAULT_MAX_ATTEMPTS = 15  # with the delays of `queue.retry_delay_s`: about eight hours
DEFAULT_TIMEOUT_S = 300.0
DEFAULT_LEASE_S = 30.0


class UnknownKind(Exception):
    """No kind has this name: a newer release stored the job, and a worker of that release can run it."""


class PermanentFailure(Exception):
    """The job can't succeed, however often it runs."""


class UndecodablePayload(PermanentFailure):
    """The payload of a job is not one of its kind."""


class Kind(NamedTuple):
    """One kind of job."""

    name: str  # as stored in `jobs.kind`; never changed, as stored jobs have it
    payload: type[JobPayload]
    queue: str
    max_attempts: int = DEFAULT_MAX_ATTEMPTS  # then the job is dead, and kept
    timeout_s: float = DEFAULT_TIMEOUT_S  # of one run, which then counts as failed
    lease_s: float = DEFAULT_LEASE_S  # after which the job of a lost worker runs again


KINDS = (
    Kind("mail.letter", SendMail, queue="mail"),
    Kind("account.erase", EraseAccount, queue="maintenance"),
)
MIN_LEASE_S = min(DEFAULT_LEASE_S, *(kind.lease_s for kind in KINDS))


def of(payload: JobPayload) -> Kind:
    """Return the kind of a payload. Raises TypeError if no kind has it."""
    for kind in KINDS:
        if type(payload) is kind.payload:
            return kind
    raise TypeError(f"not the payload of a job: {type(payload).__name__}")


def named(name: str) -> Kind:
    """Return the kind with a stored name. Raises UnknownKind."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise UnknownKind(f"This release has no kind of job {name!r}.")


def max_attempts(name: str) -> int:
    """Return after how many attempts a job of a stored kind is dead."""
    return next((kind.max_attempts for kind in KINDS if kind.name == name), DEFAULT_MAX_ATTEMPTS)


def decode(kind: Kind, stored: str) -> JobPayload:
    """Decode a stored payload. Raises UndecodablePayload, whose text names the field and holds no value."""
    try:
        return msgspec.json.decode(stored, type=kind.payload)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UndecodablePayload(f"The payload of {kind.name} does not decode: {error}") from None
