"""The rule by which a change of the CPU time is a regression."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import ratios, regression
from bench.processes import Program
from bench.regression import BASELINE, Change
from bench.scenarios import SCENARIOS


@pytest.mark.parametrize(
    ("baseline", "current", "is_regression"),
    [
        ([100, 101, 99, 100, 100], [106, 107, 106, 106, 105], True),
        ([100, 101, 99, 100, 100], [104, 104, 104, 104, 104], False),  # less than 5 % worse
        ([100, 120, 90, 100, 100], [110, 111, 110, 110, 110], False),  # within the range of the baseline
        ([100, 101, 99, 100, 100], [80, 300, 80, 80, 80], False),  # one slow run
        ([100, 101, 99, 100, 100], [50, 50, 50, 50, 50], False),
        ([0, 0, 0], [0, 0, 0], False),
    ],
)
def test_a_regression_is_more_than_5_percent_and_outside_the_range(baseline, current, is_regression):
    assert Change(baseline, current).is_regression is is_regression


def test_the_cpu_time_of_postgresql_is_compared_too():
    results = {
        BASELINE: [{"server_us": 100.0, "postgres_us": 40.0}] * 5,
        ratios.HUBBUB: [{"server_us": 100.0, "postgres_us": 60.0}] * 5,
    }

    changes = regression.changes_of(results)
    lines = regression.rows_of(SCENARIOS["P2"], results)

    assert [name for name, change in changes.items() if change.is_regression] == ["postgres_us"]
    assert [line.endswith("| **regression** |") for line in lines] == [False, True]


def test_a_working_copy_runs_its_own_code(tmp_path):
    package = tmp_path / "hubbub"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys; print('the baseline', *sys.argv[1:])")
    baseline = Program(tmp_path)

    for root in (baseline.root, Path(sys.prefix)):  # whatever the folder in which it starts
        output = subprocess.run(
            baseline.command("worker"),
            env=baseline.environment({"HUBBUB_ENV": "test"}),
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert output == "the baseline worker\n"
