"""Profile of hubbub under one of the loads of `compare`: the event loop's thread, sampled by py-spy.

python -m bench.profile P2 [--secs 8] [--bench FOLDER]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from bench import compare
from bench.environment import BenchEnvironment
from bench.scenarios import SCENARIOS

TOP_FRAMES = 40
WARMUP_S = 4.0  # until the connections are open


def main() -> None:
    """Load, sample, and print the frames with most of the time, excluding and including their callees."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenario", choices=list(SCENARIOS))
    parser.add_argument("--secs", type=float, default=8)
    parser.add_argument("--bench", type=Path, default=compare.BENCH_FOLDER)
    options = parser.parse_args()
    sampler = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if sampler is None:
        sys.exit("py-spy is needed: pip install py-spy.")
    scenario = SCENARIOS[options.scenario]
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        program = compare.build_generator(options.bench, folder)
        env = BenchEnvironment(options.bench / "peers", folder, 0, 1)
        with (
            env,
            env.run_hubbub(scenario.users, scenario.rooms, scenario.instances, {}) as servers,
        ):
            samples = folder / "samples"
            command = [sampler, "record", "--nonblocking", "-r", "200", "-f", "raw", "-o", str(samples)]
            command += ["-d", str(max(1, int(options.secs - WARMUP_S))), "-p", str(servers.pids[0])]
            sampling = threading.Timer(WARMUP_S, subprocess.run, [command], {"capture_output": True})
            sampling.start()
            row = compare.run_load(program, env, scenario, "hubbub", servers, options.secs)
            sampling.join()
            time.sleep(0.1)
            print(
                {
                    name: row.get(name)
                    for name in ("sent_per_s", "deliveries_per_s", "acks_per_s", "server_cpu")
                }
            )
            _print_profile(samples.read_text())


def _print_profile(samples: str) -> None:
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
    for title, counts in (("excluding callees", self_samples), ("including callees", total_samples)):
        print(f"\n% of the time, {title}")
        for frame, frame_samples in counts.most_common(TOP_FRAMES):
            print(f"  {100 * frame_samples / total:5.1f}  {frame}")


if __name__ == "__main__":
    main()
