"""Compares the CPU time per operation with that of another working copy of hubbub.

python -m bench.regression FOLDER [P2 P5 …] [--runs 5] [--secs 5] [--history FILE]

FOLDER is a working copy of the baseline, for example one of `git worktree add FOLDER COMMIT`. Runs of both
are interleaved, each with new servers. A median that is more than 5 % worse and outside the range of the
baseline's own runs is a regression. Exit code 0: there is none, and nothing was lost. 1: otherwise. 2: wrong
arguments.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import history, measuring, ratios
from bench.loads import Row
from bench.measuring import Bench
from bench.processes import Program
from bench.scenarios import SCENARIOS, Scenario

MAX_FACTOR = 1.05
RUNS = 5
BASELINE = "baseline"
FIGURES = {"server_us": "server", "postgres_us": "PostgreSQL"}
COMPARED = [name for name, scenario in SCENARIOS.items() if scenario.operation and scenario.kind == "load"]


@dataclass(frozen=True, slots=True)
class Change:
    """The CPU time per operation of both, in µs, one value for each run."""

    baseline: Sequence[float]
    current: Sequence[float]

    @property
    def factor(self) -> float:
        """Return the ratio of the medians; 1 if the baseline uses no CPU time."""
        before = statistics.median(self.baseline)
        return statistics.median(self.current) / before if before else 1.0

    @property
    def is_regression(self) -> bool:
        """Return whether the median is more than 5 % worse, and outside the baseline's range."""
        return self.factor > MAX_FACTOR and statistics.median(self.current) > max(self.baseline)


def measure(bench: Bench, scenario: Scenario, baseline: Program, runs: int) -> dict[str, list[Row]]:
    """Measure both working copies in turn. The one that begins changes with each run."""
    programs = {BASELINE: baseline, ratios.HUBBUB: Program()}
    results: dict[str, list[Row]] = {name: [] for name in programs}
    for number in range(runs):
        for name in sorted(programs, reverse=bool(number % 2)):
            row = bench.run_hubbub(scenario, programs[name])
            results[name].append(row)
            measuring.report_run(scenario, name, row)
    return results


def changes_of(results: ratios.Results) -> dict[str, Change]:
    """Return the change of each figure."""

    def values(name: str, figure: str) -> list[float]:
        return [ratios.value_of(row, figure) for row in results[name]]

    return {figure: Change(values(BASELINE, figure), values(ratios.HUBBUB, figure)) for figure in FIGURES}


def rows_of(scenario: Scenario, results: ratios.Results) -> list[str]:
    """Format Markdown: a row for each figure."""
    rows = []
    for figure, change in changes_of(results).items():
        cells = [scenario.name, f"{FIGURES[figure]}, µs per {scenario.operation}"]
        cells += [ratios.spread(results[name], figure) for name in (BASELINE, ratios.HUBBUB)]
        cells += [f"{change.factor:.3f}", "**regression**" if change.is_regression else "no regression"]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the working copy of the baseline")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"some of {', '.join(COMPARED)}")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each working copy")
    parser.add_argument(
        "--python", default=sys.executable, help="the Python of the baseline, with its dependencies"
    )
    parser.add_argument("--history", default=history.OFF, help="the file to which the runs are appended")
    measuring.add_options(parser)
    options = parser.parse_args()
    if not (options.folder / "hubbub" / "__main__.py").is_file():
        parser.error(f"There is no hubbub in {options.folder}.")
    if unknown := [name for name in options.scenarios if name not in COMPARED]:
        parser.error(f"There is no scenario {', '.join(unknown)} with a CPU time per operation.")
    return options


def main() -> None:
    """Measure, print a table, and exit with the verdict."""
    options = _options()
    baseline = Program(options.folder.resolve(), options.python)
    commits = [history.commit_of(program.root) for program in (baseline, Program())]
    head = ["", "CPU time", f"baseline {commits[0]}", f"current {commits[1]}", "ratio", ""]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    conditions = {"secs": options.secs, "warmup": options.warmup, "baseline": commits[0]}
    failed = False
    with measuring.open_bench(options) as bench:
        for name in options.scenarios or COMPARED:
            scenario = SCENARIOS[name]
            results = measure(bench, scenario, baseline, options.runs)
            lines += rows_of(scenario, results)
            lost = ratios.failures(results[ratios.HUBBUB])
            if lost:
                print(f"{name} hubbub {', '.join(lost)}")
            failed |= bool(lost) or any(it.is_regression for it in changes_of(results).values())
            if options.history != history.OFF:
                history.append(Path(options.history), history.entries(scenario, results, conditions))
    print("\n".join(lines))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
