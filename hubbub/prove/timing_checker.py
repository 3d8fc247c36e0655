"""Checks the guarantees about time: delivery without Redis, revocation, failover, and others."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from hubbub.prove.journal import (
    Acked,
    Disconnected,
    EntryReceived,
    Evidence,
    Fault,
    Journal,
    Probe,
    ReadyReceived,
    Sent,
    events_of,
)
from hubbub.prove.verdict import Verdict

MAX_DELIVERY_DELAY_S = 1.0  # after the ack, without Redis
MAX_OFFLINE_DELAY_S = 30.0
MAX_REVOCATION_DELAY_S = 1.0
MAX_FAILOVER_S = 10.0  # after a new primary accepts writes
MAX_P99_DELAY_S = 1.0  # p99 of the other clients, next to one that does not read
SERVER_CLOSE_REASONS = frozenset({"lost", "closing"})  # of connections that the server ended

# The guarantee that a fault without recovery violates.
GUARANTEE_BY_FAULT = {
    "redis-down": "G5",
    "redis-flush": "G5",
    "redis-drop": "G5",
    "redis-pause": "G5",
    "database-restart": "G6",
    "database-pause": "G6",
    "database-cut": "G6",
    "rolling": "G9",
    "slow": "G7",
    "remove": "G10",
    "revoke": "G10",
    "move": "G14",
    "twins": "G4",
    "failover": "G13",
}


class TimeLimit(NamedTuple):
    """A time limit that probes test."""

    guarantee: str
    probe: str
    max_s: float  # without the slack of the run
    violation: str  # its name
    label: str  # of the durations in the report


TIME_LIMITS = (
    TimeLimit(
        guarantee="G10",
        probe="remove",
        max_s=MAX_REVOCATION_DELAY_S,
        violation="removed member still served",
        label="sends of removed members accepted for",
    ),
    TimeLimit(
        guarantee="G10",
        probe="revoke",
        max_s=MAX_REVOCATION_DELAY_S,
        violation="revoked session still served",
        label="sends of ended sessions accepted for",
    ),
    TimeLimit("G13", "failover", MAX_FAILOVER_S, "interrupted", "acks resumed after"),
    TimeLimit("G8", "presence", MAX_OFFLINE_DELAY_S, "presence ghost", "all of them reported offline after"),
)


def check(evidence: Evidence, verdicts: dict[str, Verdict]) -> None:
    """Check faults and probes."""
    for fault in evidence.faults:
        _check_fault(fault, verdicts[GUARANTEE_BY_FAULT.get(fault.name, "G1")])
    _check_redis(evidence, verdicts["G5"])
    _check_database(evidence, verdicts["G6"])
    _check_rolling_restarts(evidence, verdicts["G9"])
    _check_slow_clients(evidence, verdicts["G7"])
    for limit in TIME_LIMITS:
        found = [each for each in evidence.probes if each.name == limit.probe]
        verdict = verdicts[limit.guarantee]
        _check_limit(found, limit.max_s + evidence.slack, limit.violation, verdict)
        durations = [each.duration_s for each in found if each.duration_s is not None]
        if durations:
            verdict.figures.append(f"{limit.label} {summarize(durations)}")


def _check_fault(fault: Fault, verdict: Verdict) -> None:
    where = f"{fault.name} of {fault.target} at {fault.started_at:.1f} s"
    if fault.recovered_at is None:
        verdict.add_violation("not healed", f"no ack after {where}")
    if fault.error:
        verdict.add_violation("fault failed", f"{where}: {fault.error}")


def _check_limit(probes: Sequence[Probe], limit: float, kind: str, verdict: Verdict) -> None:
    verdict.tried += len(probes)
    for probe in probes:
        if probe.duration_s is None or probe.duration_s > limit:
            when = "not within the test" if probe.duration_s is None else f"after {probe.duration_s:.1f} s"
            verdict.add_violation(kind, f"{probe.detail} at {probe.started_at:.1f} s: {when}")


def _check_redis(evidence: Evidence, verdict: Verdict) -> None:
    faults = [fault for fault in evidence.faults if GUARANTEE_BY_FAULT.get(fault.name) == "G5"]
    verdict.tried += len(faults)
    delays: list[float] = []
    for fault in _without_overlap(faults, evidence.faults):
        for journal, entry, delay in _deliveries(evidence, fault.started_at, fault.ended_at):
            delays.append(delay)
            if delay > MAX_DELIVERY_DELAY_S + evidence.slack:
                detail = (
                    f"{journal.name} received {entry.seq} of room {entry.room_id} {delay:.1f} s after its ack"
                )
                verdict.add_violation("late", f"{detail}, {fault.name} at {fault.started_at:.1f} s")
    if delays:
        verdict.figures.append(f"entries after their ack {summarize(delays)}")
    _add_recovery_figure(faults, verdict)


def _check_database(evidence: Evidence, verdict: Verdict) -> None:
    faults = [fault for fault in evidence.faults if GUARANTEE_BY_FAULT.get(fault.name) == "G6"]
    _add_recovery_figure(faults, verdict)
    for fault in _without_overlap(faults, evidence.faults):
        for journal, event in events_of(evidence.journals, Disconnected):
            if event.why in SERVER_CLOSE_REASONS and _during(event.at, fault):
                detail = f"{journal.name} at {event.at:.1f} s, during a database outage"
                verdict.add_violation("connection lost", detail)


def _check_rolling_restarts(evidence: Evidence, verdict: Verdict) -> None:
    faults = [fault for fault in evidence.faults if fault.name == "rolling"]
    verdict.tried += len(faults)
    if faults:
        took = [fault.ended_at - fault.started_at for fault in faults]
        verdict.figures.append(f"a rolling restart {summarize(took)}")
        delays = [
            took for each in faults for _, _, took in _deliveries(evidence, each.started_at, each.ended_at)
        ]
        if delays:
            verdict.figures.append(f"entries after their ack meanwhile {summarize(delays)}")


def _check_slow_clients(evidence: Evidence, verdict: Verdict) -> None:
    probes = [probe for probe in evidence.probes if probe.name == "slow"]
    _check_limit(probes, float("inf"), "slow client kept", verdict)
    other_delays: list[float] = []
    for fault in _without_overlap([each for each in evidence.faults if each.name == "slow"], evidence.faults):
        delays = [took for _, _, took in _deliveries(evidence, fault.started_at, fault.ended_at)]
        other_delays += delays
        if delays and percentile(delays, 0.99) > MAX_P99_DELAY_S + evidence.slack:
            verdict.add_violation("others slowed", f"at {fault.started_at:.1f} s: {summarize(delays)}")
    if other_delays:
        verdict.figures.append(f"entries of the others after their ack {summarize(other_delays)}")
    if memory_growths := sorted(probe.memory_growth_mib for probe in probes):
        verdict.figures.append(
            f"memory of its instance meanwhile {memory_growths[0]:+.0f} to {memory_growths[-1]:+.0f} MiB"
        )


def _add_recovery_figure(faults: Sequence[Fault], verdict: Verdict) -> None:
    durations = [fault.recovered_at - fault.ended_at for fault in faults if fault.recovered_at is not None]
    if durations:
        verdict.figures.append(f"acks again {summarize(durations)} after its end")


def _without_overlap(faults: Sequence[Fault], others: Sequence[Fault]) -> list[Fault]:
    """Return the faults that no other fault overlaps, so that the effects are theirs."""
    return [
        fault
        for fault in faults
        if not any(
            other is not fault
            and other.started_at < (fault.recovered_at or fault.ended_at)
            and (other.recovered_at or other.ended_at) > fault.started_at
            for other in others
        )
    ]


def _during(at: float, fault: Fault) -> bool:
    return fault.started_at <= at <= (fault.recovered_at or fault.ended_at)


def _deliveries(
    evidence: Evidence, since_s: float, until_s: float
) -> Iterator[tuple[Journal, EntryReceived, float]]:
    """Yield the entries acknowledged in this time that arrived as events, with the delay after the ack."""
    acks = (each for _, each in events_of(evidence.journals, Acked) if since_s <= each.at <= until_s)
    acked_at = _first_times(acks)
    for journal in evidence.journals:
        connected_at = 0.0
        for event in journal.events:
            if isinstance(event, ReadyReceived):
                connected_at = event.at
            elif isinstance(event, EntryReceived) and connected_at < acked_at.get(event.client_id, 0.0):
                yield journal, event, max(0.0, event.at - acked_at[event.client_id])


def _first_times(events: Iterable[Sent | Acked]) -> dict[str, float]:
    """Return the time of the first event of each message, by client_id."""
    times: dict[str, float] = {}
    for event in events:
        times[event.client_id] = min(event.at, times.get(event.client_id, event.at))
    return times


@dataclass(frozen=True)
class Timings:
    """Durations of messages, each as (time of the first send, seconds)."""

    acks: list[tuple[float, float]]  # of all messages
    delivery: list[tuple[float, float]]  # to each client that received it as an event, if it was sent once

    def during(self, faults: Sequence[Fault], *, inside: bool = True) -> "Timings":
        """Return the durations that overlap one of these faults, or with `inside=False` all others."""
        spans: list[tuple[float, float]] = []
        for started_at, ended in sorted(
            (fault.started_at, fault.recovered_at or fault.ended_at) for fault in faults
        ):
            spans.append((started_at, max(ended, spans[-1][1] if spans else ended)))
        ends = [ended for _, ended in spans]

        def filtered(times: list[tuple[float, float]]) -> list[tuple[float, float]]:
            return [(sent, took) for sent, took in times if inside is overlaps(sent, took)]

        def overlaps(sent: float, took: float) -> bool:
            index = bisect_left(ends, sent)  # the first fault that had not ended by then
            return index < len(spans) and spans[index][0] <= sent + took

        return Timings(filtered(self.acks), filtered(self.delivery))


def message_timings(evidence: Evidence) -> Timings:
    """Return the durations from the first send of each message."""
    sends = [event for _, event in events_of(evidence.journals, Sent)]
    sent, send_counts = _first_times(sends), Counter(event.client_id for event in sends)
    acked = _first_times(event for _, event in events_of(evidence.journals, Acked))
    delivery = [
        (sent[event.client_id], event.at - sent[event.client_id])
        for _, event in events_of(evidence.journals, EntryReceived)
        if send_counts[event.client_id] == 1
    ]
    return Timings([(sent[each], at - sent[each]) for each, at in acked.items() if each in sent], delivery)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def summarize(values: Sequence[float]) -> str:
    """Return `p50 3 ms, p99 20 ms, max 80 ms of 400`; for one value, only that."""
    if len(values) == 1:
        return f"{values[0] * 1000:.0f} ms"
    percentiles = ", ".join(
        f"{name} {percentile(values, share) * 1000:.0f} ms"
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    )
    return f"{percentiles} of {len(values)}"
