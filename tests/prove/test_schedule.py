"""The schedule of faults: told by its seed, whole, and possible."""

from itertools import islice

import pytest

from hubbub.prove import schedule

ALONE = schedule.possible_faults([])
OWN = schedule.possible_faults(
    [
        schedule.REDIS_PROXY_FAULTS,
        schedule.OWN_REDIS_FAULTS,
        schedule.OWN_POSTGRES_FAULTS,
        schedule.FAILOVER_FAULTS,
    ]
)


def told(seed, faults=OWN, instances=3, count=200):
    return list(islice(schedule.generate_steps(seed, faults, instances), count))


def test_the_same_seed_is_the_same_schedule():
    assert told(7) == told(7)


def test_another_seed_is_another_one():
    assert told(7) != told(8)


def test_each_fault_comes_before_any_comes_again():
    timed = set(OWN) - {schedule.PRESENCE}

    assert {step.name for step in told(1, count=len(timed))} == timed


def test_all_of_it_is_possible():
    for step in told(3, count=1000):
        least, most = schedule.DURATION_RANGES_S[step.name]
        assert step.name in OWN
        assert least <= step.duration_s <= most
        assert schedule.DELAY_RANGE_S[0] <= step.delay_s <= schedule.DELAY_RANGE_S[1]
        assert 0 <= step.instance < 3


def test_in_the_middle_of_a_fault_come_only_faults_that_are_wanted():
    both = [step.nested for step in told(3, ("kill", "redis-down"), count=500)]

    assert set(both) == {"", "kill"}
    assert {step.nested for step in told(3, ("redis-down",))} == {""}


def test_nobody_is_removed_while_the_database_is_away():
    meanwhile = {
        step.nested
        for step in told(3, count=5000)
        if step.name in schedule.OWN_POSTGRES_FAULTS and step.nested
    }

    assert meanwhile == {"kill"}


@pytest.mark.parametrize("faults", [(), (schedule.PRESENCE,)])
def test_without_faults_there_is_nothing_to_do(faults):
    assert told(1, faults) == []


def test_sqlite_alone_has_no_faults_of_servers():
    assert not set(ALONE) & schedule.SERVER_FAULTS
    assert "kill" in ALONE


def test_a_given_server_is_neither_stopped_nor_emptied():
    given = set(schedule.possible_faults([schedule.REDIS_PROXY_FAULTS, schedule.GIVEN_POSTGRES_FAULTS]))

    assert not given & (schedule.OWN_POSTGRES_FAULTS | schedule.OWN_REDIS_FAULTS | schedule.FAILOVER_FAULTS)
    assert {"database-cut", "redis-down"} <= given
