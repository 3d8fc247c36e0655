"""Ratios of measured figures, and the verdicts on them."""

import json

import pytest

from bench import compare, history, ratios
from bench.scenarios import RATE_FIGURES, SCENARIOS, Target

MORE = Target("sent_per_s", "peer", 2.0, 4.0)
LESS = Target("latency_ms.p99", "peer", 1.0, 0.5, lower_is_better=True)
ONLY_TARGET = Target("sent_per_s", "peer", None, 0.5)
ALONE = Target("sent_per_s", None, 4500, 6000)


def row(rate, p99=1.0, **other):
    return {"sent_per_s": rate, "latency_ms": {"p99": p99}, "server_cpu": 99.0, **other}


@pytest.mark.parametrize(
    ("ratio", "wanted", "said"),
    [
        (1.9, MORE, "below minimum"),
        (2.0, MORE, "minimum"),
        (4.0, MORE, "target"),
        (1.1, LESS, "below minimum"),
        (1.0, LESS, "minimum"),
        (0.5, LESS, "target"),
        (0.4, ONLY_TARGET, "below target"),
        (0.6, ONLY_TARGET, "target"),
        (None, MORE, "not run"),
    ],
)
def test_verdicts(ratio, wanted, said):
    assert ratios.verdict(ratio, wanted) == said


def test_medians_are_of_all_runs_and_of_nested_figures():
    rows = [row(3, 9.0), row(1, 7.0), row(2, 8.0)]

    assert ratios.median(rows, "sent_per_s") == 2
    assert ratios.median(rows, "latency_ms.p99") == 8.0
    assert ratios.median(rows, "no.such") == 0
    assert ratios.spread(rows, "sent_per_s") == "2 [1-3]"


def test_a_figure_is_compared_with_a_peer_or_with_its_bounds():
    results = {ratios.HUBBUB: [row(5000)], "peer": [row(2000)]}

    assert ratios.ratio_of(MORE, results) == 2.5
    assert ratios.ratio_of(ALONE, results) == 5000
    assert ratios.ratio_of(MORE, {ratios.HUBBUB: [row(1)], "peer": []}) is None


@pytest.mark.parametrize("name", ["missing", "duplicated", "reordered", "late", "failed", "disconnected"])
def test_a_run_that_loses_something_fails(name):
    results = {ratios.HUBBUB: [row(6000), row(6000, **{name: 3})]}

    assert ratios.failures(results[ratios.HUBBUB]) == [f"{name}: 3 (run 2)"]
    assert ratios.problems(SCENARIOS["P14"], results) == [f"P14 hubbub {name}: 3 (run 2)"]


def test_messages_without_an_ack_fail_a_run():
    assert ratios.failures([row(1, sent=10, acks=10)]) == []
    assert ratios.failures([row(1, sent=10)]) == []
    assert ratios.failures([row(1, sent=10, acks=8)]) == ["unacknowledged: 2 (run 1)"]


def test_a_peer_may_lose_messages_but_a_minimum_has_to_be_measured():
    scenario = SCENARIOS["P4"]
    results = {ratios.HUBBUB: [row(80)], **{peer: [row(10, reordered=9)] for peer in scenario.peers}}

    assert ratios.problems(scenario, results) == []
    results[scenario.peers[0]] = []
    assert ratios.problems(scenario, results) == [f"P4 sent_per_s to {scenario.peers[0]}: not run"]
    results[scenario.peers[0]] = [row(1000)]
    assert ratios.problems(scenario, results) == [f"P4 sent_per_s to {scenario.peers[0]}: below minimum"]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_a_table_has_every_server_and_target_and_what_was_lost(scenario):
    own = {it.figure: 10.0 for it in scenario.targets if "." not in it.figure}
    measured_peer = scenario.peers[:1]
    results = {
        ratios.HUBBUB: [row(10) | own | {"missing": 3}],
        **{
            peer: [row(5) | dict.fromkeys(own, 5.0)] if peer in measured_peer else []
            for peer in scenario.peers
        },
    }

    text = "\n".join(ratios.table(scenario, results))

    assert "not complete**: missing: 3 (run 1)" in text
    assert text.count("| not run |") == sum(it.peer not in (None, *measured_peer) for it in scenario.targets)
    assert all(peer in text for peer in scenario.peers)
    assert scenario.operation not in RATE_FIGURES or f"µs per {scenario.operation}" in text
    heads = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert len(set(heads)) <= 2  # those of the two tables


def test_every_peer_with_a_target_is_measured():
    for scenario in SCENARIOS.values():
        assert {it.peer for it in scenario.targets} <= {None, *scenario.peers}
        assert set(scenario.requires) <= set(SCENARIOS)


def test_the_time_of_a_crowd_is_compared_with_paced_connects():
    results = {ratios.HUBBUB: [{"connect_s": 3.0}, {"connect_s": 2.0}]}
    paced = {ratios.HUBBUB: [{"connects_per_s": rate} for rate in (1000.0, 2500.0, 9000.0)]}

    compare.add_time_vs_paced(SCENARIOS["P13"], results, paced)

    assert [it["time_vs_p7"] for it in results[ratios.HUBBUB]] == [1.5, 1.0]


def test_the_history_has_medians_and_all_runs(tmp_path):
    results = {ratios.HUBBUB: [row(3), row(1), row(2, missing=1)], "peer": []}
    path = tmp_path / "history.jsonl"

    for _ in range(2):
        history.append(path, history.entries(SCENARIOS["P14"], results, {"secs": 5.0}))

    first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert first["scenario"] == second["scenario"] == "P14"
    assert (first["server"], first["medians"]["sent_per_s"], first["secs"]) == ("hubbub", 2.0, 5.0)
    assert [it["sent_per_s"] for it in first["runs"]] == [3, 1, 2]
    assert first["failures"] == ["missing: 1 (run 3)"]
    assert {"date", "commit", "python"} <= set(first)
