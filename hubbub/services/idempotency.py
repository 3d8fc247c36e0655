"""`Idempotency-Key`: a request that is sent again is answered as at first, and acted upon once.

What is kept can be read by who has both the server's secret key and the request itself: answers hold tokens.
docs/decisions/0010-idempotency.md has the reasons.
"""

import asyncio
import hashlib
from collections import OrderedDict
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from hubbub.core import clock, ids, metrics
from hubbub.core.errors import Conflict, RateLimited
from hubbub.core.sealing import DecryptionError, Sealing
from hubbub.db import database
from hubbub.db.sql import as_datetime, as_uuid, db_time
from hubbub.ratelimit.rate import Rate
from hubbub.services.context import Container

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)  # for acting; then the instance that did is taken for dead
WAIT_S = 10.0  # for the answer to the same request, which is being acted upon
FIRST_S, LONGEST_S = 0.05, 0.5  # between two looks
MOST = 200  # requests of one instance that wait at a time
LARGEST = 256 * 1024  # bytes of an answer that is kept
# Keys of one caller that all instances store together within the time in which `burst` of them refill.
OF_USERS, OF_STRANGERS = Rate(5000, 1), Rate(200, 200 / 3600)
SHARE = 4  # the part of what a caller has left that one instance gives before it counts again
CALLERS = 10_000  # of whom an instance remembers how much it may give

OTHER = "This Idempotency-Key was used for another request: take a new one for each thing to be done."
BUSY = "The same request is being acted upon already. Ask again in a moment for its answer."
_BEGIN = (
    "INSERT INTO idempotency_keys (id, user_id, asked, lease, held_until, answer, expires_at, caller) "
    "VALUES ($1, $2, $3, $4, {held}, NULL, $6, $8) ON CONFLICT (id) DO UPDATE "
    "SET user_id = excluded.user_id, caller = excluded.caller, asked = excluded.asked, "
    "lease = excluded.lease, held_until = excluded.held_until, answer = NULL, "
    "expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= $7"
)
_STORED = (
    "SELECT count(*) AS count, min(expires_at) AS oldest FROM (SELECT expires_at FROM idempotency_keys "
    "WHERE caller = $1 AND expires_at > $2 ORDER BY expires_at DESC LIMIT $3) newest"
)
TOO_MANY = "Too many Idempotency-Keys for one day: wait, or ask without one."
UNREADABLE = "What was answered to this Idempotency-Key can't be read any more: take a new one."


class IdempotentRequest(NamedTuple):
    """A request as it is recognised: `caller` is who asks, in words; `key` is theirs."""

    caller: str
    key: str
    request: bytes  # SHA-256 of method, path, query and body
    user_id: UUID | None = None

    @property
    def digest(self) -> str:
        """What the keys of its caller are counted by."""
        return hashlib.sha256(self.caller.encode()).hexdigest()[:32]

    @property
    def id(self) -> str:
        """What it is found by."""
        return hashlib.sha256(f"{self.caller}\n{self.key}".encode()).hexdigest()


class StoredResponse(msgspec.Struct, frozen=True):
    """An answer as it is given again."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Row(NamedTuple):
    asked: str
    lease: UUID
    held: bool
    answer: str | None


class IdempotencyStore:
    """Those of one instance; what it knows is in the database."""

    def __init__(self, parts: Container) -> None:
        self._sealing = parts.sealing
        self._credits: OrderedDict[str, int] = OrderedDict()  # keys that a caller may store uncounted
        self._waiting = 0

    async def claim(self, question: IdempotentRequest) -> StoredResponse | UUID:
        """The answer of before; or a lease: act, then `keep` or `release`.

        Waits a while for somebody who acts on the same. Raises Conflict, RateLimited, Unavailable.
        """
        pause, until = FIRST_S, clock.monotonic() + WAIT_S
        while True:
            lease = ids.uuid7()
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

    async def _begin(self, question: IdempotentRequest, lease: UUID) -> bool:
        """Whether nobody has used the key within 24 hours."""
        now = clock.now()
        sealed = self._sealing.seal(_purpose("asked", question), question.request)
        given = (question.id, question.user_id, sealed, lease, now + LEASE, now + KEPT, now, question.digest)
        async with database.guard():
            sql = database.connection()
            held = db_time(sql, "$5", LEASE.total_seconds())
            return await sql.execute(_BEGIN.format(held=held), *given) > 0

    async def _count(self, question: IdempotentRequest, lease: UUID) -> None:
        """Raises RateLimited for a caller of whom too many keys are stored already, by any instance."""
        caller = question.digest
        if credit := self._credits.get(caller, 0):
            self._credits[caller] = credit - 1
            return
        rate = OF_STRANGERS if question.user_id is None else OF_USERS
        since = clock.now() + KEPT - timedelta(seconds=rate.burst / rate.per_s)
        async with database.guard():
            (row,) = await database.connection().fetch(_STORED, caller, since, rate.burst + 1)
        if row["count"] > rate.burst:
            await self.release(question, lease)
            metrics.count("requests_limited", "idempotency")
            wait = as_datetime(row["oldest"]) - since
            raise RateLimited(TOO_MANY, retry_after_ms=max(1, wait // timedelta(milliseconds=1)))
        self._credits[caller] = (rate.burst - row["count"]) // SHARE
        self._credits.move_to_end(caller)
        if len(self._credits) > CALLERS:
            self._credits.popitem(last=False)

    def _compare(self, question: IdempotentRequest, row: _Row) -> None:
        """Raises Conflict for another request."""
        try:
            asked = self._sealing.unseal(_purpose("asked", question), row.asked)
        except DecryptionError:
            raise Conflict(UNREADABLE) from None
        if asked != question.request:
            raise Conflict(OTHER)

    def _open(self, question: IdempotentRequest, sealed: str) -> StoredResponse:
        purpose = _purpose("answer", question)
        try:
            inner = self._sealing.unseal(purpose, sealed).decode()
            return msgspec.msgpack.decode(_own(question).unseal(purpose, inner), type=StoredResponse)
        except DecryptionError:
            raise Conflict(UNREADABLE) from None

    async def keep(self, question: IdempotentRequest, lease: UUID, answer: StoredResponse) -> None:
        """The answer, for 24 hours; one that is too large is not kept. Raises Unavailable."""
        if len(answer.body) > LARGEST:
            metrics.count("idempotent_responses_too_large")
            await self.release(question, lease)
            return
        purpose = _purpose("answer", question)
        inner = _own(question).seal(purpose, msgspec.msgpack.encode(answer))
        async with database.guard():
            await database.connection().execute(
                "UPDATE idempotency_keys SET answer = $3 WHERE id = $1 AND lease = $2",
                *(question.id, lease, self._sealing.seal(purpose, inner.encode())),
            )

    async def release(self, question: IdempotentRequest, lease: UUID) -> None:
        """Nothing is kept: the same request is acted upon again. Raises Unavailable."""
        async with database.guard():
            await database.connection().execute(
                "DELETE FROM idempotency_keys WHERE id = $1 AND lease = $2", question.id, lease
            )


def _purpose(what: str, question: IdempotentRequest) -> str:
    return f"idempotency:{what}:{question.id}"


def _own(question: IdempotentRequest) -> Sealing:
    """Seals with the request itself, of which nothing is stored that would open it."""
    return Sealing([f"{question.caller}\n{question.key}\n{question.request.hex()}"])


async def _read(row_id: str) -> _Row | None:
    async with database.guard():
        sql = database.connection()
        rows = await sql.fetch(
            f"SELECT asked, lease, held_until > {db_time(sql, '$2')} AS held, answer FROM idempotency_keys "
            "WHERE id = $1",
            *(row_id, clock.now()),
        )
    if not rows:
        return None
    row = rows[0]
    return _Row(row["asked"], as_uuid(row["lease"]), bool(row["held"]), row["answer"])


async def _take_over(row_id: str, of: UUID, lease: UUID) -> bool:
    """Of several who find that nobody acts any more, one does."""
    async with database.guard():
        sql = database.connection()
        held = db_time(sql, "$4", LEASE.total_seconds())
        taken = await sql.execute(
            f"UPDATE idempotency_keys SET lease = $3, held_until = {held} "
            "WHERE id = $1 AND lease = $2 AND answer IS NULL",
            *(row_id, of, lease, clock.now() + LEASE),
        )
    return taken > 0
