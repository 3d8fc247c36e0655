"""Registration of the processes of a deployment in the database, renewed until they end.

The id and the secret key of a process must fit those of its peers. Otherwise it does not start. A row that is
not renewed expires: its process was killed, or can't reach the database.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hubbub import __version__
from hubbub.core import clock, ids, metrics, tasks
from hubbub.core.auth_tokens import key_id
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.instance import processes as rows
from hubbub.queries.instance.processes import ProcessRow, Registration

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.config import Settings
    from hubbub.db.engines.dedicated import DedicatedConnection

__all__ = [
    "REGISTRATION_TTL_S",
    "Process",
    "ProcessRow",
    "StartRefused",
    "live",
    "runs_background",
    "serving_without_redis",
    "with_same_id",
]

RENEW_INTERVAL_S = 5.0
REGISTRATION_TTL_S = 15.0
DELETE_EXPIRED_AFTER_S = 60.0  # then an expired row is deleted
RETRY_INTERVAL_S = 1.0  # after a failure: several attempts before the row expires
UNTRUSTED_PROXY_TTL_S = 3900.0  # longer than the hour between two reports
CONFLICT_POLL_S = 0.5  # between two reads of a conflicting row
STATEMENT_TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 2.0

SERVE, WORKER, SCHEDULER = "serve", "worker", "scheduler"

log = logging.getLogger(__name__)


class StartRefused(Exception):
    """The process must not run beside its peers. The message is one line with the reason and the remedy."""


async def live() -> list[ProcessRow]:
    """Return the processes whose registration has not expired, in the order of their starts. One query.

    Needs an open database. Raises Unavailable.
    """
    async with database.guard():
        return _unexpired(await rows.read(database.connection()))


def _unexpired(found: Iterable[ProcessRow]) -> list[ProcessRow]:
    # A time in the future comes from a wrong clock, or from another server before a failover.
    return [row for row in found if abs(row.age_s) <= REGISTRATION_TTL_S]


def serving_without_redis(found: Iterable[ProcessRow]) -> list[ProcessRow]:
    """Return the instances if there are several and one lacks Redis, else an empty list."""
    instances = [row for row in found if row.kind == SERVE]
    return instances if len(instances) > 1 and not all(row.uses_redis for row in instances) else []


def with_same_id(found: Iterable[ProcessRow], own: Registration | ProcessRow) -> list[ProcessRow]:
    """Return the other processes of the same kind that have the same id."""
    return [row for row in found if (row.kind, row.id) == (own.kind, own.id) and row.run != own.run]


def runs_background(found: Iterable[ProcessRow], kind: str) -> bool:
    """Return whether one of the processes is a worker or a scheduler, or an instance that runs both."""
    return any(row.kind == kind or row.inline_workers for row in found)


class Process:
    """The registration of this process: `register` before work begins, `close` after it has ended."""

    def __init__(self, settings: "Settings", kind: str, renew_interval_s: float = RENEW_INTERVAL_S) -> None:
        self._settings = settings  # read for the rules on peers
        self._renew_interval_s = renew_interval_s  # between two renewals
        # Fingerprints of the keys whose tokens this process accepts.
        self._accepted_fingerprints = {
            key_id(secret) for secret in (settings.secret_key, *settings.secret_key_previous)
        }
        self.registration = Registration(
            run=ids.uuid7(),
            id=settings.instance_id,
            kind=kind,
            key_fingerprint=key_id(settings.secret_key),
            version=__version__,
            inline_workers=kind == SERVE and settings.inline_workers,
            uses_redis=settings.redis_url is not None,
        )
        # A connection of its own, since the pool may be exhausted. None: not registered.
        self._connection: DedicatedConnection | None = None
        self._renew_requested = asyncio.Event()  # set when a change must be written at once
        # Renews the row.
        self._task = tasks.PeriodicTask(
            self._renew, name="registration", interval_s=self._renew_delay_s, wake=self._renew_requested
        )
        self._untrusted_proxy_until = 0.0  # monotonic time until which the report is stored
        self._logged_warnings: set[str] = set()  # texts that were logged, so that each is logged once

    async def register(self) -> None:
        """Write the row and start renewing it. Waits at most 15 s for a conflicting row to expire.

        Raises StartRefused if such a row is renewed meanwhile, Unavailable.
        """
        first_seen: dict[UUID, ProcessRow] | None = None
        while conflicts := await self._try_register():
            if first_seen is None:
                first_seen = {row.run: row for row in conflicts}
                log.info(
                    "waiting for a registration to expire",
                    extra={"reason": self._conflict_text(conflicts[0])},
                )
            for row in conflicts:
                if row.run not in first_seen or row.seen_at != first_seen[row.run].seen_at:
                    raise StartRefused(self._conflict_text(row))
            await asyncio.sleep(CONFLICT_POLL_S)
        # The pool may be exhausted while this process is alive and busy.
        self._connection = database.dedicated(STATEMENT_TIMEOUT_S)
        self._task.start()

    async def _try_register(self) -> list[ProcessRow]:
        """Register unless live rows conflict. Returns those rows."""
        async with database.transaction() as tx:
            await rows.lock(tx)
            if self._settings.uses_sqlite:
                await rows.remove_all(tx)  # this process holds the database's lock, so the others ended
            found = _unexpired(await rows.read(tx))
            if not (conflicts := self._conflicts(found)):
                await rows.write(tx, self.registration)
        if not conflicts:
            self._log_misconfiguration(found)
        return conflicts

    def _conflicts(self, found: Sequence[ProcessRow]) -> list[ProcessRow]:
        same_id = with_same_id(found, self.registration)
        return same_id + [row for row in self._with_other_key(found) if row not in same_id]

    def _with_other_key(self, found: Iterable[ProcessRow]) -> list[ProcessRow]:
        """Return the peers whose tokens this process does not accept."""
        return [row for row in found if row.key_fingerprint not in self._accepted_fingerprints]

    def _conflict_text(self, row: ProcessRow) -> str:
        peer = f"{row.kind} {row.id}"
        if row.key_fingerprint not in self._accepted_fingerprints:
            return (
                f"HUBBUB_SECRET_KEY: {peer} uses a different key. Give all processes the same key, or add "
                "the key of the others to HUBBUB_SECRET_KEY_PREVIOUS."
            )
        return f"HUBBUB_INSTANCE_ID: {peer} is already running. Give each process its own id."

    async def _renew(self) -> None:
        """Renew the row, and count a failure. Outages may have any length."""
        try:
            await self.renew()
        except Exception:
            metrics.count("registration_failures")
            raise

    def _renew_delay_s(self) -> float:
        return RETRY_INTERVAL_S if self._task.failing else self._renew_interval_s

    def report_untrusted_proxy(self, ip: str) -> None:
        """Store an untrusted proxy for `hubbub doctor`.

        The report expires about an hour after the last one.
        """
        self.registration = self.registration._replace(untrusted_proxy=ip)
        self._untrusted_proxy_until = clock.monotonic() + UNTRUSTED_PROXY_TTL_S
        self._renew_requested.set()

    async def renew(self) -> None:
        """Write the row now, also if it was removed, and check the peers. Raises Unavailable."""
        if self._connection is None:
            return
        if self._untrusted_proxy_until < clock.monotonic():
            self.registration = self.registration._replace(untrusted_proxy=None)
        sql = Sql(self._connection)
        async with database.guard():
            await rows.write(sql, self.registration)
            found = await rows.read(sql)
            if any(row.age_s > DELETE_EXPIRED_AFTER_S for row in found):
                await rows.remove_older(sql, DELETE_EXPIRED_AFTER_S)
        self._log_misconfiguration(_unexpired(found))

    def _log_misconfiguration(self, found: Sequence[ProcessRow]) -> None:
        """Log each problem of the deployment once."""
        own = self.registration
        if own.kind == SERVE and serving_without_redis([*found, *self._own_if_unlisted(found)]):
            self._warn_once(
                "several instances run without Redis: entries of other instances arrive up to a second late, "
                "presence and typing do not arrive; set HUBBUB_REDIS_URL"
            )
        for row in with_same_id(found, own):
            self._warn_once("another process has the same id; set HUBBUB_INSTANCE_ID", row)
        for row in self._with_other_key(found):
            self._warn_once("another process has a different secret key; set HUBBUB_SECRET_KEY", row)

    def _own_if_unlisted(self, found: Iterable[ProcessRow]) -> list[ProcessRow]:
        """Return this process as a row, if it was not registered when the rows were read."""
        own = self.registration
        if any(row.run == own.run for row in found):
            return []
        now = clock.now()
        return [ProcessRow(*own, started_at=now, seen_at=now, age_s=0.0)]

    def _warn_once(self, text: str, row: ProcessRow | None = None) -> None:
        if text not in self._logged_warnings:
            self._logged_warnings.add(text)
            log.warning(text, extra={"kind": row.kind, "id": row.id} if row else {})

    async def close(self) -> None:
        """Remove the row. Safe to call twice. Does not wait for an unavailable database."""
        await self._task.close()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await rows.remove(Sql(connection), self.registration.run)
        except Exception as error:  # noqa: BLE001 - the row expires
            log.info("registration not removed; it expires", extra={"error": repr(error)})
        finally:
            await connection.close()
