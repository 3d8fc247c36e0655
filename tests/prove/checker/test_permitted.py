"""What the guarantees permit is no violation, though it may look like one."""

import pytest
from msgspec.structs import replace as altered

from hubbub.prove import checker
from hubbub.prove.journal import (
    Acked,
    Checkpoint,
    EntryReceived,
    Evidence,
    Rejected,
    RoomAdded,
    RoomGone,
    Sent,
    SyncReceived,
)
from tests.prove.checker.anomalies import fault, late_without_redis, stored_in_another_order
from tests.prove.checker.journals import COUNT, ROOM, ada, at, bob, clean, found, moved, payload, received


def test_a_clean_history_has_no_violation():
    verdicts = checker.check(clean())

    assert all(verdict.held for verdict in verdicts.values())
    assert verdicts["G1"].tried == verdicts["G2"].tried == COUNT
    assert verdicts["G3"].tried == COUNT + 4
    assert verdicts["G5"].tried == verdicts["G10"].tried == 0


def test_an_empty_history_has_no_violation():
    assert found(Evidence()) == {}


@pytest.mark.parametrize("rooms", [[ROOM], []])
def test_a_correct_move_is_counted(rooms):
    evidence = clean()
    gone = [] if rooms else [RoomGone(10.2, 3, ROOM)]
    moved(evidence, {ROOM: 6}, *gone, rooms=rooms, ended=[] if rooms else [ROOM])

    assert found(evidence) == {}
    assert checker.check(evidence)["G14"].tried == 1


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
    stored_in_another_order(evidence)
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
    late_without_redis(evidence)
    evidence.faults.append(fault("kill", began=3.5, ended=3.6, healed=3.7))

    assert found(evidence) == {}
