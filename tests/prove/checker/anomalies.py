"""Anomalies, each planted into the journals of a run, with the name of its violation."""

from dataclasses import replace

from msgspec.structs import replace as altered

from hubbub.prove.journal import (
    Acked,
    Checkpoint,
    EntryReceived,
    Evidence,
    Fault,
    Message,
    Probe,
    Rejected,
    RoomGone,
    RoomReset,
    Sent,
    SyncReceived,
)
from tests.prove.checker.journals import COUNT, ROOM, ada, at, bob, moved, payload, received


def _lost(evidence: Evidence) -> None:
    del evidence.stored.messages[2]
    evidence.stored.entries[2] = replace(evidence.stored.entries[2], message_id="")


def _lost_at_the_end(evidence: Evidence) -> None:
    """The database forgot the tail: a commit that was not one."""
    evidence.stored.messages.pop()
    evidence.stored.entries.pop()
    evidence.stored.last_seqs[ROOM] = COUNT - 1


def _stored_differently(evidence: Evidence) -> None:
    evidence.stored.messages[1] = replace(evidence.stored.messages[1], body="another body")


def _not_in_the_log(evidence: Evidence) -> None:
    evidence.stored.entries[3] = replace(evidence.stored.entries[3], message_id="m99")


def _gap(evidence: Evidence) -> None:
    evidence.stored.entries[1] = replace(evidence.stored.entries[1], seq=77)
    evidence.stored.last_seqs[ROOM] = 77


def _behind(evidence: Evidence) -> None:
    evidence.stored.last_seqs[ROOM] = COUNT - 1


def _twice_in_the_log(evidence: Evidence) -> None:
    evidence.stored.entries.append(replace(evidence.stored.entries[3], message_id=""))


def _stored_twice(evidence: Evidence) -> None:
    evidence.stored.messages.append(replace(evidence.stored.messages[0], id="m1-again", seq=COUNT + 1))


def _answered_differently(evidence: Evidence) -> None:
    """The same client_id, sent again, is acknowledged as another message."""
    ada(evidence).append(Sent(8.0, 1, ROOM, "c1", "body 1"))
    ada(evidence).append(Acked(8.1, 1, "c1", "m2", ROOM, 2, "body 2"))


def _diverged(evidence: Evidence) -> None:
    index = at(bob(evidence), EntryReceived, 3)
    bob(evidence)[index] = altered(bob(evidence)[index], payload='{"seq":3,"body":"of another history"}')


def _diverged_by_sync(evidence: Evidence) -> None:
    index = next(i for i, each in enumerate(bob(evidence)) if isinstance(each, SyncReceived))
    bob(evidence)[index].entries[0] = (5, "message:new", "{}")


def _phantom(evidence: Evidence) -> None:
    bob(evidence).insert(at(bob(evidence), EntryReceived, 4) + 1, received(99))


def _received_twice(evidence: Evidence) -> None:
    bob(evidence).insert(at(bob(evidence), EntryReceived, 4) + 1, received(4))


def _swapped(evidence: Evidence) -> None:
    """3 before 2: the late one is out of order, the early one left a gap."""
    events = bob(evidence)
    one, other = at(events, EntryReceived, 2), at(events, EntryReceived, 3)
    events[one], events[other] = events[other], events[one]


def stored_in_another_order(evidence: Evidence) -> None:
    """Ada sends 3 before 2, on one connection, and they are stored as 2 and 3."""
    events, one, other = ada(evidence), at(ada(evidence), Sent, 2), at(ada(evidence), Sent, 3)
    events[one], events[other] = events[other], events[one]


def _skipped_and_fetched(evidence: Evidence) -> None:
    """A connected client misses an entry and fetches it itself: complete, but not as guaranteed."""
    index = at(bob(evidence), EntryReceived, 3)
    bob(evidence)[index] = SyncReceived(3.9, 1, ROOM, 2, [(3, "message:new", payload(3))])


def _skipped_the_first(evidence: Evidence) -> None:
    index = at(bob(evidence), EntryReceived, 1)
    bob(evidence)[index] = SyncReceived(1.9, 1, ROOM, 0, [(1, "message:new", payload(1))])


def _never(evidence: Evidence) -> None:
    index = next(i for i, each in enumerate(bob(evidence)) if isinstance(each, SyncReceived))
    bob(evidence)[index].entries.pop()


def _sync_with_a_gap(evidence: Evidence) -> None:
    index = next(i for i, each in enumerate(bob(evidence)) if isinstance(each, SyncReceived))
    bob(evidence)[index].entries.pop(0)
    bob(evidence).append(SyncReceived(8.0, 2, ROOM, 4, [(5, "message:new", payload(5))]))


def _sync_out_of_order(evidence: Evidence) -> None:
    index = next(i for i, each in enumerate(bob(evidence)) if isinstance(each, SyncReceived))
    bob(evidence)[index].entries.reverse()


def _sync_twice_the_same(evidence: Evidence) -> None:
    index = next(i for i, each in enumerate(bob(evidence)) if isinstance(each, SyncReceived))
    bob(evidence)[index].entries.append(bob(evidence)[index].entries[-1])


def _ordered_to_drop(evidence: Evidence) -> None:
    bob(evidence).append(RoomReset(8.0, 2, ROOM))


def _the_tail_never_came(evidence: Evidence) -> None:
    """The system is quiet, the client is connected, and the last entry is missing."""
    bob(evidence)[-1] = Checkpoint(9.0, 2, {ROOM: COUNT - 1}, {ROOM: COUNT})


def _after_leaving(evidence: Evidence) -> None:
    index = at(bob(evidence), EntryReceived, 3)
    bob(evidence)[index] = altered(bob(evidence)[index], own="left")


def _after_gone(evidence: Evidence) -> None:
    bob(evidence).insert(at(bob(evidence), EntryReceived, 4), RoomGone(4.1, 1, ROOM))


def _half_stored(evidence: Evidence) -> None:
    evidence.stored.messages.append(Message("user-a", "c7", "m7", ROOM, 7, "body 7"))
    ada(evidence).append(Sent(8.0, 1, ROOM, "c7", "body 7"))


def _stored_though_refused(evidence: Evidence) -> None:
    ada(evidence)[at(ada(evidence), Acked, COUNT)] = Rejected(6.2, 1, f"c{COUNT}", "forbidden")


def _never_sent(evidence: Evidence) -> None:
    evidence.stored.messages[-1] = replace(evidence.stored.messages[-1], client_id="c-unheard-of")
    del ada(evidence)[at(ada(evidence), Acked, COUNT)]


def fault(
    name: str, began: float = 3.0, ended: float = 4.0, healed: float | None = 4.1, trouble: str = ""
) -> Fault:
    return Fault(name, "instance 1", began, ended, healed, trouble)


def late_without_redis(evidence: Evidence) -> None:
    evidence.faults.append(fault("redis-down"))
    index = at(bob(evidence), EntryReceived, 3)
    bob(evidence)[index] = altered(bob(evidence)[index], at=3.2 + 1.0 + 0.5 + 0.1)
    bob(evidence)[index + 1] = altered(bob(evidence)[index + 1], at=4.9)
    bob(evidence)[index + 2] = altered(bob(evidence)[index + 2], at=4.95)


def _no_ack_any_more(evidence: Evidence) -> None:
    evidence.faults.append(fault("redis-flush", healed=None))


def _database_took_connections_along(evidence: Evidence) -> None:
    evidence.faults.append(fault("database-restart", began=4.3, ended=4.6, healed=4.7))


def _exit_code(evidence: Evidence) -> None:
    evidence.faults.append(fault("rolling", trouble="exit code -9"))


def _kill_without_recovery(evidence: Evidence) -> None:
    evidence.faults.append(fault("kill", healed=None))


def _still_served(evidence: Evidence) -> None:
    evidence.probes.append(Probe("revoke", 3.0, 1.6, "zoe"))


def _served_for_ever(evidence: Evidence) -> None:
    evidence.probes.append(Probe("remove", 3.0, None, "zoe"))


def _interrupted(evidence: Evidence) -> None:
    evidence.probes.append(Probe("failover", 3.0, 10.1 + evidence.slack, "PostgreSQL"))


def _never_resumed(evidence: Evidence) -> None:
    evidence.faults.append(Fault("failover", "all", 3.0, 4.0, None))


def _ghost(evidence: Evidence) -> None:
    evidence.probes.append(Probe("presence", 3.0, 31.0, "zoe"))


def _slow_one_kept(evidence: Evidence) -> None:
    evidence.probes.append(Probe("slow", 3.0, None))


def _others_slowed(evidence: Evidence) -> None:
    evidence.faults.append(fault("slow", began=2.0, ended=4.0))
    index = at(bob(evidence), EntryReceived, 3)
    bob(evidence)[index] = altered(bob(evidence)[index], at=3.2 + 2.0)


def _false_room_gone(evidence: Evidence) -> None:
    moved(evidence, {ROOM: 6}, RoomGone(10.2, 3, ROOM), rooms=[ROOM])


def _room_missing_in_ready(evidence: Evidence) -> None:
    moved(evidence, {}, rooms=[ROOM])


def _ended_room_kept(evidence: Evidence) -> None:
    moved(evidence, {ROOM: 6}, ended=[ROOM])


def _repeated_after_a_move(evidence: Evidence) -> None:
    moved(evidence, {ROOM: 6}, received(6, at=10.3, connection=3), rooms=[ROOM])


PLANTED = {
    _lost: {("G1", "lost"), ("G6", "half stored")},
    _lost_at_the_end: {("G1", "lost"), ("G1", "received but not stored")},
    _stored_differently: {("G1", "stored differently"), ("G6", "stored differently")},
    _not_in_the_log: {("G1", "stored but not in the log"), ("G6", "half stored")},
    _gap: {
        ("G2", "seq gap"),
        ("G1", "stored but not in the log"),
        ("G1", "received but not stored"),
        ("G3", "missing"),
    },
    _behind: {("G2", "seq beyond the end")},
    _twice_in_the_log: {("G2", "seq twice"), ("G6", "half stored"), ("G1", "stored but not in the log")},
    _stored_twice: {("G4", "stored twice"), ("G6", "half stored")},
    _answered_differently: {("G4", "acknowledged differently"), ("G1", "stored differently")},
    _diverged: {("G2", "diverged")},
    _diverged_by_sync: {("G2", "diverged")},
    _phantom: {("G1", "received but not stored"), ("G3", "gap")},
    _received_twice: {("G3", "duplicated")},
    _swapped: {("G2", "reordered"), ("G3", "gap")},
    stored_in_another_order: {("G2", "reordered")},
    _skipped_and_fetched: {("G3", "gap")},
    _skipped_the_first: {("G3", "gap")},
    _never: {("G3", "missing")},
    _sync_with_a_gap: {("G3", "gap")},
    _sync_out_of_order: {("G2", "reordered")},
    _sync_twice_the_same: {("G3", "duplicated")},
    _ordered_to_drop: {("G3", "reset")},
    _the_tail_never_came: {("G3", "gap")},
    _after_leaving: {("G10", "entry after member:left")},
    _after_gone: {("G10", "entry after member:left")},
    _half_stored: {("G6", "half stored")},
    _stored_though_refused: {("G6", "stored though refused")},
    _never_sent: {("G6", "stored but never sent")},
    late_without_redis: {("G5", "late")},
    _no_ack_any_more: {("G5", "not healed")},
    _database_took_connections_along: {("G6", "connection lost")},
    _exit_code: {("G9", "fault failed")},
    _kill_without_recovery: {("G1", "not healed")},
    _still_served: {("G10", "revoked session still served")},
    _served_for_ever: {("G10", "removed member still served")},
    _ghost: {("G8", "presence ghost")},
    _interrupted: {("G13", "interrupted")},
    _never_resumed: {("G13", "not healed")},
    _slow_one_kept: {("G7", "slow client kept")},
    _others_slowed: {("G7", "others slowed")},
    _false_room_gone: {("G14", "false room:gone")},
    _room_missing_in_ready: {("G14", "room missing in ready")},
    _ended_room_kept: {("G14", "ended room kept")},
    _repeated_after_a_move: {("G14", "repeated")},
}
