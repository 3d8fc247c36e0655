"""The promises about time: how late entries came without Redis, how long a revocation took, and so on."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from hubbub.prove.journal import Acked, Began, Ended, Evidence, Fault, Heard, Journal, Probe, Sent
from hubbub.prove.verdict import Verdict

LATE_S = 1.0  # after the ack, without Redis
OFFLINE_S = 30.0
ENDED_S = 1.0
RESUMED_S = 10.0  # after a new primary accepts writes
SLOWED_S = 1.0  # p99 of the others, beside somebody who does not read
BROKEN = frozenset({"lost", "closing"})  # connections that the server ended

# Which promise a fault is about, if it does not heal.
ABOUT = {
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


def check(evidence: Evidence, verdicts: dict[str, Verdict]) -> None:
    """Look at faults and probes."""
    for fault in evidence.faults:
        about = verdicts[ABOUT.get(fault.name, "G1")]
        if fault.healed is None:
            about.wrong("not healed", f"no ack after {fault.name} of {fault.target} at {fault.began:.1f} s")
        if fault.trouble:
            about.wrong("trouble", f"{fault.name} of {fault.target} at {fault.began:.1f} s: {fault.trouble}")
    _redis(evidence, verdicts["G5"])
    _database(evidence, verdicts["G6"])
    _rolling(evidence, verdicts["G9"])
    _slow(evidence, verdicts["G7"])
    limits = (
        ("G10", "remove", ENDED_S, "removed member still served", "sends of removed members taken for"),
        ("G10", "revoke", ENDED_S, "revoked session still served", "sends of ended sessions taken for"),
        ("G13", "failover", RESUMED_S, "interrupted", "acks came again after"),
        ("G8", "presence", OFFLINE_S, "presence ghost", "all of them shown offline after"),
    )
    for name, probe, limit, kind, told in limits:
        found = [each for each in evidence.probes if each.name == probe]
        _within(found, limit + evidence.slack, kind, verdicts[name])
        took = [each.took for each in found if each.took is not None]
        if took:
            verdicts[name].figures.append(f"{told} {spread(took)}")


def _within(probes: Sequence[Probe], limit: float, kind: str, verdict: Verdict) -> None:
    verdict.tried += len(probes)
    for probe in probes:
        if probe.took is None or probe.took > limit:
            when = "not while anybody waited" if probe.took is None else f"after {probe.took:.1f} s"
            verdict.wrong(kind, f"{probe.detail} at {probe.at:.1f} s: {when}")


def _redis(evidence: Evidence, verdict: Verdict) -> None:
    faults = [fault for fault in evidence.faults if ABOUT.get(fault.name) == "G5"]
    verdict.tried += len(faults)
    late: list[float] = []
    for fault in _alone(faults, evidence.faults):
        for journal, heard, took in _deliveries(evidence, fault.began, fault.ended):
            late.append(took)
            if took > LATE_S + evidence.slack:
                what = f"{journal.name} heard {heard.seq} of room {heard.room_id} {took:.1f} s after its ack"
                verdict.wrong("late", f"{what}, {fault.name} at {fault.began:.1f} s")
    if late:
        verdict.figures.append(f"entries after their ack {spread(late)}")
    _healing(faults, verdict)


def _database(evidence: Evidence, verdict: Verdict) -> None:
    faults = [fault for fault in evidence.faults if ABOUT.get(fault.name) == "G6"]
    _healing(faults, verdict)
    for fault in _alone(faults, evidence.faults):
        for journal in evidence.journals:
            for event in journal.events:
                if isinstance(event, Ended) and event.why in BROKEN and _during(event.at, fault):
                    verdict.wrong(
                        "connection lost", f"{journal.name} at {event.at:.1f} s, while the database was away"
                    )


def _rolling(evidence: Evidence, verdict: Verdict) -> None:
    faults = [fault for fault in evidence.faults if fault.name == "rolling"]
    verdict.tried += len(faults)
    if faults:
        took = [fault.ended - fault.began for fault in faults]
        verdict.figures.append(f"a rolling restart {spread(took)}")
        delays = [took for each in faults for _, _, took in _deliveries(evidence, each.began, each.ended)]
        if delays:
            verdict.figures.append(f"entries after their ack meanwhile {spread(delays)}")


def _slow(evidence: Evidence, verdict: Verdict) -> None:
    probes = [probe for probe in evidence.probes if probe.name == "slow"]
    _within(probes, float("inf"), "slow client kept", verdict)
    others: list[float] = []
    for fault in _alone([each for each in evidence.faults if each.name == "slow"], evidence.faults):
        delays = [took for _, _, took in _deliveries(evidence, fault.began, fault.ended)]
        others += delays
        if delays and percentile(delays, 0.99) > SLOWED_S + evidence.slack:
            verdict.wrong("others slowed", f"at {fault.began:.1f} s: {spread(delays)}")
    if others:
        verdict.figures.append(f"entries for the others after their ack {spread(others)}")
    if grown := sorted(probe.grown for probe in probes):
        verdict.figures.append(f"memory of its instance meanwhile {grown[0]:+.0f} to {grown[-1]:+.0f} MiB")


def _healing(faults: Sequence[Fault], verdict: Verdict) -> None:
    took = [fault.healed - fault.ended for fault in faults if fault.healed is not None]
    if took:
        verdict.figures.append(f"acks again {spread(took)} after its end")


def _alone(faults: Sequence[Fault], among: Sequence[Fault]) -> list[Fault]:
    """Those in whose time no other began or went on: what is seen then is their doing."""
    return [
        fault
        for fault in faults
        if not any(
            other is not fault
            and other.began < (fault.healed or fault.ended)
            and (other.healed or other.ended) > fault.began
            for other in among
        )
    ]


def _during(at: float, fault: Fault) -> bool:
    return fault.began <= at <= (fault.healed or fault.ended)


def _deliveries(evidence: Evidence, since: float, until: float) -> Iterator[tuple[Journal, Heard, float]]:
    """What was acknowledged in this time and came by itself, and how many seconds after the ack."""
    acks: dict[str, float] = {}
    for journal in evidence.journals:
        for event in journal.events:
            if isinstance(event, Acked) and since <= event.at <= until:
                acks[event.client_id] = min(event.at, acks.get(event.client_id, event.at))
    for journal in evidence.journals:
        began = 0.0
        for event in journal.events:
            if isinstance(event, Began):
                began = event.at
            elif isinstance(event, Heard) and (acked := acks.get(event.client_id)) and began < acked:
                yield journal, event, max(0.0, event.at - acked)


@dataclass(frozen=True)
class Times:
    """How long messages took, each as (when it was first sent, seconds)."""

    acks: list[tuple[float, float]]  # however often it was sent
    delivery: list[tuple[float, float]]  # to each who heard it by itself, if it was sent but once

    def meanwhile(self, faults: Sequence[Fault], *, wanted: bool = True) -> "Times":
        """Of the messages on their way while one of these faults lasted; or, not wanted, of the others."""
        spans: list[tuple[float, float]] = []
        for began, ended in sorted((fault.began, fault.healed or fault.ended) for fault in faults):
            spans.append((began, max(ended, spans[-1][1] if spans else ended)))
        ends = [ended for _, ended in spans]

        def found(times: list[tuple[float, float]]) -> list[tuple[float, float]]:
            return [(sent, took) for sent, took in times if wanted is within(sent, took)]

        def within(sent: float, took: float) -> bool:
            index = bisect_left(ends, sent)  # the first that was not over by then
            return index < len(spans) and spans[index][0] <= sent + took

        return Times(found(self.acks), found(self.delivery))


def times(evidence: Evidence) -> Times:
    """From the first send of each message."""
    sent: dict[str, float] = {}
    acked: dict[str, float] = {}
    again: set[str] = set()
    for journal in evidence.journals:
        for event in journal.events:
            if isinstance(event, Sent):
                if event.client_id in sent:
                    again.add(event.client_id)
                sent[event.client_id] = min(event.at, sent.get(event.client_id, event.at))
            elif isinstance(event, Acked):
                acked[event.client_id] = min(event.at, acked.get(event.client_id, event.at))
    heard = [
        (sent[event.client_id], event.at - sent[event.client_id])
        for journal in evidence.journals
        for event in journal.events
        if isinstance(event, Heard) and event.client_id in sent and event.client_id not in again
    ]
    return Times([(sent[each], at - sent[each]) for each, at in acked.items() if each in sent], heard)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> str:
    """`p50 3 ms, p99 20 ms, max 80 ms of 400`; of one, that."""
    if len(values) == 1:
        return f"{values[0] * 1000:.0f} ms"
    shown = ", ".join(
        f"{name} {percentile(values, share) * 1000:.0f} ms"
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    )
    return f"{shown} of {len(values)}"
