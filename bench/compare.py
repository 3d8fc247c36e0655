"""hubbub beside its peers: the ratios of the performance targets, from one run on one machine.

python -m bench.compare [--only P1,P5] [--runs 3] [--secs 5] [--bench FOLDER]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import ratios
from bench.scenarios import PEER_JOIN, SCENARIOS, Scenario
from bench.stage import ROOT, Missing, Running, Stage

LOAD_S = 300
FOLDER = Path(os.environ.get("BENCH_FOLDER", ROOT.parent / "shared" / "bench"))


def load(
    generator: Path, stage: Stage, scenario: Scenario, name: str, on: Running, secs: float
) -> dict[str, Any]:
    """One run of the generator against one server."""
    command = [
        "taskset",
        "-c",
        str(stage.load_core),
        str(generator),
        "--quiet",
        "--label",
        f"{scenario.name}/{name}",
    ]
    command += ["--port", ",".join(map(str, on.ports)), "--pid", ",".join(map(str, on.pids))]
    command += [*scenario.load, "--warmup", "1", "--secs", str(secs), "--drain", "15"]
    if on.lines is not None:
        command += ["--lines", str(on.lines), "--nsp", "/chat", "--auth", '{"token":"{col:1}"}']
        command += ["--mark", '"body":"', "--settle", "1.5", *scenario.own]
    else:
        command += ["--join", PEER_JOIN, *scenario.peer]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=LOAD_S)
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def measure(
    stage: Stage, generator: Path, scenario: Scenario, options: argparse.Namespace
) -> dict[str, list[Any]]:
    """All servers of a scenario side by side, loaded in turn; each starts afresh where memory is measured."""
    names = [ratios.OWN, *scenario.peers]
    found: dict[str, list[Any]] = {name: [] for name in names}
    rounds, each = (options.runs, 1) if scenario.fresh else (1, options.runs)
    for _ in range(rounds):
        if scenario.fresh:
            for name in list(found):
                with ExitStack() as stack:
                    _turn(
                        stage,
                        generator,
                        scenario,
                        {name: _start(stack, stage, scenario, name)},
                        found,
                        options,
                    )
            continue
        with ExitStack() as stack:
            running = {name: _start(stack, stage, scenario, name) for name in names}
            for _ in range(each):
                _turn(stage, generator, scenario, running, found, options)
    return found


def _turn(
    stage: Stage,
    generator: Path,
    scenario: Scenario,
    running: dict[str, Running | None],
    found: dict[str, list[Any]],
    options: argparse.Namespace,
) -> None:
    for name, on in running.items():
        if on is None:
            continue
        row = load(generator, stage, scenario, name, on, options.secs)
        found[name].append(row)
        figure = scenario.wanted[0].figure
        print(
            f"  {scenario.name} {name}: {figure} {ratios.figure(row, figure):.5g}",
            file=sys.stderr,
            flush=True,
        )


def _start(stack: ExitStack, stage: Stage, scenario: Scenario, name: str) -> Running | None:
    try:
        if name == ratios.OWN:
            return stack.enter_context(
                stage.hubbub(scenario.people, scenario.rooms, scenario.instances, scenario.settings)
            )
        return stack.enter_context(stage.peer(name, scenario.instances))
    except Missing as missing:
        print(f"  {scenario.name}: without {name}: {missing}", file=sys.stderr, flush=True)
        return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=float, default=5, help="of load, a run")
    parser.add_argument(
        "--bench",
        type=Path,
        default=FOLDER,
        help="the folder of the generator's source and of the peers",
    )
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--out", type=Path, help="append every run as a line of JSON")
    return parser.parse_args()


def generator(folder: Path, into: Path) -> Path:
    """sioload: the built one, else built into a folder of this run."""
    built = folder / "bin" / "sioload"
    if built.is_file():
        return built
    source = folder / "sioload.c"
    if not source.is_file():
        sys.exit(f"There is no load generator in {folder}: name its folder with --bench.")
    made = into / "sioload"
    subprocess.run(["cc", "-O2", "-o", str(made), str(source)], check=True)
    return made


def main() -> None:
    """Measure what is asked for and print a table for each."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        program = generator(options.bench, folder)
        with Stage(options.bench / "peers", folder, options.server_core, options.load_core) as stage:
            for each in options.only.split(","):
                scenario = SCENARIOS[each]
                found = measure(stage, program, scenario, options)
                print("\n".join(ratios.table(scenario, found)), flush=True)
                if options.out:
                    with options.out.open("a") as out:
                        out.writelines(
                            json.dumps({"scenario": each, "server": server, **row}) + "\n"
                            for server, rows in found.items()
                            for row in rows
                        )


if __name__ == "__main__":
    main()
