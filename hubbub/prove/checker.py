"""The checker: a pure function from journals and database rows to a verdict for each guarantee."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from hubbub.prove import delivery_checker, moving, timing_checker
from hubbub.prove.journal import (
    Acked,
    Checkpoint,
    Entry,
    EntryReceived,
    Evidence,
    Journal,
    Message,
    Rejected,
    RoomReset,
    Sent,
    StoredState,
    SyncReceived,
    events_of,
)
from hubbub.prove.verdict import GUARANTEES, Verdict

UNCERTAIN_CODES = frozenset({"unavailable"})  # after these it is unknown whether a message was stored
Verdicts = dict[str, Verdict]


def check(evidence: Evidence) -> Verdicts:
    """Return a verdict for each guarantee, by its name."""
    verdicts = {name: Verdict(name) for name in GUARANTEES}
    _check_acks(evidence, verdicts["G1"])
    _check_logs(evidence.stored, verdicts["G2"])
    log = {(entry.room_id, entry.seq): entry for entry in evidence.stored.entries}
    ends = _last_seqs(evidence.stored)
    for journal in evidence.journals:
        delivery_checker.check(journal, verdicts["G2"], verdicts["G3"], verdicts["G10"])
        moving.check(journal, verdicts["G14"])
        _check_content(journal, log, verdicts)
        _check_syncs(journal, verdicts)
        _check_completeness(journal, ends, verdicts["G3"])
    _check_checkpoints(evidence.journals, verdicts["G3"])
    _check_send_order(evidence, verdicts["G2"])
    _check_resends(evidence, verdicts["G4"])
    _check_atomicity(evidence, verdicts["G6"])
    timing_checker.check(evidence, verdicts)
    return verdicts


def _check_acks(evidence: Evidence, verdict: Verdict) -> None:
    """Check that each acknowledged message is stored as acknowledged, and in its room's log."""
    by_id = {message.id: message for message in evidence.stored.messages}
    entry_counts = Counter(
        entry.message_id for entry in evidence.stored.entries if entry.event == "message:new"
    )
    message_ids = {(entry.room_id, entry.seq): entry.message_id for entry in evidence.stored.entries}
    senders = {message.client_id: message.sender_id for message in evidence.stored.messages}
    for journal, acked in events_of(evidence.journals, Acked):
        verdict.tried += 1
        where = f"{journal.name} sent {acked.client_id}, acknowledged as {acked.room_id} {acked.seq}"
        row = by_id.get(acked.message_id)
        is_in_place = message_ids.get((acked.room_id, acked.seq)) == acked.message_id
        if row is None:
            verdict.add_violation("lost" if acked.client_id not in senders else "stored as another", where)
        elif _content(row) != _content(acked):
            verdict.add_violation("stored differently", f"{where}, stored as {row}")
        elif not is_in_place or entry_counts[acked.message_id] != 1:
            verdict.add_violation("stored but not in the log", where)


def _content(message: Message | Acked) -> tuple[str, str, int, str]:
    return message.client_id, message.room_id, message.seq, message.body


def _check_logs(stored: StoredState, verdict: Verdict) -> None:
    """Check that each log is 1, 2, 3, … up to its room's `last_seq`, and contains each message once."""
    logs: dict[str, list[int]] = defaultdict(list)
    for entry in stored.entries:
        logs[entry.room_id].append(entry.seq)
    verdict.tried += len(stored.entries)
    for room_id in sorted({*logs, *stored.last_seqs}):
        seqs, last = Counter(logs[room_id]), stored.last_seqs.get(room_id, 0)
        for seq in range(1, max([last, *seqs]) + 1):
            if seqs[seq] == 0:
                detail = f"room {room_id} has no entry {seq}, and its last_seq is {last}"
                verdict.add_violation("seq gap", detail)
            elif seqs[seq] > 1:
                verdict.add_violation("seq twice", f"room {room_id} has {seqs[seq]} entries {seq}")
        if seqs and max(seqs) > last:
            detail = f"the last_seq of room {room_id} is {last}, and it has {max(seqs)}"
            verdict.add_violation("seq beyond the end", detail)


def _last_seqs(stored: StoredState) -> dict[str, int]:
    last_seqs: dict[str, int] = {}
    for entry in stored.entries:
        last_seqs[entry.room_id] = max(entry.seq, last_seqs.get(entry.room_id, 0))
    return last_seqs


def _received_entries(journal: Journal) -> Iterator[tuple[str, int, str, str]]:
    """Yield each entry that the client has, from events and `sync`: room, seq, event, payload."""
    for event in journal.events:
        if isinstance(event, EntryReceived):
            yield event.room_id, event.seq, event.event, event.payload
        elif isinstance(event, SyncReceived):
            for seq, name, payload in event.entries:
                yield event.room_id, seq, name, payload


def _check_content(journal: Journal, log: dict[tuple[str, int], Entry], verdicts: Verdicts) -> None:
    """Check that the client received what is stored, so that all clients agree."""
    for room_id, seq, event, payload in _received_entries(journal):
        entry = log.get((room_id, seq))
        where = f"{journal.name} has room {room_id} {seq} {event}"
        if entry is None:
            verdicts["G1"].add_violation("received but not stored", f"{where} {payload[:200]}")
        elif (entry.event, entry.payload) != (event, payload):
            detail = f"{where} {payload[:200]}, stored is {entry.payload[:200]}"
            verdicts["G2"].add_violation("diverged", detail)


def _check_syncs(journal: Journal, verdicts: Verdicts) -> None:
    """Check that each `sync` returned what follows the client's entries, in order and without gaps."""
    for synced in journal.events:
        if isinstance(synced, RoomReset):
            verdicts["G3"].add_violation("reset", f"{journal.name} was reset in room {synced.room_id}")
        if not isinstance(synced, SyncReceived):
            continue
        seqs = [seq for seq, _, _ in synced.entries]
        where = f"{journal.name}, sync of room {synced.room_id} after {synced.after}: {seqs[:10]}"
        if seqs != sorted(seqs):
            verdicts["G2"].add_violation("reordered", where)
        elif len(set(seqs)) < len(seqs):
            verdicts["G3"].add_violation("duplicated", where)
        elif seqs and seqs != list(range(synced.after + 1, synced.after + 1 + len(seqs))):
            verdicts["G3"].add_violation("gap", where)


def _check_completeness(journal: Journal, last_seqs: dict[str, int], verdict: Verdict) -> None:
    """Check that the client has all entries at the end."""
    received: dict[str, set[int]] = defaultdict(set)
    for room_id, seq, _, _ in _received_entries(journal):
        received[room_id].add(seq)
    for room_id in journal.rooms:
        missing = sorted(set(range(1, last_seqs.get(room_id, 0) + 1)) - received[room_id])
        if missing:
            verdict.add_violation("missing", f"{journal.name} never got {missing[:10]} of room {room_id}")


def _check_checkpoints(journals: list[Journal], verdict: Verdict) -> None:
    """Check that each client had all entries at each checkpoint, without `sync`."""
    for journal, checkpoint in events_of(journals, Checkpoint):
        for room_id, seq in checkpoint.cursors.items():
            if seq < (end := checkpoint.ends.get(room_id, 0)):
                detail = (
                    f"{journal.name} was connected, and received {seq} of {end} entries of room {room_id}"
                )
                verdict.add_violation("gap", detail)


def _check_resends(evidence: Evidence, verdict: Verdict) -> None:
    """Check that one client_id has one message, in the database and in every ack."""
    rows: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in evidence.stored.messages:
        rows[message.sender_id, message.client_id].append(message)
    for (_, client_id), messages in rows.items():
        if len(messages) > 1:
            verdict.add_violation("stored twice", f"{client_id} as {[message.id for message in messages]}")
    verdict.tried = sum(times > 1 for times in _send_counts(evidence).values())
    acks: dict[tuple[str, str], set[tuple[str, str, int, str]]] = defaultdict(set)
    for journal, acked in events_of(evidence.journals, Acked):
        ack = (acked.message_id, acked.room_id, acked.seq, acked.body)
        acks[journal.user_id, acked.client_id].add(ack)
    for (_, client_id), different in acks.items():
        if len(different) > 1:
            verdict.add_violation("acknowledged differently", f"{client_id} as {sorted(different)}")


def _check_send_order(evidence: Evidence, verdict: Verdict) -> None:
    """Check that messages sent to a room over one connection are stored in the order of sending."""
    send_counts = _send_counts(evidence)
    for journal in evidence.journals:
        acks = {event.client_id: event for event in journal.events if isinstance(event, Acked)}
        last: dict[tuple[int, str], Acked] = {}
        for event in journal.events:
            if not isinstance(event, Sent) or send_counts[journal.user_id, event.client_id] > 1:
                continue  # a resent message has no place in the order
            acked, previous = acks.get(event.client_id), last.get((event.connection, event.room_id))
            if acked is None:
                continue
            if previous is not None and acked.seq < previous.seq:
                detail = (
                    f"{previous.client_id} before {acked.client_id}, stored as {previous.seq} and {acked.seq}"
                )
                verdict.add_violation("reordered", f"{journal.name} sent to room {event.room_id} {detail}")
            last[event.connection, event.room_id] = acked


def _check_atomicity(evidence: Evidence, verdict: Verdict) -> None:
    """Check that nothing is half stored, nothing that was rejected for good is stored, and all was sent."""
    stored = evidence.stored
    entry_message_ids = {entry.message_id for entry in stored.entries if entry.event == "message:new"}
    sent = {(journal.user_id, sent.client_id): sent for journal, sent in events_of(evidence.journals, Sent)}
    acked = {(journal.user_id, acked.client_id) for journal, acked in events_of(evidence.journals, Acked)}
    rows = {(message.sender_id, message.client_id): message for message in stored.messages}
    for key, message in rows.items():
        if message.id not in entry_message_ids:
            verdict.add_violation("half stored", f"message {message.id} has no entry")
        if key not in sent:
            verdict.add_violation("stored but never sent", f"message {message.id}")
        elif (sent[key].room_id, sent[key].body) != (message.room_id, message.body):
            verdict.add_violation("stored differently", f"sent {sent[key]}, stored {message}")
    message_ids = {message.id for message in stored.messages}
    for entry in stored.entries:
        if entry.event == "message:new" and entry.message_id not in message_ids:
            verdict.add_violation("half stored", f"entry {entry.seq} of room {entry.room_id} has no message")
    for key, codes in _rejections(evidence).items():
        if codes & UNCERTAIN_CODES:
            verdict.tried += 1
        elif key in rows and key not in acked and "lost" not in codes:
            verdict.add_violation("stored though refused", f"{key[1]}, refused as {sorted(codes)}")


def _rejections(evidence: Evidence) -> dict[tuple[str, str], set[str]]:
    """Return the codes of each message whose every send was rejected; `lost` for a send without an ack."""
    send_counts = _send_counts(evidence)
    codes_by_message: dict[tuple[str, str], list[str]] = defaultdict(list)
    for journal, rejected in events_of(evidence.journals, Rejected):
        codes_by_message[journal.user_id, rejected.client_id].append(rejected.code)
    return {
        key: {*codes, *(["lost"] if send_counts[key] > len(codes) else [])}
        for key, codes in codes_by_message.items()
    }


def _send_counts(evidence: Evidence) -> Counter[tuple[str, str]]:
    """Return how often each message was sent, by user and client_id."""
    sends = events_of(evidence.journals, Sent)
    return Counter((journal.user_id, sent.client_id) for journal, sent in sends)
