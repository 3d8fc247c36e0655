"""One measurement: honest clients, and an attacker that sends to the instance or to a sink."""

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.attacks.accounts import ATTACKER_IP
from bench.attacks.figures import MAX_MEMORY_GROWTH_MIB, Result, Round
from bench.attacks.instance import AttackEnvironment, Instance
from bench.attacks.script import Attack
from bench.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
CLIENT_TAIL_S = 3.0  # for which honest clients continue after the attack
START_DELAY_S = 0.3  # from the start command to the start time
PROCESS_GRACE_S = 60.0  # that a process may take longer than its configured time
MEMORY_RELEASE_TIMEOUT_S = 15.0  # within which memory should be released
MAX_SCREENED_PER_INSTANCE = 20  # attacks on one instance in a short measurement
Process = subprocess.Popen[str]


class NotReadyError(Exception):
    """A process ended before its measurement began."""


def measure(
    env: AttackEnvironment,
    attack: Attack,
    rounds: int,
    seconds: float,
    seed: int,
    *,
    quiet: bool = True,
) -> Result:
    """Measure all rounds of an attack on a new instance. Without `quiet`, no bounds can be derived."""
    result = Result(attack.name, env.store)
    with env.instance() as instance, _run_sink(env.load_core) as sink_port:
        for number in range(rounds):
            arguments = (env, instance, attack, seconds, seed + number)
            if quiet:
                result.quiet.append(_measure_once(*arguments, port=sink_port))
            result.under_attack.append(_measure_round(*arguments, port=instance.port))
            if not result.under_attack[-1].samples:  # this instance accepts no honest clients any more
                break
    return result


def screen(env: AttackEnvironment, attacks: list[Attack], seconds: float, seed: int) -> Iterator[Result]:
    """Measure each attack briefly, many on one instance. One that violates a bound needs a full measurement.

    The quiet value is measured with the first attack of an instance.
    """
    waiting = deque(attacks)
    while waiting:
        with env.instance() as instance, _run_sink(env.load_core) as sink_port:
            quiet = _measure_once(env, instance, waiting[0], seconds, seed, port=sink_port)
            for _ in range(min(len(waiting), MAX_SCREENED_PER_INSTANCE)):
                attack = waiting.popleft()
                during = _measure_round(env, instance, attack, seconds, seed, port=instance.port)
                result = Result(attack.name, env.store, [quiet], [during])
                yield result
                if result.violations():  # its effects must not count for the next attack
                    break


def _measure_round(
    env: AttackEnvironment,
    instance: Instance,
    attack: Attack,
    seconds: float,
    seed: int,
    *,
    port: int,
) -> Round:
    """Measure once. The round has no samples if the instance does not accept honest clients."""
    try:
        return _measure_once(env, instance, attack, seconds, seed, port=port)
    except NotReadyError:
        memory = instance.memory_mib()
        return Round({}, {"honest clients cannot connect": 1}, {}, 0.0, seconds, memory, memory, memory)


def _measure_once(
    env: AttackEnvironment,
    instance: Instance,
    attack: Attack,
    seconds: float,
    seed: int,
    *,
    port: int,
) -> Round:
    accounts = env.accounts
    honest_config = {
        "port": instance.port,
        "core": env.load_core,
        "users": accounts.client_configs(accounts.honest),
        "reconnecting": accounts.client_configs(accounts.reconnecting),
        "seconds": seconds,
        "tail": CLIENT_TAIL_S,
    }
    attacker_config = {
        "name": attack.name,
        "core": env.load_core,
        "target": asdict(accounts.target(port, ATTACKER_IP, seed)),
        "seconds": seconds,
    }
    with (
        run_process("bench.attacks.honest", honest_config) as honest,
        run_process("bench.attacks.attacker", attacker_config) as attacker,
    ):
        idle = instance.memory_mib()
        begin = time.monotonic() + START_DELAY_S
        for process in (honest, attacker):
            write_stdin(process, f"{begin}\n")
        peak = _watch_memory(instance, attacker, begin + seconds + PROCESS_GRACE_S)
        attacker_report = read_report(attacker)
        after = _memory_after_release(instance, idle)
        honest_report = read_report(honest)
    return Round(
        honest_report["samples"],
        honest_report["wrong"],
        attacker_report,
        begin,
        seconds,
        idle,
        max(peak, after),
        after,
    )


def _watch_memory(instance: Instance, attacker: Process, deadline: float) -> float:
    """Return the highest memory until the attacker ends, in MiB."""
    peak = instance.memory_mib()
    while attacker.poll() is None and time.monotonic() < deadline:
        peak = max(peak, instance.memory_mib())
        time.sleep(0.1)
    return peak


def _memory_after_release(instance: Instance, idle: float) -> float:
    """Return the lowest memory within some seconds, in MiB. Returns at once when it is within the bound."""
    deadline, lowest = time.monotonic() + MEMORY_RELEASE_TIMEOUT_S, float("inf")
    while time.monotonic() < deadline:
        lowest = min(lowest, instance.memory_mib())
        if lowest <= idle + MAX_MEMORY_GROWTH_MIB / 2:
            break
        time.sleep(0.2)
    return lowest


# --- processes ---


@contextmanager
def run_process(module: str, config: dict[str, Any]) -> Iterator[Process]:
    """Start a process of this package with its configuration, and wait until it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        write_stdin(process, json.dumps(config) + "\n")
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise NotReadyError(module)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def write_stdin(process: Process, text: str) -> None:
    """Write text to the standard input of a process."""
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


def read_report(process: Process) -> Any:
    """Return the report that a process prints at its end."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@contextmanager
def _run_sink(core: int | None) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.attacks.sink", str(port), str(-1 if core is None else core)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield port
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
