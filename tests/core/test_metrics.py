"""The table of metrics is complete, and its series exist from the start."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.core import errors, metrics
from hubbub.http.metrics import _collect
from hubbub.schemas.sync.connection import CloseCode

PACKAGE = Path(metrics.__file__).parents[1]
NAMES = {metric.name for metric in (*metrics.COUNTERS, *metrics.GAUGES)}


def _used(path: Path) -> Iterator[str]:
    """The names of metrics that a module counts."""
    for node in ast.walk(ast.parse(path.read_text())):
        of = None
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {
            f"metrics.{verb}" for verb in ("count", "gauge", "declare")
        }:
            of = node.args[0]
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in {
            f"metrics.{table}" for table in ("counters", "labelled", "gauges")
        }:
            of = node.slice
        if of is not None:
            yield from (str(each.value) for each in ast.walk(of) if isinstance(each, ast.Constant))


def test_the_table_holds_exactly_the_metrics_in_use():
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "metrics.py"]

    assert {name for path in modules for name in _used(path)} == NAMES


def test_every_metric_has_a_helpful_description():
    silent = [
        metric.name
        for metric in (*metrics.COUNTERS, *metrics.GAUGES)
        if not metric.help.endswith(".")
        or set(metric.help.rstrip(".").lower().split()) <= set(metric.name.split("_"))
    ]

    assert silent == []


def test_every_metric_exists_from_the_start():
    rendered = {metric.name for metric in _collect().get_all()}

    assert rendered == {
        *(f"hubbub_{metric.name}_total" for metric in metrics.COUNTERS),
        *(f"hubbub_{metric.name}" for metric in metrics.GAUGES),
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sockets_closed", CloseCode),
        ("events_rejected", errors.codes()),
        ("audit_failures_lost", ["account.register", "session.sign_in"]),
        ("epoch_raises", ["restore", "claim"]),
    ],
)
def test_series_of_closed_sets_exist_from_the_start(name, values):
    metrics.declare("events_rejected", errors.codes())

    assert set(values) <= set(metrics.labelled[name])


def test_the_close_codes_of_the_table_are_those_of_the_protocol():
    (metric,) = [each for each in metrics.COUNTERS if each.name == "sockets_closed"]

    assert set(metric.values) == set(CloseCode)


def test_an_unlisted_label_is_counted():
    metrics.count("requests", "599")

    assert metrics.labelled["requests"]["599"] == 1
