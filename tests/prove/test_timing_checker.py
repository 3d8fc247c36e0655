"""Delivery times of messages, and the faults during them."""

import pytest

from hubbub.prove import timing_checker
from hubbub.prove.journal import Acked, EntryReceived, Evidence, Fault, Journal, Rejected, Sent


def fault(began, ended, healed=None, name="kill"):
    return Fault(name, "instance 0", began, ended, healed)


def evidence():
    """Ada sends c1 at 1, acknowledged at 1.5, and c2 at 10, refused, again at 12. Bob receives both."""
    ada, bob = Journal("ada", "user-a"), Journal("bob", "user-b")
    ada.events += [
        Sent(1.0, 1, "room-1", "c1", "one"),
        Acked(1.5, 1, "c1", "m1", "room-1", 1, "one"),
        Sent(10.0, 1, "room-1", "c2", "two"),
        Rejected(11.0, 1, "c2", "unavailable"),
        Sent(12.0, 1, "room-1", "c2", "two"),
        Acked(12.5, 1, "c2", "m2", "room-1", 2, "two"),
    ]
    bob.events += [
        EntryReceived(1.75, 1, "room-1", 1, "message:new", "{}", "c1"),
        EntryReceived(12.75, 1, "room-1", 2, "message:new", "{}", "c2"),
    ]
    return Evidence([ada, bob])


def test_the_ack_time_starts_at_the_first_send():
    assert timing_checker.message_timings(evidence()).acks == [(1.0, 0.5), (10.0, 2.5)]


def test_delivery_times_count_messages_sent_once():
    assert timing_checker.message_timings(evidence()).delivery == [(1.0, 0.75)]


@pytest.mark.parametrize(
    ("faults", "acks"),
    [
        ([], []),
        ([fault(0.0, 0.5)], []),
        ([fault(0.0, 0.5, 1.2)], [(1.0, 0.5)]),
        ([fault(1.4, 1.45)], [(1.0, 0.5)]),
        ([fault(1.6, 9.0)], []),
        ([fault(11.0, 11.5)], [(10.0, 2.5)]),
        ([fault(0.0, 20.0), fault(3.0, 4.0)], [(1.0, 0.5), (10.0, 2.5)]),
        ([fault(12.0, 14.0), fault(0.0, 1.0)], [(1.0, 0.5), (10.0, 2.5)]),
    ],
)
def test_messages_in_flight_during_a_fault_count_for_it(faults, acks):
    times = timing_checker.message_timings(evidence())

    assert times.during(faults).acks == acks
    assert times.during(faults, inside=False).acks == [each for each in times.acks if each not in acks]


def test_percentiles_are_measured_values():
    values = [float(number) for number in range(1, 101)]

    assert timing_checker.percentile(values, 0.5) == 50.0
    assert timing_checker.percentile(values, 0.99) == 99.0
    assert timing_checker.percentile(values, 1.0) == 100.0
    assert timing_checker.percentile([7.0], 0.99) == 7.0


def test_a_single_value_is_reported_as_one():
    assert timing_checker.summarize([0.25]) == "250 ms"
    assert timing_checker.summarize([0.1, 0.3]) == "p50 100 ms, p99 300 ms, max 300 ms of 2"
