"""Ratios of measured figures. The code that starts servers is not tested here."""

import pytest

from bench import ratios
from bench.scenarios import SCENARIOS, RatioTarget

MORE = RatioTarget("sent_per_s", "peer", 2.0, 4.0)
LESS = RatioTarget("latency_ms.p99", "peer", 1.0, 0.5, lower_is_better=True)
ONLY_AIM = RatioTarget("sent_per_s", "peer", None, 0.5)


def row(sent, p99=1.0, **wrong):
    return {"sent_per_s": sent, "latency_ms": {"p99": p99}, "server_cpu": 99.0, **wrong}


@pytest.mark.parametrize(
    ("ratio", "wanted", "said"),
    [
        (1.9, MORE, "short"),
        (2.0, MORE, "reached"),
        (4.0, MORE, "aim"),
        (1.1, LESS, "short"),
        (1.0, LESS, "reached"),
        (0.5, LESS, "aim"),
        (0.4, ONLY_AIM, "below aim"),
        (0.6, ONLY_AIM, "aim"),
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


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_a_table_names_missing_and_incomplete_runs(scenario):
    own = {wanted.figure: 10.0 for wanted in scenario.targets if "." not in wanted.figure}
    found = {
        ratios.HUBBUB: [{**row(10), **own, "missing": 3}],
        scenario.targets[0].peer: [{**row(5), **dict.fromkeys(own, 5.0)}],
    }

    text = "\n".join(ratios.table(scenario, found))

    assert "not complete**: missing: 3" in text
    assert "| 2.00 |" in text or "| 1.00 |" in text
    peers = {wanted.peer for wanted in scenario.targets}
    assert text.count("not run") == sum(w.peer != scenario.targets[0].peer for w in scenario.targets)
    assert all(peer in text for peer in peers)
