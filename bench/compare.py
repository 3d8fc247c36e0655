"""hubbub and its peers: the ratios of the performance targets, from one run on one machine.

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
from bench.environment import ROOT, BenchEnvironment, PeerUnavailable, RunningServers
from bench.scenarios import PEER_JOIN, SCENARIOS, Scenario

LOAD_TIMEOUT_S = 300
BENCH_FOLDER = Path(os.environ.get("BENCH_FOLDER", ROOT.parent / "shared" / "bench"))


def run_load(
    generator: Path,
    env: BenchEnvironment,
    scenario: Scenario,
    name: str,
    servers: RunningServers,
    secs: float,
) -> dict[str, Any]:
    """Run the load generator against one server. Returns its figures."""
    command = [
        "taskset",
        "-c",
        str(env.load_core),
        str(generator),
        "--quiet",
        "--label",
        f"{scenario.name}/{name}",
    ]
    command += ["--port", ",".join(map(str, servers.ports)), "--pid", ",".join(map(str, servers.pids))]
    command += [*scenario.load, "--warmup", "1", "--secs", str(secs), "--drain", "15"]
    if servers.connections_path is not None:
        command += [
            "--lines",
            str(servers.connections_path),
            "--nsp",
            "/chat",
            "--auth",
            '{"token":"{col:1}"}',
        ]
        command += ["--mark", '"body":"', "--settle", "1.5", *scenario.hubbub_load]
    else:
        command += ["--join", PEER_JOIN, *scenario.peer_load]
    process = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=LOAD_TIMEOUT_S)
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def measure(
    env: BenchEnvironment, generator: Path, scenario: Scenario, options: argparse.Namespace
) -> dict[str, list[Any]]:
    """Load all servers of a scenario in turn. Each is started again for every run if memory is measured."""
    names = [ratios.HUBBUB, *scenario.peers]
    results: dict[str, list[Any]] = {name: [] for name in names}
    rounds, runs_per_start = (options.runs, 1) if scenario.fresh_servers else (1, options.runs)
    for _ in range(rounds):
        if scenario.fresh_servers:
            for name in list(results):
                with ExitStack() as stack:
                    _load_each(
                        env,
                        generator,
                        scenario,
                        {name: _start_servers(stack, env, scenario, name)},
                        results,
                        options,
                    )
            continue
        with ExitStack() as stack:
            running = {name: _start_servers(stack, env, scenario, name) for name in names}
            for _ in range(runs_per_start):
                _load_each(env, generator, scenario, running, results, options)
    return results


def _load_each(
    env: BenchEnvironment,
    generator: Path,
    scenario: Scenario,
    running: dict[str, RunningServers | None],
    results: dict[str, list[Any]],
    options: argparse.Namespace,
) -> None:
    for name, servers in running.items():
        if servers is None:
            continue
        row = run_load(generator, env, scenario, name, servers, options.secs)
        results[name].append(row)
        figure = scenario.targets[0].figure
        print(
            f"  {scenario.name} {name}: {figure} {ratios.value_of(row, figure):.5g}",
            file=sys.stderr,
            flush=True,
        )


def _start_servers(
    stack: ExitStack, env: BenchEnvironment, scenario: Scenario, name: str
) -> RunningServers | None:
    try:
        if name == ratios.HUBBUB:
            return stack.enter_context(
                env.run_hubbub(scenario.users, scenario.rooms, scenario.instances, scenario.settings)
            )
        return stack.enter_context(env.run_peer(name, scenario.instances))
    except PeerUnavailable as missing:
        print(f"  {scenario.name}: without {name}: {missing}", file=sys.stderr, flush=True)
        return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=float, default=5, help="duration of each run")
    parser.add_argument(
        "--bench",
        type=Path,
        default=BENCH_FOLDER,
        help="the folder of the generator's source and of the peers",
    )
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--out", type=Path, help="append every run as a line of JSON")
    return parser.parse_args()


def build_generator(folder: Path, into: Path) -> Path:
    """Return the load generator, which is compiled into `into` if it does not exist."""
    built = folder / "bin" / "sioload"
    if built.is_file():
        return built
    source = folder / "sioload.c"
    if not source.is_file():
        sys.exit(f"There is no load generator in {folder}: set its folder with --bench.")
    target = into / "sioload"
    subprocess.run(["cc", "-O2", "-o", str(target), str(source)], check=True)
    return target


def main() -> None:
    """Measure the selected scenarios and print a table for each."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        program = build_generator(options.bench, folder)
        with BenchEnvironment(options.bench / "peers", folder, options.server_core, options.load_core) as env:
            for each in options.only.split(","):
                scenario = SCENARIOS[each]
                results = measure(env, program, scenario, options)
                print("\n".join(ratios.table(scenario, results)), flush=True)
                if options.out:
                    with options.out.open("a") as out:
                        out.writelines(
                            json.dumps({"scenario": each, "server": server, **row}) + "\n"
                            for server, rows in results.items()
                            for row in rows
                        )


if __name__ == "__main__":
    main()
