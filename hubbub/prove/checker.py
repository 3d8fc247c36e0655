"""The judge: journals and the database's rows in, a verdict for each promise out. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TypeVar

from hubbub.prove import delivery_checker, moving, timing_checker
from hubbub.prove.journal import (
    Acked,
    Caught,
    Entry,
    Evidence,
    Heard,
    Journal,
    Message,
    Refused,
    Reset,
    Rested,
    Sent,
    Stored,
)
from hubbub.prove.verdict import GUARANTEES, Verdict

UNKNOWN = frozenset({"unavailable"})  # such a no leaves open whether it was stored
Verdicts = dict[str, Verdict]
Kind = TypeVar("Kind")


def check(evidence: Evidence) -> Verdicts:
    """A verdict for each promise, by its name."""
    verdicts = {name: Verdict(name) for name in GUARANTEES}
    _acknowledged(evidence, verdicts["G1"])
    _logs(evidence.stored, verdicts["G2"])
    log = {(entry.room_id, entry.seq): entry for entry in evidence.stored.entries}
    ends = _ends(evidence.stored)
    for journal in evidence.journals:
        delivery_checker.check(journal, verdicts["G2"], verdicts["G3"], verdicts["G10"])
        moving.check(journal, verdicts["G14"])
        _same(journal, log, verdicts)
        _complete(journal, ends, verdicts["G3"])
    _in_turn(evidence, verdicts["G2"])
    _again(evidence, verdicts["G4"])
    _whole(evidence, verdicts["G6"])
    timing_checker.check(evidence, verdicts)
    return verdicts


def _acknowledged(evidence: Evidence, verdict: Verdict) -> None:
    """Every ack is of a message that is stored, as acknowledged, and in its room's log."""
    by_id = {message.id: message for message in evidence.stored.messages}
    announced = Counter(entry.message_id for entry in evidence.stored.entries if entry.event == "message:new")
    at = {(entry.room_id, entry.seq): entry.message_id for entry in evidence.stored.entries}
    senders = {message.client_id: message.sender_id for message in evidence.stored.messages}
    for journal, acked in _all(evidence.journals, Acked):
        verdict.tried += 1
        where = f"{journal.name} sent {acked.client_id}, acknowledged as {acked.room_id} {acked.seq}"
        row = by_id.get(acked.message_id)
        if row is None:
            verdict.wrong("lost" if acked.client_id not in senders else "stored as another", where)
        elif (row.client_id, row.room_id, row.seq, row.body) != (
            *(acked.client_id, acked.room_id, acked.seq, acked.body),
        ):
            verdict.wrong("stored differently", f"{where}, stored as {row}")
        elif at.get((acked.room_id, acked.seq)) != acked.message_id or announced[acked.message_id] != 1:
            verdict.wrong("stored but not in the log", where)


def _logs(stored: Stored, verdict: Verdict) -> None:
    """Each log goes 1, 2, 3, … up to what its room says, and each message has its place in it."""
    logs: dict[str, list[int]] = defaultdict(list)
    for entry in stored.entries:
        logs[entry.room_id].append(entry.seq)
    verdict.tried += len(stored.entries)
    for room_id in sorted({*logs, *stored.last_seqs}):
        seqs, last = Counter(logs[room_id]), stored.last_seqs.get(room_id, 0)
        for seq in range(1, max([last, *seqs]) + 1):
            if seqs[seq] == 0:
                verdict.wrong("seq hole", f"room {room_id} has no entry {seq}, and stands at {last}")
            elif seqs[seq] > 1:
                verdict.wrong("seq twice", f"room {room_id} has {seqs[seq]} entries {seq}")
        if seqs and max(seqs) > last:
            verdict.wrong("seq beyond the end", f"room {room_id} stands at {last}, and has {max(seqs)}")


def _ends(stored: Stored) -> dict[str, int]:
    ends: dict[str, int] = {}
    for entry in stored.entries:
        ends[entry.room_id] = max(entry.seq, ends.get(entry.room_id, 0))
    return ends


def _got(journal: Journal) -> Iterator[tuple[str, int, str, str]]:
    """Every entry that the client has, however it came: room, seq, event, payload."""
    for event in journal.events:
        if isinstance(event, Heard):
            yield event.room_id, event.seq, event.event, event.payload
        elif isinstance(event, Caught):
            for seq, name, payload in event.entries:
                yield event.room_id, seq, name, payload


def _same(journal: Journal, log: dict[tuple[str, int], Entry], verdicts: Verdicts) -> None:
    """What the client got is what is stored, so all clients agree; what `sync` gave is in order and whole."""
    for room_id, seq, event, payload in _got(journal):
        entry = log.get((room_id, seq))
        where = f"{journal.name} has room {room_id} {seq} {event}"
        if entry is None:
            verdicts["G1"].wrong("heard but not stored", f"{where} {payload[:200]}")
        elif (entry.event, entry.payload) != (event, payload):
            verdicts["G2"].wrong("diverged", f"{where} {payload[:200]}, stored is {entry.payload[:200]}")
    for caught in journal.events:
        if isinstance(caught, Reset):
            verdicts["G3"].wrong("reset", f"{journal.name} was told to drop room {caught.room_id}")
        if not isinstance(caught, Caught):
            continue
        seqs = [seq for seq, _, _ in caught.entries]
        where = f"{journal.name}, sync of room {caught.room_id} after {caught.after}: {seqs[:10]}"
        if seqs != sorted(seqs):
            verdicts["G2"].wrong("reordered", where)
        elif len(set(seqs)) < len(seqs):
            verdicts["G3"].wrong("duplicated", where)
        elif seqs and seqs != list(range(caught.after + 1, caught.after + 1 + len(seqs))):
            verdicts["G3"].wrong("gap", where)


def _complete(journal: Journal, ends: dict[str, int], verdict: Verdict) -> None:
    """In the end the client has everything; and had it, before, without asking, when all was quiet."""
    has: dict[str, set[int]] = defaultdict(set)
    for room_id, seq, _, _ in _got(journal):
        has[room_id].add(seq)
    for room_id in journal.rooms:
        missing = sorted(set(range(1, ends.get(room_id, 0) + 1)) - has[room_id])
        if missing:
            verdict.wrong("missing", f"{journal.name} never got {missing[:10]} of room {room_id}")
    for event in journal.events:
        if isinstance(event, Rested):
            for room_id, seq in event.cursors.items():
                if seq < (end := event.ends.get(room_id, 0)):
                    told = (
                        f"{journal.name} was connected, and was told {seq} of {end} entries of room {room_id}"
                    )
                    verdict.wrong("gap", told)


def _again(evidence: Evidence, verdict: Verdict) -> None:
    """One client_id, one message: in the database, and in every answer."""
    rows: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in evidence.stored.messages:
        rows[message.sender_id, message.client_id].append(message)
    for (_, client_id), found in rows.items():
        if len(found) > 1:
            verdict.wrong("stored twice", f"{client_id} as {[message.id for message in found]}")
    sent = Counter((journal.user_id, sent.client_id) for journal, sent in _all(evidence.journals, Sent))
    verdict.tried = sum(times > 1 for times in sent.values())
    answers: dict[tuple[str, str], set[tuple[str, str, int, str]]] = defaultdict(set)
    for journal, acked in _all(evidence.journals, Acked):
        said = (acked.message_id, acked.room_id, acked.seq, acked.body)
        answers[journal.user_id, acked.client_id].add(said)
    for (_, client_id), different in answers.items():
        if len(different) > 1:
            verdict.wrong("answered differently", f"{client_id} as {sorted(different)}")


def _in_turn(evidence: Evidence, verdict: Verdict) -> None:
    """What a client sends to a room over one connection is stored in the order in which it sent it."""
    times = Counter((journal.user_id, sent.client_id) for journal, sent in _all(evidence.journals, Sent))
    for journal in evidence.journals:
        acks = {event.client_id: event for event in journal.events if isinstance(event, Acked)}
        last: dict[tuple[int, str], Acked] = {}
        for event in journal.events:
            if not isinstance(event, Sent) or times[journal.user_id, event.client_id] > 1:
                continue  # what is sent again comes when it comes
            acked, before = acks.get(event.client_id), last.get((event.connection, event.room_id))
            if acked is None:
                continue
            if before is not None and acked.seq < before.seq:
                told = f"{before.client_id} before {acked.client_id}, stored as {before.seq} and {acked.seq}"
                verdict.wrong("reordered", f"{journal.name} sent to room {event.room_id} {told}")
            last[event.connection, event.room_id] = acked


def _whole(evidence: Evidence, verdict: Verdict) -> None:
    """Nothing is half stored; what was refused for good is not stored; all else was asked for."""
    stored = evidence.stored
    announced = {entry.message_id for entry in stored.entries if entry.event == "message:new"}
    sent = {(journal.user_id, sent.client_id): sent for journal, sent in _all(evidence.journals, Sent)}
    acked = {(journal.user_id, acked.client_id) for journal, acked in _all(evidence.journals, Acked)}
    rows = {(message.sender_id, message.client_id): message for message in stored.messages}
    for key, message in rows.items():
        if message.id not in announced:
            verdict.wrong("half stored", f"message {message.id} has no entry")
        if key not in sent:
            verdict.wrong("stored but never sent", f"message {message.id}")
        elif (sent[key].room_id, sent[key].body) != (message.room_id, message.body):
            verdict.wrong("stored differently", f"sent {sent[key]}, stored {message}")
    ids = {message.id for message in stored.messages}
    for entry in stored.entries:
        if entry.event == "message:new" and entry.message_id not in ids:
            verdict.wrong("half stored", f"entry {entry.seq} of room {entry.room_id} has no message")
    for key, codes in _refusals(evidence).items():
        if codes & UNKNOWN:
            verdict.tried += 1
        elif key in rows and key not in acked and "lost" not in codes:
            verdict.wrong("stored though refused", f"{key[1]}, refused as {sorted(codes)}")


def _refusals(evidence: Evidence) -> dict[tuple[str, str], set[str]]:
    """The codes of each message that was refused every time it was sent; `lost` where no answer came."""
    tries = Counter((journal.user_id, sent.client_id) for journal, sent in _all(evidence.journals, Sent))
    refused: dict[tuple[str, str], list[str]] = defaultdict(list)
    for journal, refusal in _all(evidence.journals, Refused):
        refused[journal.user_id, refusal.client_id].append(refusal.code)
    return {key: {*codes, *(["lost"] if tries[key] > len(codes) else [])} for key, codes in refused.items()}


def _all(journals: list[Journal], kind: type[Kind]) -> Iterator[tuple[Journal, Kind]]:
    for journal in journals:
        for event in journal.events:
            if isinstance(event, kind):
                yield journal, event
