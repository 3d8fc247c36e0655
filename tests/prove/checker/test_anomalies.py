"""Each anomaly in the journals is reported as a violation of its guarantee."""

import pytest

from hubbub.prove import checker
from tests.prove.checker.anomalies import PLANTED
from tests.prove.checker.journals import COUNT, ROOM, clean, found


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_anomaly_is_reported_by_name(plant):
    evidence = clean()

    plant(evidence)

    assert set(found(evidence)) == PLANTED[plant]


def test_many_violations_are_all_counted_and_some_reported():
    evidence = clean()
    evidence.stored.last_seqs[ROOM] = 1000

    verdict = checker.check(evidence)["G2"]

    assert verdict.counts["seq gap"] == 1000 - COUNT
    assert len(verdict.examples) < 50
