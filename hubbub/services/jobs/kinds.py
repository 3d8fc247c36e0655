"""The kinds of jobs: one table with the stored name, the payload and the limits of each.

The handlers are in `workers/registry.py`. Operations enqueue without importing them.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from hubbub.schemas.jobs import (
    DeliverAnnouncement,
    EraseAccount,
    IndexPortfolio,
    JobPayload,
    LogHeartbeat,
    MaintainDatabase,
    Notify,
    NotifyByEmail,
    NotifyMessage,
    NotifyPortfolioMessage,
    Priority,
    Queue,
    RemoveEndedSessions,
    RemoveObjects,
    RemoveOldRows,
    RemoveUsedTokens,
    ScheduledJob,
    SendDigest,
    SendDigests,
    SendMail,
    SweepUploads,
    WatchQueues,
)

DEFAULT_MAX_ATTEMPTS = 15  # with the default back-off: about eight hours
DEFAULT_TIMEOUT_S = 300.0
DEFAULT_CONCURRENCY = 8


class UnknownKind(Exception):
    """No kind has this name: a newer release stored the job, and a worker of that release can run it."""


class PermanentFailure(Exception):
    """The job can't succeed, however often it runs."""


class UndecodablePayload(PermanentFailure):
    """The payload of a job is not one of its kind."""


class RetryLater(Exception):
    """The run failed, and the next one makes sense after `delay` seconds: the other server stated a time."""

    def __init__(self, delay: float, reason: str) -> None:
        super().__init__(reason)
        self.delay = delay


class Unfinished(Exception):
    """The job is done in part. Another run continues from `payload`, as its first attempt."""

    def __init__(self, payload: JobPayload) -> None:
        super().__init__(payload)
        self.payload = payload


class Backoff(NamedTuple):
    """The delay before the next attempt, in seconds: doubled each time, up to `longest`."""

    shortest: float = 5.0
    longest: float = 3600.0

    def delay(self, attempts: int) -> float:
        """Return the delay after this many attempts. It is random, so that retries spread."""
        longest = min(self.shortest * 2.0 ** min(attempts - 1, 30), self.longest)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - not used for secrets


class Kind(NamedTuple):
    """One kind of job."""

    name: str  # as stored in `jobs.kind`; never changed, as stored jobs have it
    payload: type[JobPayload]
    queue: Queue
    priority: Priority = Priority.NORMAL  # unless `enqueue` states another
    concurrency: int = DEFAULT_CONCURRENCY  # runs at the same time in one worker
    max_attempts: int = DEFAULT_MAX_ATTEMPTS  # then the job has failed, and is kept
    timeout_s: float = DEFAULT_TIMEOUT_S  # of one run, which then is cancelled and counts as failed
    backoff: Backoff = Backoff()  # before the next attempt
    # False if the work is done in a thread: a run over its time is counted and keeps its slot until its end.
    cancellable: bool = True
    # Each turns the JSON of one version into the next one, the first that of version 1.
    upgrades: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = ()

    @property
    def version(self) -> int:
        """The version of the payload that this release stores. Workers run it and all earlier ones."""
        return 1 + len(self.upgrades)


def _scheduled(name: str, payload: type[ScheduledJob], timeout_s: float = 3600.0) -> Kind:
    """Return the kind of the jobs of a schedule: the next run replaces one that fails for long."""
    return Kind(name, payload, Queue.MAINTENANCE, concurrency=1, max_attempts=3, timeout_s=timeout_s)


KINDS = (
    Kind("mail.letter", SendMail, Queue.MAIL),
    Kind("account.erase", EraseAccount, Queue.MAINTENANCE, Priority.BULK, concurrency=2),
    _scheduled("schedule.sessions", RemoveEndedSessions),
    _scheduled("schedule.tokens", RemoveUsedTokens),
    _scheduled("schedule.queue_watch", WatchQueues, timeout_s=60.0),
    _scheduled("schedule.retention", RemoveOldRows),
    _scheduled("schedule.digest", SendDigests),
    _scheduled("schedule.database", MaintainDatabase, timeout_s=6 * 3600.0),
    _scheduled("schedule.heartbeat", LogHeartbeat, timeout_s=60.0),
    _scheduled("schedule.uploads", SweepUploads),
    Kind("portfolio.index", IndexPortfolio, Queue.MAINTENANCE, concurrency=2),
    Kind("uploads.remove_objects", RemoveObjects, Queue.MAINTENANCE, Priority.BULK, concurrency=2),
    Kind("notification.message", NotifyMessage, Queue.NOTIFICATIONS, Priority.URGENT),
    Kind("notification.account", Notify, Queue.NOTIFICATIONS, Priority.URGENT),
    Kind("notification.portfolio", NotifyPortfolioMessage, Queue.NOTIFICATIONS),
    Kind("notification.announcement", DeliverAnnouncement, Queue.NOTIFICATIONS, Priority.BULK, concurrency=1),
    Kind("notification.email", NotifyByEmail, Queue.MAIL),
    Kind("digest.send", SendDigest, Queue.MAIL, Priority.BULK),
)


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
    """Return after how many attempts a job of a stored kind has failed."""
    return next((kind.max_attempts for kind in KINDS if kind.name == name), DEFAULT_MAX_ATTEMPTS)


def retry_delay(name: str, attempts: int) -> float:
    """Return the delay in seconds before the next attempt of a job of a stored kind."""
    backoff = next((kind.backoff for kind in KINDS if kind.name == name), Backoff())
    return backoff.delay(attempts)


def decode(kind: Kind, stored: str, version: int = 1) -> JobPayload:
    """Decode a stored payload of this or an earlier version.

    Raises UndecodablePayload, whose text names the field and holds no value.
    """
    try:
        if version >= kind.version:
            return msgspec.json.decode(stored, type=kind.payload)
        fields = msgspec.json.decode(stored, type=dict[str, Any])
        for upgrade in kind.upgrades[version - 1 :]:
            fields = upgrade(fields)
        return msgspec.convert(fields, kind.payload)
    except (msgspec.DecodeError, UnicodeError, LookupError, TypeError, ValueError) as error:
        text = error if isinstance(error, (msgspec.DecodeError, UnicodeError)) else type(error).__name__
        raise UndecodablePayload(f"The payload of {kind.name} does not decode: {text}") from None
