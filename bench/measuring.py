"""Runs of scenarios: each with new servers, those of hubbub and its peers in turn."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import crowd, loads, memory, ratios
from bench.environment import BenchEnvironment, RunningServers
from bench.loads import Generator, Row
from bench.processes import ProcessUnavailable, Program
from bench.scenarios import Scenario


@dataclass(slots=True)
class Bench:
    """The environment of the servers, and the generator that loads them."""

    env: BenchEnvironment
    generator: Generator

    def run_hubbub(self, scenario: Scenario, program: Program | None = None) -> Row:
        """Measure hubbub once, with new servers."""
        if scenario.kind == "memory":
            return memory.run_memory(self.generator, scenario, self.env, program)
        with self.start_hubbub(scenario, program) as servers:
            return self.load(scenario, ratios.HUBBUB, servers)

    def run_peer(self, scenario: Scenario, name: str) -> Row:
        """Measure a peer once, with new servers. Raises ProcessUnavailable if it can't run here."""
        with self.env.run_peer(name, scenario.instances) as servers:
            return self.load(scenario, name, servers)

    def load(self, scenario: Scenario, name: str, servers: RunningServers) -> Row:
        """Load running servers once."""
        if scenario.kind == "crowd":
            return crowd.run_crowd(self.generator, scenario, servers, self.env.folder)
        return loads.run_load(self.generator, scenario, name, servers)

    @contextmanager
    def start_hubbub(self, scenario: Scenario, program: Program | None = None) -> Iterator[RunningServers]:
        """Run the servers of hubbub that the scenario needs."""
        with self.env.run_hubbub(
            scenario.users,
            scenario.rooms,
            scenario.instances,
            scenario.settings,
            database=scenario.database,
            program=program,
        ) as servers:
            yield servers

    def measure(self, scenario: Scenario, runs: int, *, peers: bool = True) -> dict[str, list[Row]]:
        """Measure hubbub and its peers in turn. A peer that can't run is reported and has no runs."""
        names = [ratios.HUBBUB, *(scenario.peers if peers else ())]
        results: dict[str, list[Row]] = {name: [] for name in names}
        for _ in range(runs):
            for name in list(names):
                try:
                    own = name == ratios.HUBBUB
                    row = self.run_hubbub(scenario) if own else self.run_peer(scenario, name)
                except ProcessUnavailable as missing:
                    if name == ratios.HUBBUB:
                        raise
                    report(f"{scenario.name}: without {name}: {missing}")
                    names.remove(name)
                    continue
                results[name].append(row)
                report_run(scenario, name, row)
        return results


def report(text: str) -> None:
    """Print a line about the progress."""
    print(f"  {text}", file=sys.stderr, flush=True)


def report_run(scenario: Scenario, name: str, row: Row) -> None:
    """Print the first figure of a run, its CPU time per operation, and what was lost."""
    figure = scenario.targets[0].figure
    text = f"{scenario.name} {name}: {figure} {ratios.value_of(row, figure):.5g}"
    if row.get("server_us"):
        text += (
            f", {row['server_us']:.4g} µs per {scenario.operation}, PostgreSQL {row['postgres_us']:.3g} µs"
        )
    failed = ratios.failures([row])
    report(text + (f", FAILED: {', '.join(failed)} {row.get('first_error', '')}" if failed else ""))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all measurements have."""
    parser.add_argument("--secs", type=float, default=5, help="duration of each run")
    parser.add_argument("--warmup", type=float, default=1.5, help="seconds of load before each run")
    parser.add_argument(
        "--bench",
        type=Path,
        default=loads.BENCH_FOLDER,
        help="the folder of the generator's source and of the peers",
    )
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)


@contextmanager
def open_bench(options: argparse.Namespace) -> Iterator[Bench]:
    """Prepare the generator and the environment. This process itself is pinned to the generator's core."""
    before = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        program = loads.build_generator(options.bench, folder)
        os.sched_setaffinity(0, {options.load_core})
        try:
            generator = Generator(program, options.load_core, options.secs, options.warmup)
            peers = options.bench / "peers"
            with BenchEnvironment(peers, folder, options.server_core, options.load_core) as env:
                yield Bench(env, generator)
        finally:
            os.sched_setaffinity(0, before)
