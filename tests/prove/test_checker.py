"""Each anomaly planted in a clean history is reported by its name, and no other is."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as altered

from hubbub.prove import checker
from hubbub.prove.journal import (
    Acked,
    Checkpoint,
    Disconnected,
    Entry,
    EntryReceived,
    Evidence,
    ExpectedRooms,
    Fault,
    Journal,
    Message,
    Probe,
    ReadyReceived,
    Rejected,
    RoomAdded,
    RoomGone,
    RoomReset,
    Sent,
    StoredState,
    SyncReceived,
)

ROOM = "room-1"
COUNT = 6


def payload(seq):
    return f'{{"seq":{seq}}}'


def received(seq, *, at=None, connection=1, own=""):
    return EntryReceived(
        seq + 0.3 if at is None else at, connection, ROOM, seq, "message:new", payload(seq), f"c{seq}", own
    )


def clean():
    """Ada sends messages 1 to 6. Bob receives 1 to 4, disconnects, and gets the rest by `sync`."""
    ada, bob = Journal("ada", "user-a", rooms=[ROOM]), Journal("bob", "user-b", rooms=[ROOM])
    stored = StoredState(last_seqs={ROOM: COUNT})
    ada.events.append(ReadyReceived(0.0, 1, 0, {ROOM: 0}))
    bob.events.append(ReadyReceived(0.0, 1, 1, {ROOM: 0}))
    for seq in range(1, COUNT + 1):
        ada.events.append(Sent(seq + 0.0, 1, ROOM, f"c{seq}", f"body {seq}"))
        ada.events.append(Acked(seq + 0.2, 1, f"c{seq}", f"m{seq}", ROOM, seq, f"body {seq}"))
        ada.events.append(received(seq))
        stored.messages.append(Message("user-a", f"c{seq}", f"m{seq}", ROOM, seq, f"body {seq}"))
        stored.entries.append(Entry(ROOM, seq, "message:new", payload(seq), f"m{seq}"))
    bob.events += [
        received(1),
        received(2),
        received(3),
        received(4),
        Disconnected(4.5, 1, "lost"),
        ReadyReceived(7.0, 2, 0, {ROOM: 6}),
    ]
    bob.events.append(
        SyncReceived(7.1, 2, ROOM, 4, [(5, "message:new", payload(5)), (6, "message:new", payload(6))])
    )
    for journal in (ada, bob):
        journal.events.append(Checkpoint(9.0, 2, {ROOM: COUNT}, {ROOM: COUNT}))
    return Evidence([ada, bob], stored, slack=0.5)


def found(evidence):
    return {
        (name, kind): count
        for name, verdict in checker.check(evidence).items()
        for kind, count in verdict.counts.items()
    }


def ada(evidence):
    return evidence.journals[0].events


def bob(evidence):
    return evidence.journals[1].events


def at(events, kind, seq):
    """Where the event of this kind about this entry is."""
    return next(
        index
        for index, each in enumerate(events)
        if isinstance(each, kind) and (getattr(each, "seq", None) == seq or each.client_id == f"c{seq}")
    )


def test_a_clean_history_has_no_violation():
    verdicts = checker.check(clean())

    assert all(verdict.held for verdict in verdicts.values())
    assert verdicts["G1"].tried == verdicts["G2"].tried == COUNT
    assert verdicts["G3"].tried == COUNT + 4
    assert verdicts["G5"].tried == verdicts["G10"].tried == 0


def test_an_empty_history_has_no_violation():
    assert found(Evidence()) == {}


def _lost(it):
    del it.stored.messages[2]
    it.stored.entries[2] = replace(it.stored.entries[2], message_id="")


def _lost_at_the_end(it):
    """The database forgot the tail: a commit that was not one."""
    it.stored.messages.pop()
    it.stored.entries.pop()
    it.stored.last_seqs[ROOM] = COUNT - 1


def _stored_differently(it):
    it.stored.messages[1] = replace(it.stored.messages[1], body="another body")


def _not_in_the_log(it):
    it.stored.entries[3] = replace(it.stored.entries[3], message_id="m99")


def _gap(it):
    it.stored.entries[1] = replace(it.stored.entries[1], seq=77)
    it.stored.last_seqs[ROOM] = 77


def _behind(it):
    it.stored.last_seqs[ROOM] = COUNT - 1


def _twice_in_the_log(it):
    it.stored.entries.append(replace(it.stored.entries[3], message_id=""))


def _stored_twice(it):
    it.stored.messages.append(replace(it.stored.messages[0], id="m1-again", seq=COUNT + 1))


def _answered_differently(it):
    """The same client_id, sent again, is acknowledged as another message."""
    ada(it).append(Sent(8.0, 1, ROOM, "c1", "body 1"))
    ada(it).append(Acked(8.1, 1, "c1", "m2", ROOM, 2, "body 2"))


def _diverged(it):
    index = at(bob(it), EntryReceived, 3)
    bob(it)[index] = altered(bob(it)[index], payload='{"seq":3,"body":"of another history"}')


def _diverged_by_sync(it):
    index = next(i for i, each in enumerate(bob(it)) if isinstance(each, SyncReceived))
    bob(it)[index].entries[0] = (5, "message:new", "{}")


def _phantom(it):
    bob(it).insert(at(bob(it), EntryReceived, 4) + 1, received(99))


def _received_twice(it):
    bob(it).insert(at(bob(it), EntryReceived, 4) + 1, received(4))


def _swapped(it):
    """3 before 2: the late one is out of order, the early one left a gap."""
    events, one, other = bob(it), at(bob(it), EntryReceived, 2), at(bob(it), EntryReceived, 3)
    events[one], events[other] = events[other], events[one]


def _stored_in_another_order(it):
    """Ada sends 3 before 2, on one connection, and they are stored as 2 and 3."""
    events, one, other = ada(it), at(ada(it), Sent, 2), at(ada(it), Sent, 3)
    events[one], events[other] = events[other], events[one]


def _skipped_and_fetched(it):
    """A connected client misses an entry and fetches it itself: complete, but not as guaranteed."""
    index = at(bob(it), EntryReceived, 3)
    bob(it)[index] = SyncReceived(3.9, 1, ROOM, 2, [(3, "message:new", payload(3))])


def _skipped_the_first(it):
    index = at(bob(it), EntryReceived, 1)
    bob(it)[index] = SyncReceived(1.9, 1, ROOM, 0, [(1, "message:new", payload(1))])


def _never(it):
    index = next(i for i, each in enumerate(bob(it)) if isinstance(each, SyncReceived))
    bob(it)[index].entries.pop()


def _sync_with_a_gap(it):
    index = next(i for i, each in enumerate(bob(it)) if isinstance(each, SyncReceived))
    bob(it)[index].entries.pop(0)
    bob(it).append(SyncReceived(8.0, 2, ROOM, 4, [(5, "message:new", payload(5))]))


def _sync_out_of_order(it):
    index = next(i for i, each in enumerate(bob(it)) if isinstance(each, SyncReceived))
    bob(it)[index].entries.reverse()


def _sync_twice_the_same(it):
    index = next(i for i, each in enumerate(bob(it)) if isinstance(each, SyncReceived))
    bob(it)[index].entries.append(bob(it)[index].entries[-1])


def _ordered_to_drop(it):
    bob(it).append(RoomReset(8.0, 2, ROOM))


def _the_tail_never_came(it):
    """The system is quiet, the client is connected, and the last entry is missing."""
    bob(it)[-1] = Checkpoint(9.0, 2, {ROOM: COUNT - 1}, {ROOM: COUNT})


def _after_leaving(it):
    index = at(bob(it), EntryReceived, 3)
    bob(it)[index] = altered(bob(it)[index], own="left")


def _after_gone(it):
    bob(it).insert(at(bob(it), EntryReceived, 4), RoomGone(4.1, 1, ROOM))


def _half_stored(it):
    it.stored.messages.append(Message("user-a", "c7", "m7", ROOM, 7, "body 7"))
    ada(it).append(Sent(8.0, 1, ROOM, "c7", "body 7"))


def _stored_though_refused(it):
    ada(it)[at(ada(it), Acked, COUNT)] = Rejected(6.2, 1, f"c{COUNT}", "forbidden")


def _never_sent(it):
    it.stored.messages[-1] = replace(it.stored.messages[-1], client_id="c-unheard-of")
    del ada(it)[at(ada(it), Acked, COUNT)]


def fault(name, began=3.0, ended=4.0, healed=4.1, trouble=""):
    return Fault(name, "instance 1", began, ended, healed, trouble)


def _late_without_redis(it):
    it.faults.append(fault("redis-down"))
    index = at(bob(it), EntryReceived, 3)
    bob(it)[index] = altered(bob(it)[index], at=3.2 + 1.0 + 0.5 + 0.1)
    bob(it)[index + 1] = altered(bob(it)[index + 1], at=4.9)
    bob(it)[index + 2] = altered(bob(it)[index + 2], at=4.95)


def _no_ack_any_more(it):
    it.faults.append(fault("redis-flush", healed=None))


def _database_took_connections_along(it):
    it.faults.append(fault("database-restart", began=4.3, ended=4.6, healed=4.7))


def _exit_code(it):
    it.faults.append(fault("rolling", trouble="exit code -9"))


def _kill_without_recovery(it):
    it.faults.append(fault("kill", healed=None))


def _still_served(it):
    it.probes.append(Probe("revoke", 3.0, 1.6, "zoe"))


def _served_for_ever(it):
    it.probes.append(Probe("remove", 3.0, None, "zoe"))


def _interrupted(it):
    it.probes.append(Probe("failover", 3.0, 10.1 + it.slack, "PostgreSQL"))


def _never_resumed(it):
    it.faults.append(Fault("failover", "all", 3.0, 4.0, None))


def _ghost(it):
    it.probes.append(Probe("presence", 3.0, 31.0, "zoe"))


def _slow_one_kept(it):
    it.probes.append(Probe("slow", 3.0, None))


def _others_slowed(it):
    it.faults.append(fault("slow", began=2.0, ended=4.0))
    index = at(bob(it), EntryReceived, 3)
    bob(it)[index] = altered(bob(it)[index], at=3.2 + 2.0)


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
    _stored_in_another_order: {("G2", "reordered")},
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
    _late_without_redis: {("G5", "late")},
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
}  # fmt: skip


def _moved(evidence, known, *more, rooms=(), ended=()):
    """Bob moves once more, to an instance that reports this much of the room."""
    (_, bob) = evidence.journals
    bob.events[-1:] = [
        ExpectedRooms(10.0, 3, list(rooms), list(ended)),
        ReadyReceived(10.1, 3, 1, known),
        *more,
        Checkpoint(12.0, 3, {ROOM: COUNT}, {ROOM: COUNT}),
    ]


def _false_room_gone(evidence):
    _moved(evidence, {ROOM: 6}, RoomGone(10.2, 3, ROOM), rooms=[ROOM])


def _room_missing_in_ready(evidence):
    _moved(evidence, {}, rooms=[ROOM])


def _ended_room_kept(evidence):
    _moved(evidence, {ROOM: 6}, ended=[ROOM])


def _repeated_after_a_move(evidence):
    _moved(evidence, {ROOM: 6}, received(6, at=10.3, connection=3), rooms=[ROOM])


PLANTED |= {
    _false_room_gone: {("G14", "false room:gone")},
    _room_missing_in_ready: {("G14", "room missing in ready")},
    _ended_room_kept: {("G14", "ended room kept")},
    _repeated_after_a_move: {("G14", "repeated")},
}


@pytest.mark.parametrize("rooms", [[ROOM], []])
def test_a_correct_move_is_counted(rooms):
    evidence = clean()
    gone = [] if rooms else [RoomGone(10.2, 3, ROOM)]
    _moved(evidence, {ROOM: 6}, *gone, rooms=rooms, ended=[] if rooms else [ROOM])

    assert found(evidence) == {}
    assert checker.check(evidence)["G14"].tried == 1


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_anomaly_is_reported_by_name(plant):
    evidence = clean()

    plant(evidence)

    assert set(found(evidence)) == PLANTED[plant]


# --- what is no violation, though it may look like one ---


def test_a_send_without_an_ack_may_be_stored_or_not():
    evidence = clean()
    del ada(evidence)[at(ada(evidence), Acked, 6)]
    ada(evidence).append(Sent(8.0, 1, ROOM, "c-nobody-knows", "lost on its way"))

    assert found(evidence) == {}


@pytest.mark.parametrize("kept", [True, False])
def test_an_unavailable_ack_permits_both_outcomes(kept):
    evidence = clean()
    ada(evidence)[at(ada(evidence), Acked, 6)] = Rejected(6.2, 1, "c6", "unavailable")
    if not kept:
        ada(evidence).append(Sent(8.0, 1, ROOM, "c7", "body 7"))
        ada(evidence).append(Rejected(8.1, 1, "c7", "unavailable"))

    assert found(evidence) == {}
    assert checker.check(evidence)["G6"].tried == 2 - kept


def test_a_message_stored_after_the_end_is_no_gap():
    evidence = clean()
    for journal in evidence.journals:
        journal.events[-1] = Checkpoint(5.5, 2, {ROOM: 5}, {ROOM: 5})

    assert found(evidence) == {}


def test_an_equal_ack_of_a_repeated_send_is_correct():
    evidence = clean()
    ada(evidence).append(Sent(8.0, 1, ROOM, "c1", "body 1"))
    ada(evidence).append(Acked(8.1, 1, "c1", "m1", ROOM, 1, "body 1"))

    assert found(evidence) == {}
    assert checker.check(evidence)["G4"].tried == 1


def test_an_entry_included_in_ready_is_also_delivered():
    evidence = clean()
    index = next(i for i, each in enumerate(bob(evidence)) if isinstance(each, SyncReceived))
    bob(evidence).insert(index, received(6, at=7.05, connection=2))

    assert found(evidence) == {}


def test_a_repeated_send_may_be_delivered_later():
    evidence = clean()
    _stored_in_another_order(evidence)
    ada(evidence).insert(at(ada(evidence), Sent, 3), Sent(1.9, 1, ROOM, "c3", "body 3"))

    assert found(evidence) == {}


def test_a_readmitted_member_receives_later_entries():
    evidence = clean()
    index = at(bob(evidence), EntryReceived, 2)
    bob(evidence)[index] = altered(bob(evidence)[index], own="left")
    bob(evidence)[index + 1 : index + 2] = [
        RoomGone(2.4, 1, ROOM),
        RoomAdded(3.2, 1, ROOM, 3),
        SyncReceived(3.3, 1, ROOM, 2, [(3, "message:new", payload(3))]),
    ]

    assert found(evidence) == {}


def test_delays_are_ignored_during_another_fault():
    evidence = clean()
    _late_without_redis(evidence)
    evidence.faults.append(fault("kill", began=3.5, ended=3.6, healed=3.7))

    assert found(evidence) == {}


def test_many_violations_are_all_counted_and_some_reported():
    evidence = clean()
    evidence.stored.last_seqs[ROOM] = 1000

    verdict = checker.check(evidence)["G2"]

    assert verdict.counts["seq gap"] == 1000 - COUNT
    assert len(verdict.examples) < 50
