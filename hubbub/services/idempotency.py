"""`Idempotency-Key`: a request that is sent again is answered as at first, and acted upon once.

What is kept can be read by who has both the server's secret key and the request itself: answers hold tokens.
docs/decisions/0010-idempotency.md has the reasons.
"""

import asyncio
import hashlib
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from hubbub.core import clock, ids, metrics
from hubbub.core.allowances import Buckets
from hubbub.core.errors import Conflict, RateLimited
from hubbub.core.limits import Rate
from hubbub.core.sealing import Sealing, Unsealable
from hubbub.models.connection import time_of, uuid_of
from hubbub.services import database
from hubbub.services.context import Parts

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)  # for acting; then the instance that did is taken for dead
WAIT_S = 10.0  # for the answer to the same request, which is being acted upon
FIRST_S, LONGEST_S = 0.05, 0.5  # between two looks
MOST = 200  # requests of one instance that wait at a time
LARGEST = 256 * 1024  # bytes of an answer that is kept
# How many answers of one caller are kept, at once and a second: what is stored for a day has a bound.
OF_USERS, OF_STRANGERS = Rate(5000, 1), Rate(200, 200 / 3600)

OTHER = "This Idempotency-Key was used for another request: take a new one for each thing to be done."
BUSY = "The same request is being acted upon already. Ask again in a moment for its answer."
_BEGIN = (
    "INSERT INTO idempotency_keys (id, user_id, asked, lease, held_until, answer, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, NULL, $6) ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, "
    "asked = excluded.asked, lease = excluded.lease, held_until = excluded.held_until, answer = NULL, "
    "expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= $7"
)
TOO_MANY = "Too many Idempotency-Keys for one day: wait, or ask without one."
UNREADABLE = "What was answered to this Idempotency-Key can't be read any more: take a new one."


class Question(NamedTuple):
    """A request as it is recognised: `caller` is who asks, in words; `key` is theirs."""

    caller: str
    key: str
    request: bytes  # SHA-256 of method, path, query and body
    user_id: UUID | None = None

    @property
    def id(self) -> str:
        """What it is found by."""
        return hashlib.sha256(f"{self.caller}\n{self.key}".encode()).hexdigest()


class Answer(msgspec.Struct, frozen=True):
    """An answer as it is given again."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Row(NamedTuple):
    asked: str
    lease: UUID
    held: bool
    answer: str | None


class Replies:
    """Those of one instance; what it knows is in the database."""

    def __init__(self, parts: Parts) -> None:
        self._sealing = parts.sealing
        self._kept = Buckets()
        self._waiting = 0

    async def claim(self, question: Question) -> Answer | UUID:
        """The answer of before; or a lease: act, then `keep` or `release`.

        Waits a while for somebody who acts on the same. Raises Conflict, RateLimited, Unavailable.
        """
        pause, until = FIRST_S, clock.monotonic() + WAIT_S
        while True:
            lease = ids.new()
            if await self._begin(question, lease):
                await self._count(question, lease)
                return lease
            row = await _read(question.id)
            if row is not None:
                self._compare(question, row)
                if row.answer is not None:
                    return self._open(question, row.answer)
                if not row.held and await _take_over(question.id, row.lease, lease):
                    metrics.count("idempotent_requests_taken_over")
                    return lease
            if clock.monotonic() + pause > until:
                raise Conflict(BUSY, retry_after_ms=1000)
            await self._wait(pause)
            pause = min(2 * pause, LONGEST_S)

    async def _wait(self, seconds: float) -> None:
        if self._waiting >= MOST:
            raise Conflict(BUSY, retry_after_ms=1000)
        self._waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting -= 1

    async def _begin(self, question: Question, lease: UUID) -> bool:
        """Whether nobody has used the key within 24 hours."""
        now = clock.now()
        sealed = self._sealing.seal(_purpose("asked", question), question.request)
        given = (question.id, question.user_id, sealed, lease, now + LEASE, now + KEPT, now)
        async with database.guard():
            return await database.connection().execute(_BEGIN, *given) > 0

    async def _count(self, question: Question, lease: UUID) -> None:
        """Raises RateLimited for somebody of whom too much is kept already."""
        rate = OF_STRANGERS if question.user_id is None else OF_USERS
        if wait_ms := self._kept.take(question.caller, rate).wait_ms:
            await self.release(question, lease)
            metrics.count("requests_limited", "idempotency")
            raise RateLimited(TOO_MANY, retry_after_ms=wait_ms)

    def _compare(self, question: Question, row: _Row) -> None:
        """Raises Conflict for another request."""
        try:
            asked = self._sealing.unseal(_purpose("asked", question), row.asked)
        except Unsealable:
            raise Conflict(UNREADABLE) from None
        if asked != question.request:
            raise Conflict(OTHER)

    def _open(self, question: Question, sealed: str) -> Answer:
        purpose = _purpose("answer", question)
        try:
            inner = self._sealing.unseal(purpose, sealed).decode()
            return msgspec.msgpack.decode(_own(question).unseal(purpose, inner), type=Answer)
        except Unsealable:
            raise Conflict(UNREADABLE) from None

    async def keep(self, question: Question, lease: UUID, answer: Answer) -> None:
        """The answer, for 24 hours; one that is too large is not kept. Raises Unavailable."""
        if len(answer.body) > LARGEST:
            metrics.count("answers_not_kept")
            await self.release(question, lease)
            return
        purpose = _purpose("answer", question)
        inner = _own(question).seal(purpose, msgspec.msgpack.encode(answer))
        async with database.guard():
            await database.connection().execute(
                "UPDATE idempotency_keys SET answer = $3 WHERE id = $1 AND lease = $2",
                *(question.id, lease, self._sealing.seal(purpose, inner.encode())),
            )

    async def release(self, question: Question, lease: UUID) -> None:
        """Nothing is kept: the same request is acted upon again. Raises Unavailable."""
        async with database.guard():
            await database.connection().execute(
                "DELETE FROM idempotency_keys WHERE id = $1 AND lease = $2", question.id, lease
            )


def _purpose(what: str, question: Question) -> str:
    return f"idempotency:{what}:{question.id}"


def _own(question: Question) -> Sealing:
    """Seals with the request itself, of which nothing is stored that would open it."""
    return Sealing([f"{question.caller}\n{question.key}\n{question.request.hex()}"])


async def _read(row_id: str) -> _Row | None:
    async with database.guard():
        rows = await database.connection().fetch(
            "SELECT asked, lease, held_until, answer FROM idempotency_keys WHERE id = $1", row_id
        )
    if not rows:
        return None
    row = rows[0]
    held = time_of(row["held_until"]) > clock.now()
    return _Row(row["asked"], uuid_of(row["lease"]), held, row["answer"])


async def _take_over(row_id: str, of: UUID, lease: UUID) -> bool:
    """Of several who find that nobody acts any more, one does."""
    async with database.guard():
        taken = await database.connection().execute(
            "UPDATE idempotency_keys SET lease = $3, held_until = $4 "
            "WHERE id = $1 AND lease = $2 AND answer IS NULL",
            *(row_id, of, lease, clock.now() + LEASE),
        )
    return taken > 0
