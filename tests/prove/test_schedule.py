"""The schedule of faults: determined by its seed, complete, and possible."""

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


def steps(seed, faults=OWN, instances=3, count=200):
    return list(islice(schedule.generate_steps(seed, faults, instances), count))


def test_the_same_seed_gives_the_same_schedule():
    assert steps(7) == steps(7)


def test_another_seed_gives_another_schedule():
    assert steps(7) != steps(8)


def test_every_fault_occurs_before_one_is_repeated():
    timed = set(OWN) - {schedule.PRESENCE}

    assert {step.name for step in steps(1, count=len(timed))} == timed


def test_every_scheduled_fault_is_possible():
    for step in steps(3, count=1000):
        least, most = schedule.DURATION_RANGES_S[step.name]
        assert step.name in OWN
        assert least <= step.duration_s <= most
        assert schedule.DELAY_RANGE_S[0] <= step.delay_s <= schedule.DELAY_RANGE_S[1]
        assert 0 <= step.instance < 3


def test_only_wanted_faults_overlap():
    both = [step.nested for step in steps(3, ("kill", "redis-down"), count=500)]

    assert set(both) == {"", "kill"}
    assert {step.nested for step in steps(3, ("redis-down",))} == {""}


def test_no_member_is_removed_while_the_database_is_unavailable():
    meanwhile = {
        step.nested
        for step in steps(3, count=5000)
        if step.name in schedule.OWN_POSTGRES_FAULTS and step.nested
    }

    assert meanwhile == {"kill"}


@pytest.mark.parametrize("faults", [(), (schedule.PRESENCE,)])
def test_a_schedule_without_faults_is_empty(faults):
    assert steps(1, faults) == []


def test_sqlite_alone_has_no_server_faults():
    assert not set(ALONE) & schedule.SERVER_FAULTS
    assert "kill" in ALONE


def test_an_external_server_is_neither_stopped_nor_emptied():
    given = set(schedule.possible_faults([schedule.REDIS_PROXY_FAULTS, schedule.GIVEN_POSTGRES_FAULTS]))

    assert not given & (schedule.OWN_POSTGRES_FAULTS | schedule.OWN_REDIS_FAULTS | schedule.FAILOVER_FAULTS)
    assert {"database-cut", "redis-down"} <= given
