"""Distribution of hubbub's CPU time under one of the loads of `compare`.

python -m bench.profile P5 [--secs 8] [--with py-spy|cprofile] [--bench FOLDER]

py-spy samples the first instance, if it is installed. Otherwise cProfile measures its calls: the shares of
small functions are then too large.
"""

import argparse
import os
import pstats
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import measuring, ratios
from bench.environment import RunningServers
from bench.measuring import Bench
from bench.processes import Program
from bench.scenarios import SCENARIOS, Scenario

TOP_FRAMES = 40
SAMPLES_PER_S = 200
CONNECT_S = 2.0  # of the clients, before the load begins
WRITE_TIMEOUT_S = 60.0
PROFILED = [name for name, scenario in SCENARIOS.items() if scenario.kind != "memory"]


def py_spy_path() -> str | None:
    """Return the path of py-spy, in the environment of this Python or elsewhere; None without it."""
    return shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")


def _delay_s(bench: Bench, scenario: Scenario) -> float:
    """Return the time until the part begins that is profiled: the load, or the connects."""
    return 0.0 if scenario.is_idle else CONNECT_S + scenario.settle_s + bench.generator.warmup_s


@contextmanager
def _sampling(sampler: str, pid: int, delay_s: float, path: Path) -> Iterator[None]:
    """Sample a process with py-spy, after a delay."""
    command = [sampler, "record", "--nonblocking", "-r", str(SAMPLES_PER_S), "-f", "raw", "-o", str(path)]
    started: list[subprocess.Popen[bytes]] = []
    timer = threading.Timer(
        delay_s,
        lambda: started.append(subprocess.Popen([*command, "-p", str(pid)], stdout=subprocess.DEVNULL)),
    )
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for process in started:
            process.send_signal(signal.SIGINT)  # it writes the samples
            process.wait(WRITE_TIMEOUT_S)


def _run_with_py_spy(bench: Bench, scenario: Scenario, sampler: str) -> list[str]:
    path = bench.env.folder / "samples"
    delay_s = _delay_s(bench, scenario)
    with (
        bench.start_hubbub(scenario) as servers,
        _sampling(sampler, servers.pids[0], delay_s, path),
    ):
        _load(bench, scenario, servers)
    return sample_lines(path.read_text())


def _run_with_cprofile(bench: Bench, scenario: Scenario) -> list[str]:
    path = bench.env.folder / "profile"
    program = Program(serve_arguments=("-m", "bench.profiled_serve", str(path), "serve"))
    with bench.start_hubbub(scenario, program) as servers:
        timer = threading.Timer(_delay_s(bench, scenario), os.kill, (servers.pids[0], signal.SIGUSR2))
        timer.start()
        _load(bench, scenario, servers)
        timer.join()
    deadline = time.monotonic() + WRITE_TIMEOUT_S
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return stats_lines(pstats.Stats(str(path)))


def _load(bench: Bench, scenario: Scenario, servers: RunningServers) -> None:
    measuring.report_run(scenario, ratios.HUBBUB, bench.load(scenario, ratios.HUBBUB, servers))


def sample_lines(samples: str) -> list[str]:
    """Format the shares of functions in samples of py-spy: lines of frames and a count."""
    self_samples: Counter[str] = Counter()
    total_samples: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if any("_worker" in frame for frame in frames):
            continue  # a thread that waits for work
        self_samples[frames[-1]] += int(count)
        for frame in set(frames):
            total_samples[frame] += int(count)
    total = max(1, sum(self_samples.values()))
    lines = []
    for title, counts in (("excluding callees", self_samples), ("including callees", total_samples)):
        lines += ["", f"% of the time, {title}"]
        lines += [f"  {100 * count / total:5.1f}  {frame}" for frame, count in counts.most_common(TOP_FRAMES)]
    return lines


def stats_lines(stats: pstats.Stats) -> list[str]:
    """Format the shares of functions in a profile of cProfile."""
    functions: dict[tuple[str, int, str], tuple[Any, ...]] = stats.stats  # type: ignore[attr-defined]
    total = max(1e-9, sum(times[2] for times in functions.values()))
    lines = []
    for title, column in (("excluding callees", 2), ("including callees", 3)):
        lines += ["", f"% of the time, {title}"]
        ordered = sorted(functions.items(), key=lambda item: float(item[1][column]), reverse=True)
        for (file_name, number, name), times in ordered[:TOP_FRAMES]:
            lines.append(f"  {100 * times[column] / total:5.1f}  {name} ({file_name}:{number})")
    return lines


def main() -> None:
    """Load, profile, and print the functions with most of the time, excluding and including their callees."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenario", choices=PROFILED)
    parser.add_argument("--with", dest="tool", choices=("py-spy", "cprofile"))
    measuring.add_options(parser)
    options = parser.parse_args()
    sampler = py_spy_path()
    if options.tool == "py-spy" and sampler is None:
        parser.error("py-spy is not installed: pip install py-spy.")
    scenario = SCENARIOS[options.scenario]
    with measuring.open_bench(options) as bench:
        if sampler is not None and options.tool != "cprofile":
            lines = _run_with_py_spy(bench, scenario, sampler)
        else:
            lines = _run_with_cprofile(bench, scenario)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
