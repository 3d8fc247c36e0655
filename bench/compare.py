"""hubbub and its peers: the ratios of the performance targets, from one run on one machine.

python -m bench.compare [P1 P5 …] [--runs 3] [--secs 5] [--bench FOLDER] [--history FILE]

Without names, all scenarios. Exit code 0: every minimum is reached, and in hubbub's runs nothing was missing,
duplicated, reordered or not acknowledged. 1: otherwise, also if a peer can't run here. 2: wrong arguments.
"""

import argparse
import sys
from pathlib import Path

from bench import history, measuring, ratios
from bench.loads import Row
from bench.measuring import Bench
from bench.scenarios import SCENARIOS, Scenario

PACED_CONNECTS = "P7"  # the connects per second with which the time of a crowd is compared
MIN_RUNS = 3


def measure_scenario(
    bench: Bench, scenario: Scenario, runs: int, measured: dict[str, dict[str, list[Row]]]
) -> dict[str, list[Row]]:
    """Measure a scenario, and before it hubbub's figures that it requires and that are not measured yet."""
    for name in scenario.requires:
        if name not in measured:
            measuring.report(f"{scenario.name} requires hubbub's figures of {name}")
            measured[name] = bench.measure(SCENARIOS[name], runs, peers=False)
    results = bench.measure(scenario, runs)
    if scenario.kind == "crowd":
        add_time_vs_paced(scenario, results, measured[PACED_CONNECTS])
    return results


def add_time_vs_paced(scenario: Scenario, results: dict[str, list[Row]], paced: ratios.Results) -> None:
    """Add the time until all clients are connected, divided by that of as many connects of P7."""
    connects_per_s = ratios.median(paced[ratios.HUBBUB], "connects_per_s")
    clients = float(scenario.load[scenario.load.index("-n") + 1])
    for row in results[ratios.HUBBUB]:
        row["time_vs_p7"] = row["connect_s"] / (clients / connects_per_s)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"some of {', '.join(SCENARIOS)}")
    parser.add_argument("--only", default="", help="the same, separated by commas")
    parser.add_argument("--runs", type=int, default=MIN_RUNS, help="of each server; 3 at least for a verdict")
    parser.add_argument(
        "--history",
        default=str(history.HISTORY_PATH),
        help=f"the file to which the runs are appended, or {history.OFF}",
    )
    measuring.add_options(parser)
    options = parser.parse_args()
    options.scenarios += [name for name in options.only.split(",") if name]
    if unknown := [name for name in options.scenarios if name not in SCENARIOS]:
        parser.error(f"There is no scenario {', '.join(unknown)}.")
    return options


def main() -> None:
    """Measure the selected scenarios, print tables, and exit with the verdict."""
    options = _options()
    measured: dict[str, dict[str, list[Row]]] = {}
    found: list[tuple[Scenario, ratios.Results]] = []
    conditions = {"secs": options.secs, "warmup": options.warmup}
    with measuring.open_bench(options) as bench:
        for name in options.scenarios or list(SCENARIOS):
            scenario = SCENARIOS[name]
            results = measured[name] = measure_scenario(bench, scenario, options.runs, measured)
            found.append((scenario, results))
            print("\n".join(ratios.table(scenario, results)), flush=True)
            if options.history != history.OFF:
                history.append(Path(options.history), history.entries(scenario, results, conditions))
    problems = [text for scenario, results in found for text in ratios.problems(scenario, results)]
    if len(found) > 1:
        print("\n".join(["### All targets", "", *ratios.targets_table(found), ""]))
    if options.runs < MIN_RUNS:
        print(f"Only {options.runs} runs: no verdict, {MIN_RUNS} are needed.")
    print("\n".join(problems or ["Every minimum is reached, and nothing was lost."]))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
