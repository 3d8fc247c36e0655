"""Metrics of a process: one table of names, and plain integers on the hot path; rendered at each scrape.

Every metric exists from the start, with the value 0. Names and labels are those of Prometheus, without the
prefix `hubbub_` and the suffix `_total` of counters.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Metric(NamedTuple):
    """One row of the table. A counter with a label has a series for each value, all of a closed set."""

    name: str
    help: str  # one sentence, with the unit
    label: str = ""
    values: tuple[str, ...] = ()  # known from the start; `declare` adds those that other modules define


_STATUSES = tuple(
    str(status)
    for status in (
        *(101, 200, 201, 202, 204, 206, 302, 304),
        *(400, 401, 403, 404, 405, 408, 409, 410, 413),
        *(414, 415, 416, 417, 422, 426, 428, 429, 431, 499),
        *(500, 501, 503, 505, 507),
    )
)
_CLOSE_CODES: tuple[str, ...] = (
    "draining",
    "flooding",
    "overloaded",
    "protocol_error",
    "session_revoked",
    "slow_consumer",
    "suspended",
    "token_expired",
)
_INPUT_LIMITS = (
    "flooding",
    "flooding before acceptance",
    "over the limits before acceptance",
    "refused CONNECTs",
)
_TEMPORARY = ("timeout", "internal", "unavailable", "rate_limited", "too_many_connections")
_DROPS = ("draining", "expired", "full")

COUNTERS = (
    # Sockets
    Metric("sockets_closed", "Sockets closed by the server, by close code.", "code", _CLOSE_CODES),
    Metric(
        "handshakes_refused",
        "Engine.IO handshakes refused, by reason.",
        "reason",
        ("draining", "address", "rate", "busy"),
    ),
    Metric(
        "connects_refused",
        "CONNECT packets rejected with a connect_error, by error code.",
        "code",
        ("unknown_namespace",),
    ),
    Metric("connects_queued", "CONNECT packets that waited in the queue before they were accepted."),
    Metric("connects_removed", "CONNECT packets removed from the queue, by reason.", "reason", _DROPS),
    Metric(
        "connects_dropped",
        "CONNECT packets whose transport was closed instead of a response, by reason.",
        "reason",
        _TEMPORARY,
    ),
    Metric("connect_timeouts", "Engine.IO sessions closed because no namespace was connected in time."),
    Metric("slow_consumers", "Sockets closed because their output queue exceeded its limit."),
    Metric("output_limit_closures", "Transports aborted because their write buffer exceeded its limit."),
    Metric("silent_sockets", "Sockets closed because the client sent no pong in time."),
    Metric("flooding_sockets", "Sockets closed because their events exceeded a rate limit for too long."),
    Metric("input_delays", "Pauses of reading from a client that exceeded its packet or byte rate."),
    Metric(
        "input_limit_closures",
        "Engine.IO sessions closed because their input exceeded a limit, by limit.",
        "limit",
        _INPUT_LIMITS,
    ),
    Metric("malformed_packets", "Packets that violate the Engine.IO or Socket.IO protocol."),
    # Events and entries
    Metric("events", "Events of clients, by event name.", "event"),
    Metric("events_rejected", "Events rejected with an error, by error code.", "code"),
    Metric("event_failures", "Events that ended with an unexpected exception."),
    Metric("event_pauses", "Pauses of a user whose events used more than their share of time."),
    Metric("ack_failures", "Acks that could not be written after a message was stored."),
    Metric("messages_stored", "Messages written to the log."),
    Metric("messages_failed", "Messages that could not be stored because of an unexpected exception."),
    Metric("messages_rejected_queue_full", "Messages rejected because the queue of the writer was full."),
    Metric("message_batches", "Batches of messages written."),
    Metric("message_batches_rechecked", "Batches written again with checks, after the fast path failed."),
    Metric("message_batches_split", "Batches split because one of their messages could not be stored."),
    Metric("deliveries", "Entries written to sockets."),
    Metric("hints_dropped", "Hints not sent to a socket whose output queue was more than half full."),
    Metric("entries_refetched", "Entries read from the log because the bus skipped them."),
    Metric(
        "reconciler_repairs",
        "Differences between caches and database repaired, by kind.",
        "kind",
        ("session_ended", "membership_changed", "membership_ended", "membership_started"),
    ),
    Metric(
        "rooms_limited",
        "Rooms or invitations rejected by the limits per hour, by kind.",
        "kind",
        ("rooms", "invitations"),
    ),
    # Epochs
    Metric("cursors_ahead", "Cursors of clients that are ahead of the log of their room."),
    Metric("epoch_raises", "Raises of the epoch by this process, by cause.", "cause"),
    Metric("epochs_adopted", "Changes of the epoch that another process made."),
    # HTTP
    Metric("requests", "HTTP responses, by status.", "status", _STATUSES),
    Metric("request_failures", "HTTP requests that ended with an unexpected exception."),
    Metric("malformed_requests", "HTTP requests that could not be parsed."),
    Metric("slow_requests", "HTTP connections closed because the client sent or read too slowly."),
    Metric("requests_delayed", "HTTP requests delayed because their IP address exceeded its rate."),
    Metric(
        "requests_limited",
        "HTTP requests rejected by a rate limit, by limit.",
        "limit",
        (
            *("ip", "http", "upload", "public", "contact", "contact_portfolio", "accounts", "forgotten"),
            *("change_email", "new_email", "known", "idempotency", "login_backoff"),
        ),
    ),
    Metric(
        "request_bodies_abandoned",
        "Connections closed because the body of a completed request was too large to read.",
    ),
    Metric(
        "connections_refused",
        "TCP connections closed at once or before their requests, by reason.",
        "reason",
        ("open", "rate", "held", "system"),
    ),
    Metric(
        "ip_addresses_blocked", "HTTP requests and handshakes rejected by HUBBUB_ADDRESSES_ALLOW or _DENY."
    ),
    Metric("origins_refused", "Requests and handshakes of browsers refused because of their origin."),
    Metric("idempotent_responses_replayed", "Stored responses sent again for a repeated Idempotency-Key."),
    Metric("idempotent_responses_lost", "Responses that could not be stored for their Idempotency-Key."),
    Metric(
        "idempotent_responses_too_large",
        "Responses not stored for their Idempotency-Key because of their size.",
    ),
    Metric(
        "idempotent_requests_taken_over",
        "Requests with an Idempotency-Key run again after their first process died.",
    ),
    # Accounts
    Metric(
        "oauth_verification_failures",
        "OAuth logins whose response could not be verified, by provider.",
        "provider",
    ),
    Metric("oauth_provider_failures", "Requests to an OAuth provider that failed, by provider.", "provider"),
    Metric(
        "audit_failures_suppressed",
        "Failed operations not recorded because of their rate, by action.",
        "action",
    ),
    Metric("audit_failures_lost", "Failed operations that could not be recorded, by action.", "action"),
    Metric("last_seen_updates_lost", "Times of last use that were not stored."),
    # Uploads
    Metric(
        "uploads_stored",
        "Files stored for users, by kind.",
        "kind",
        ("image", "document", "avatar", "resume"),
    ),
    Metric("upload_bytes_received", "Bytes of files received from users, also of refused ones."),
    Metric("uploads_infected", "Files refused because the virus scanner found malware."),
    Metric("upload_scans_failed", "Calls of the virus scanner that failed."),
    Metric("upload_objects_missing", "Requests for a file that the storage has lost."),
    Metric("upload_objects_removed", "Stored bytes deleted because no file referred to them any more."),
    # Jobs and tasks
    Metric("notifications_created", "Notifications stored, also those that are in no inbox."),
    Metric("jobs_done", "Jobs that succeeded."),
    Metric("jobs_failed", "Runs of jobs that failed and will be repeated."),
    Metric("jobs_dead", "Jobs that failed for the last time."),
    Metric("jobs_lost", "Runs of jobs whose lease was lost or whose result was not stored; they run again."),
    Metric(
        "jobs_outcomes_retried", "Attempts to store the outcome of a job while the database was unavailable."
    ),
    Metric("jobs_overdue", "Runs of jobs over their time limit that could not be cancelled."),
    Metric("queue_warnings", "Warnings about jobs that waited too long, by queue.", "queue"),
    Metric("schedule_runs", "Runs of schedules that were enqueued, by schedule.", "schedule"),
    Metric(
        "schedule_runs_skipped", "Runs skipped because the last one had not ended, by schedule.", "schedule"
    ),
    Metric("task_failures", "Background tasks that ended with an unexpected exception."),
    Metric("loop_failures", "Steps of periodic tasks that failed."),
    # Database
    Metric("database_statements", "SQL statements run."),
    Metric("database_errors", "Errors and delays that started a check of the database."),
    Metric(
        "database_connections_dropped",
        "Connections to PostgreSQL closed because they could not be used any more.",
    ),
    Metric("registration_failures", "Failed renewals of the row of this process in the table processes."),
    # Bus, presence, rate limits
    Metric("bus_signals_sent", "Signals published on the bus."),
    Metric("bus_signals_received", "Signals received from the bus."),
    Metric("bus_signals_dropped", "Signals not published because Redis was unavailable."),
    Metric("bus_signals_undecodable", "Signals received that could not be decoded."),
    Metric("bus_handler_failures", "Signals whose handler raised an exception."),
    Metric("bus_probes_lost", "Probes published on the bus that were not received."),
    Metric(
        "bus_subscribers_replaced",
        "Connections replaced because they received nothing of what was published.",
    ),
    Metric("bus_subscribe_timeouts", "Waits for subscriptions that ended by the time limit."),
    Metric(
        "redis_connections_lost",
        "Connections to Redis lost, by purpose.",
        "purpose",
        ("publisher", "listener"),
    ),
    Metric(
        "redis_connections_misled", "Connections replaced because they lead to another server than new ones."
    ),
    Metric("presence_failures", "Failed reads and writes of presence in Redis."),
    Metric("rate_limit_redis_failures", "Failed rate limit calls to Redis, decided in memory instead."),
    # Cache
    Metric(
        "cache_reads",
        "Reads of public responses: from memory, from memory after a check of the version, from Redis, "
        "computed, waited for another computation, not cacheable, or nothing to show.",
        "result",
        ("memory", "checked", "shared", "computed", "joined", "uncached", "absent"),
    ),
    Metric("cache_invalidations", "Tags of the cache that a write invalidated."),
    Metric("cache_evictions", "Responses removed from the cache of this instance for their size."),
    Metric("cache_store_failures", "Failed reads and writes of cached responses in Redis."),
)

GAUGES = (
    Metric("connections", "Sockets in the namespace /chat."),
    Metric("connects_waiting", "CONNECT packets in the queue."),
    Metric("database_up", "1 if the database accepts writes, else 0."),
    Metric("redis_up", "1 if this instance is connected to Redis and subscribed, else 0."),
    Metric("rate_limits_shared", "1 if rate limits are shared by Redis, 0 while this process counts alone."),
    Metric("cache_bytes", "Size of the cached responses of this instance, in bytes."),
    Metric("cache_entries", "Cached responses of this instance."),
    Metric("cache_hit_ratio", "Share of the cacheable reads since the start that computed nothing."),
    Metric("start_seconds", "Duration of the start, in seconds."),
)

counters: Counter[str] = Counter({metric.name: 0 for metric in COUNTERS if not metric.label})
labelled: dict[str, Counter[str]] = {
    metric.name: Counter(dict.fromkeys(metric.values, 0)) for metric in COUNTERS if metric.label
}
gauges: dict[str, Callable[[], float]] = {metric.name: lambda: 0.0 for metric in GAUGES}


def count(name: str, label: str = "", by: int = 1) -> None:
    """Add to a counter. Labels come from closed sets only, never from users."""
    if label:
        labelled[name][label] += by
    else:
        counters[name] += by


def declare(name: str, values: Iterable[str]) -> None:
    """Start the series of these values of a label with 0. Safe to call twice."""
    for value in values:
        labelled[name][value] += 0


def gauge(name: str, read: Callable[[], float]) -> None:
    """Set the function whose value is read at each scrape."""
    gauges[name] = read
