"""Runs of the load generator, with the CPU time of all processes of a server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cpu import CpuMeter
from bench.environment import RunningServers
from bench.processes import ROOT
from bench.scenarios import PEER_JOIN, RATE_FIGURES, Scenario

LOAD_TIMEOUT_S = 300
CONNECT_TAIL_S = 1.0  # of work that follows from the last connects
MAX_LISTED_PORTS = 16
BENCH_FOLDER = Path(os.environ.get("BENCH_FOLDER", ROOT.parent / "shared" / "bench"))
SERVER_GROUPS = ("instances", "worker", "redis")  # whose CPU time counts as the server's
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Generator:
    """The load generator, and the durations of a run."""

    program: Path
    core: int
    secs: float
    warmup_s: float = 1.5

    def command(self, ports: Sequence[int], *arguments: str) -> list[str]:
        """Return the command that loads servers on these ports."""
        command = ["taskset", "-c", str(self.core), str(self.program), "--quiet"]
        return [*command, "--port", ",".join(map(str, spread_ports(ports))), *arguments]


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


def spread_ports(ports: Sequence[int]) -> list[int]:
    """List ports so that the members of each room are on all instances, and each room has a publisher.

    Connection i is in room i % 200 and uses port i % 16 of the list. 200 % 16 is 8, so that the next member
    of a room uses the other half of the list.
    """
    if len(ports) == 1:
        return list(ports)
    return [port for port in ports for _ in range(MAX_LISTED_PORTS // len(ports))]


def hubbub_arguments(servers: RunningServers) -> list[str]:
    """Return the arguments for connections to hubbub."""
    return ["--lines", str(servers.connections_path), "--nsp", "/chat", "--auth", '{"token":"{col:1}"}']


def run_load(generator: Generator, scenario: Scenario, name: str, servers: RunningServers) -> Row:
    """Load a server once. Returns the generator's figures, and the CPU time of the server's processes."""
    arguments = ["--label", f"{scenario.name}/{name}", "--pid", ",".join(map(str, servers.pids))]
    arguments += ["--settle", str(scenario.settle_s), "--warmup", str(generator.warmup_s)]
    arguments += ["--secs", str(generator.secs), "--drain", "15", *scenario.load]
    if servers.connections_path is not None:
        arguments += [*hubbub_arguments(servers), "--mark", '"body":"', *scenario.hubbub_load]
    else:
        arguments += ["--join", PEER_JOIN, *scenario.peer_load]
    with CpuMeter(servers.groups) as meter:
        start = time.monotonic()
        row = run_generator(generator.command(servers.ports, *arguments))
    add_cpu(row, scenario, meter, start, generator.warmup_s)
    return row


def run_generator(command: list[str]) -> Row:
    """Run the load generator. Exits if it prints no figures."""
    process = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=LOAD_TIMEOUT_S)
    if not process.stdout.strip():
        sys.exit(f"The load generator failed: {' '.join(command)}")
    row: Row = json.loads(process.stdout)
    return row


def add_cpu(row: Row, scenario: Scenario, meter: CpuMeter, start: float, warmup_s: float) -> None:
    """Add the CPU time of each group to the row: in % of a core, and in µs per operation."""
    if scenario.operation == "connect":
        end = start + row["connect_s"] + CONNECT_TAIL_S
        operations = float(row["connected"])
    else:
        start += row["connect_s"] + scenario.settle_s + warmup_s
        end = start + row.get("secs", 0.0)
        operations = row.get(RATE_FIGURES.get(scenario.operation, ""), 0.0) * (end - start)
    used = {group: meter.used_s(group, start, end) for group in meter.groups}
    row["cpu"] = {group: 100 * cpu_s / (end - start) for group, cpu_s in used.items()} if end > start else {}
    row["cpu_us"] = {group: 1e6 * cpu_s / operations for group, cpu_s in used.items()} if operations else {}
    row["server_cpu"] = sum(row["cpu"].get(group, 0.0) for group in SERVER_GROUPS)
    row["server_us"] = sum(row["cpu_us"].get(group, 0.0) for group in SERVER_GROUPS)
    row["postgres_us"] = row["cpu_us"].get("postgres", 0.0)
    row["total_us"] = row["server_us"] + row["postgres_us"]
