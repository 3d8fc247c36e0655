"""Verdicts of samples, and the table of attacks."""

import pytest

from bench.attacks.figures import KINDS, Result, Round, table
from bench.attacks.script import Target
from bench.attacks.table import ATTACKS, DEFAULT_ATTACKS, SINGLE_ATTACKS

TARGET = Target(
    port=1,
    source_ip="127.0.0.66",
    message_ids=["m1", "m2"],
    user_ids=[f"u{number}" for number in range(100)],
    room_ids=["r1", "r2"],
)


def measured(took_s, *, idle=100.0, after=100.0, late=(), **wrong):
    samples = {kind: [(number / 100, took_s) for number in range(2000)] for kind in KINDS}
    samples["ack"] += list(late)
    return Round(samples, wrong, {}, 0.0, 20.0, idle, max(idle, after), after)


def result(*during, quiet_s=0.004):
    return Result("name", "sqlite", [measured(quiet_s) for _ in during], list(during))


@pytest.mark.parametrize(
    ("during", "said"),
    [
        (measured(0.023), []),
        (measured(0.025), [f"{kind} p99 25 ms > 24 ms" for kind in KINDS]),
        (measured(0.004, after=170.0), ["memory +70 MiB > 64 MiB"]),
        (measured(0.004, disconnected=2), ["disconnected: 6"]),
    ],
)
def test_a_bound_is_broken_by_latency_memory_or_errors(during, said):
    assert result(during, during, during).violations() == said


def test_the_median_of_the_rounds_and_the_larger_bound_count():
    assert result(measured(0.005), measured(9.0), measured(0.005)).violations() == []
    assert result(measured(0.29), quiet_s=0.1).violations() == []
    assert len(result(measured(0.31), quiet_s=0.1).violations()) == len(KINDS)


def test_recovery_counts_from_the_end_of_the_attack():
    assert result(measured(0.004, late=[(19.0, 3.5)])).recovery_s == pytest.approx(2.5)
    assert result(measured(0.004)).recovery_s == 0.0


def test_a_row_of_the_table_has_a_cell_for_each_column():
    head, rule, row = table([result(measured(0.005))])

    assert head.count("|") == rule.count("|") == row.count("|")


def test_attack_names_are_unique_and_the_default_attacks_exist():
    assert len(SINGLE_ATTACKS) + 1 == len(ATTACKS)
    assert set(DEFAULT_ATTACKS) <= set(ATTACKS)


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_has_a_first_step(name):
    script = ATTACKS[name].script(TARGET)

    assert next(script.steps(1)) is not None
    assert ATTACKS[name].description
