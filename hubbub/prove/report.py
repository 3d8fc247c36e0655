"""The report of a run: figures, a verdict for each guarantee, every violation."""

from collections import Counter
from collections.abc import Iterator

from hubbub.prove.journal import Acked, EntryReceived, Evidence, ReadyReceived, Sent, events_of
from hubbub.prove.timing_checker import Timings, message_timings, percentile
from hubbub.prove.verdict import GUARANTEES, Verdict

# For each guarantee: what was tested, and the violations that are listed even with the count 0.
CHECKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "G1": ("acks looked up in the database", ("lost", "stored differently", "received but not stored")),
    "G2": ("entries compared in all journals", ("reordered", "diverged", "seq gap", "seq twice")),
    "G3": ("entries received as events", ("gap", "duplicated", "missing")),
    "G4": ("messages sent more than once", ("stored twice", "acknowledged differently")),
    "G5": ("faults of Redis", ("late", "not healed")),
    "G6": ("messages rejected as `unavailable`", ("half stored", "stored though refused", "connection lost")),
    "G7": ("clients that stopped reading", ("slow client kept", "others slowed")),
    "G8": ("queries for all users of killed instances", ("presence ghost",)),
    "G9": ("rolling restarts", ("fault failed", "not healed")),
    "G10": (
        "removals and ended sessions",
        ("removed member still served", "revoked session still served", "entry after member:left"),
    ),
    "G13": ("failovers", ("interrupted", "not healed")),
    "G14": (
        "moves right after a change",
        ("false room:gone", "room missing in ready", "ended room kept", "repeated"),
    ),
}


def report(evidence: Evidence, verdicts: dict[str, Verdict]) -> Iterator[str]:
    """Yield the lines of the report."""
    yield from _figures(evidence)
    yield ""
    for name, guarantee in GUARANTEES.items():
        yield from _verdict(verdicts[name], guarantee)
    yield ""
    violations = sum(verdict.counts.total() for verdict in verdicts.values())
    tried = sum(verdict.tried > 0 for verdict in verdicts.values())
    broken = sum(not verdict.held for verdict in verdicts.values())
    if violations:
        yield f"{violations} VIOLATIONS of {broken} of the {tried} guarantees tested."
    else:
        yield f"No violation was found of the {tried} guarantees tested."


def _figures(evidence: Evidence) -> Iterator[str]:
    counts = Counter(type(event) for journal in evidence.journals for event in journal.events)
    sent = {event.client_id for _, event in events_of(evidence.journals, Sent)}
    acked = {event.client_id for _, event in events_of(evidence.journals, Acked)}
    stored = {message.client_id for message in evidence.stored.messages}
    yield (
        f"{len(sent)} messages in {counts[Sent]} sends: {len(acked)} acknowledged, {len(sent - acked)} not, "
        f"of which {len((sent - acked) & stored)} are stored nevertheless"
    )
    connections = f"{counts[ReadyReceived]} connections of {len(evidence.journals)} clients"
    yield f"{counts[EntryReceived]} entries received on {connections}"
    effects = ", ".join(f"{count} {what}" for what, count in sorted(evidence.effects.items()) if count)
    yield f"done: {effects or 'nothing'}"
    yield ""
    yield from _fault_table(evidence)


def _fault_table(evidence: Evidence) -> Iterator[str]:
    """Yield a table: the effect of each kind of fault on the clients."""
    yield "Milliseconds from a client's first send of a message. Delivery: only messages that were sent once."
    yield f"{'':<18}{'':>5}{'served again':>14}{'longest wait':>14}{'delivery':>12}"
    yield f"{'fault':<18}{'times':>5}{'after its end':>14}{'for an ack':>14}{'p50':>6}{'p99':>7}{'max':>7}"
    faults, all_times = evidence.faults, message_timings(evidence)
    for name in sorted({fault.name for fault in faults}):
        same_kind = [fault for fault in faults if fault.name == name]
        recovery_times = [
            fault.recovered_at - fault.ended_at for fault in same_kind if fault.recovered_at is not None
        ]
        yield _row(name, len(same_kind), _max_ms(recovery_times), all_times.during(same_kind))
    yield _row("no fault", 0, "", all_times.during(faults, inside=False))


def _row(name: str, count: int, recovery: str, timings: Timings) -> str:
    acks, delays = ([took for _, took in each] for each in (timings.acks, timings.delivery))
    percentiles = [f"{percentile(delays, share) * 1000:.0f}" if delays else "" for share in (0.5, 0.99, 1.0)]
    columns = f"{name:<18}{count or '':>5}{recovery:>14}{_max_ms(acks):>14}"
    return f"{columns}{percentiles[0]:>6}{percentiles[1]:>7}{percentiles[2]:>7}"


def _max_ms(values: list[float]) -> str:
    return f"{max(values) * 1000:.0f}" if values else ""


def _verdict(verdict: Verdict, guarantee: str) -> Iterator[str]:
    name = f"{verdict.name:<4}{guarantee:<50}"
    check, kinds = CHECKS[verdict.name]
    if not verdict.tried and verdict.held:
        yield f"{name}not tested"
        return
    yield f"{name}{'held' if verdict.held else 'VIOLATED'}"
    counts = {kind: verdict.counts[kind] for kind in (*kinds, *verdict.counts)}
    yield f"      {verdict.tried} {check}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())
    for figure in verdict.figures:
        yield f"      {figure}"
    for example in verdict.examples:
        yield f"      ! {example}"
