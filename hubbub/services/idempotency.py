"""`Idempotency-Key`: a repeated request gets the first response and is performed once.

Decrypting a stored response needs both the server's secret key and the request, because responses contain
tokens. docs/decisions/0010-idempotency.md has the reasons.
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
from hubbub.db.sql import as_datetime, as_uuid, database_time
from hubbub.ratelimit.rate import Rate
from hubbub.services.context import Container

RETENTION = timedelta(hours=24)
LEASE_DURATION = timedelta(seconds=60)  # for performing the request; after it the instance counts as dead
MAX_WAIT_S = 10.0  # for the response of the same request, which is being performed
MIN_POLL_INTERVAL_S, MAX_POLL_INTERVAL_S = 0.05, 0.5  # between two queries
MAX_WAITING_REQUESTS = 200  # on one instance at a time
MAX_RESPONSE_BYTES = 256 * 1024  # of a stored response
# Keys of one caller that all instances together store, within the time in which `burst` refills.
USER_KEY_RATE, ANONYMOUS_KEY_RATE = Rate(5000, 1), Rate(200, 200 / 3600)
CREDIT_DIVISOR = 4  # share of a caller's remaining keys that an instance accepts before counting again
MAX_TRACKED_CALLERS = 10_000  # whose remaining keys an instance caches

KEY_REUSED = "This Idempotency-Key was used for another request. Use a new key for each request."
IN_PROGRESS = "The same request is being processed. Repeat it in a moment to get its response."
_INSERT = (
    "INSERT INTO idempotency_keys (id, user_id, asked, lease, held_until, answer, expires_at, caller) "
    "VALUES ($1, $2, $3, $4, {held}, NULL, $6, $8) ON CONFLICT (id) DO UPDATE "
    "SET user_id = excluded.user_id, caller = excluded.caller, asked = excluded.asked, "
    "lease = excluded.lease, held_until = excluded.held_until, answer = NULL, "
    "expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= $7"
)
_COUNT_STORED = (
    "SELECT count(*) AS count, min(expires_at) AS oldest FROM (SELECT expires_at FROM idempotency_keys "
    "WHERE caller = $1 AND expires_at > $2 ORDER BY expires_at DESC LIMIT $3) newest"
)
TOO_MANY_KEYS = "Too many Idempotency-Keys in one day. Wait, or send the request without a key."
UNREADABLE = "The response stored for this Idempotency-Key can no longer be read. Use a new key."


class IdempotentRequest(NamedTuple):
    """A request as it is recognized."""

    caller: str  # identifies the caller, as text
    key: str  # the Idempotency-Key
    request_hash: bytes  # SHA-256 of method, path, query and body
    user_id: UUID | None = None  # None: not authenticated

    @property
    def caller_digest(self) -> str:
        """The value by which the keys of a caller are counted."""
        return hashlib.sha256(self.caller.encode()).hexdigest()[:32]

    @property
    def id(self) -> str:
        """The value by which the stored row is found."""
        return hashlib.sha256(f"{self.caller}\n{self.key}".encode()).hexdigest()


class StoredResponse(msgspec.Struct, frozen=True):
    """A response that is sent again."""

    status: int
    headers: dict[str, str]
    body: bytes


class _StoredKey(NamedTuple):
    sealed_request: str
    lease: UUID
    leased: bool
    sealed_response: str | None


class IdempotencyStore:
    """The idempotency keys, as one instance handles them. Stored responses are in the database."""

    def __init__(self, container: Container) -> None:
        self._sealing = container.sealing  # encrypts with HUBBUB_SECRET_KEY
        # Keys that a caller may store before they are counted again.
        self._remaining_credits: OrderedDict[str, int] = OrderedDict()
        self._waiting_count = 0  # requests that wait for a response

    async def claim(self, request: IdempotentRequest) -> StoredResponse | UUID:
        """Return the stored response, or a lease.

        With a lease: perform the request, then `store` or `release`.

        Waits at most 10 s while the same request is being performed. Raises Conflict, RateLimited,
        Unavailable.
        """
        poll_interval_s, deadline = MIN_POLL_INTERVAL_S, clock.monotonic() + MAX_WAIT_S
        while True:
            lease = ids.uuid7()
            if await self._insert(request, lease):
                await self._limit_caller(request, lease)
                return lease
            row = await _read(request.id)
            if row is not None:
                self._require_same_request(request, row)
                if row.sealed_response is not None:
                    return self._open_response(request, row.sealed_response)
                if not row.leased and await _acquire_lease(request.id, row.lease, lease):
                    metrics.count("idempotent_requests_taken_over")
                    return lease
            if clock.monotonic() + poll_interval_s > deadline:
                raise Conflict(IN_PROGRESS, retry_after_ms=1000)
            await self._wait_for_poll(poll_interval_s)
            poll_interval_s = min(2 * poll_interval_s, MAX_POLL_INTERVAL_S)

    async def _wait_for_poll(self, seconds: float) -> None:
        if self._waiting_count >= MAX_WAITING_REQUESTS:
            raise Conflict(IN_PROGRESS, retry_after_ms=1000)
        self._waiting_count += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting_count -= 1

    async def _insert(self, request: IdempotentRequest, lease: UUID) -> bool:
        """Store the key unless it was used within 24 hours. Returns whether it was stored."""
        now = clock.now()
        sealed = self._sealing.seal(_purpose("asked", request), request.request_hash)
        params = (
            request.id,
            request.user_id,
            sealed,
            lease,
            now + LEASE_DURATION,
            now + RETENTION,
            now,
            request.caller_digest,
        )
        async with database.guard():
            sql = database.connection()
            leased_until = database_time(sql, "$5", LEASE_DURATION.total_seconds())
            return await sql.execute(_INSERT.format(held=leased_until), *params) > 0

    async def _limit_caller(self, request: IdempotentRequest, lease: UUID) -> None:
        """Limit the keys that all instances store for a caller. Raises RateLimited."""
        caller = request.caller_digest
        if credit := self._remaining_credits.get(caller, 0):
            self._remaining_credits[caller] = credit - 1
            return
        rate = ANONYMOUS_KEY_RATE if request.user_id is None else USER_KEY_RATE
        since = clock.now() + RETENTION - timedelta(seconds=rate.burst / rate.per_s)
        async with database.guard():
            (row,) = await database.connection().fetch(_COUNT_STORED, caller, since, rate.burst + 1)
        if row["count"] > rate.burst:
            await self.release(request, lease)
            metrics.count("requests_limited", "idempotency")
            wait = as_datetime(row["oldest"]) - since
            raise RateLimited(TOO_MANY_KEYS, retry_after_ms=max(1, wait // timedelta(milliseconds=1)))
        self._remaining_credits[caller] = (rate.burst - row["count"]) // CREDIT_DIVISOR
        self._remaining_credits.move_to_end(caller)
        if len(self._remaining_credits) > MAX_TRACKED_CALLERS:
            self._remaining_credits.popitem(last=False)

    def _require_same_request(self, request: IdempotentRequest, row: _StoredKey) -> None:
        """Raise Conflict if the key was used for another request."""
        try:
            stored_hash = self._sealing.unseal(_purpose("asked", request), row.sealed_request)
        except DecryptionError:
            raise Conflict(UNREADABLE) from None
        if stored_hash != request.request_hash:
            raise Conflict(KEY_REUSED)

    def _open_response(self, request: IdempotentRequest, sealed: str) -> StoredResponse:
        purpose = _purpose("answer", request)
        try:
            inner = self._sealing.unseal(purpose, sealed).decode()
            return msgspec.msgpack.decode(
                _request_sealing(request).unseal(purpose, inner), type=StoredResponse
            )
        except DecryptionError:
            raise Conflict(UNREADABLE) from None

    async def store(self, request: IdempotentRequest, lease: UUID, response: StoredResponse) -> None:
        """Store the response for 24 hours, unless it is too large. Raises Unavailable."""
        if len(response.body) > MAX_RESPONSE_BYTES:
            metrics.count("idempotent_responses_too_large")
            await self.release(request, lease)
            return
        purpose = _purpose("answer", request)
        inner = _request_sealing(request).seal(purpose, msgspec.msgpack.encode(response))
        async with database.guard():
            await database.connection().execute(
                "UPDATE idempotency_keys SET answer = $3 WHERE id = $1 AND lease = $2",
                *(request.id, lease, self._sealing.seal(purpose, inner.encode())),
            )

    async def release(self, request: IdempotentRequest, lease: UUID) -> None:
        """Remove the key: the same request is performed again. Raises Unavailable."""
        async with database.guard():
            await database.connection().execute(
                "DELETE FROM idempotency_keys WHERE id = $1 AND lease = $2", request.id, lease
            )


def _purpose(kind: str, request: IdempotentRequest) -> str:
    return f"idempotency:{kind}:{request.id}"


def _request_sealing(request: IdempotentRequest) -> Sealing:
    """Return the encryption by the request itself, which is not stored."""
    return Sealing([f"{request.caller}\n{request.key}\n{request.request_hash.hex()}"])


async def _read(row_id: str) -> _StoredKey | None:
    async with database.guard():
        sql = database.connection()
        rows = await sql.fetch(
            f"SELECT asked, lease, held_until > {database_time(sql, '$2')} AS held, answer "
            "FROM idempotency_keys "
            "WHERE id = $1",
            *(row_id, clock.now()),
        )
    if not rows:
        return None
    row = rows[0]
    return _StoredKey(row["asked"], as_uuid(row["lease"]), bool(row["held"]), row["answer"])


async def _acquire_lease(row_id: str, old_lease: UUID, lease: UUID) -> bool:
    """Replace an expired lease. Of several concurrent calls one succeeds."""
    async with database.guard():
        sql = database.connection()
        leased_until = database_time(sql, "$4", LEASE_DURATION.total_seconds())
        updated = await sql.execute(
            f"UPDATE idempotency_keys SET lease = $3, held_until = {leased_until} "
            "WHERE id = $1 AND lease = $2 AND answer IS NULL",
            *(row_id, old_lease, lease, clock.now() + LEASE_DURATION),
        )
    return updated > 0
