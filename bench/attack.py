"""Attacks on a live instance in production settings with default limits, with honest clients connected (G15).

python -m bench.attack [--list] [--only NAME,NAME|all] [--store sqlite|postgres|both] [--seconds 20]
                       [--rounds 3] [--seed 1] [--screen SECONDS] [--table]

Without --only the most important attacks run; --list marks them with *. Exit code 1: a bound is broken.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.attacks import figures
from bench.attacks.figures import Result
from bench.attacks.instance import STORES, AttackEnvironment
from bench.attacks.measuring import measure, screen
from bench.attacks.script import Attack
from bench.attacks.table import ATTACKS, DEFAULT_ATTACKS


def main() -> None:
    """Attack, print, and exit with 1 when a bound is broken."""
    options = _options()
    if options.list:
        for attack in ATTACKS.values():
            mark = "*" if attack.name in DEFAULT_ATTACKS else " "
            attacker = "account" if attack.needs_account else "anyone"
            print(f"{mark} {attack.name:28} {attacker:8} {attack.description}")
        return
    results = [
        result
        for store in (STORES if options.store == "both" else (options.store,))
        for result in _run_on_store(store, select_attacks(options.only), options)
    ]
    if options.table:
        print("\n".join(["", *figures.table(results)]))
    failed = [result for result in results if result.violations()]
    print(f"\n{len(results) - len(failed)} of {len(results)} attacks violate no bound of G15.")
    sys.exit(1 if failed else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the attacks and exit")
    parser.add_argument("--only", default="", help="names or prefixes of names, separated by commas; or all")
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--seconds", type=float, default=20, help="duration of each measurement")
    parser.add_argument(
        "--screen",
        type=float,
        default=0,
        help="seconds of a short measurement; only attacks that violate a bound in it are measured",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print a Markdown table at the end")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    return parser.parse_args()


def select_attacks(only: str) -> list[Attack]:
    """Return the attacks with these names or prefixes; without a name, the most important ones."""
    if not only:
        return [ATTACKS[name] for name in DEFAULT_ATTACKS]
    if only == "all":
        return list(ATTACKS.values())
    found = []
    for name in only.split(","):
        matching = (
            [ATTACKS[name]]
            if name in ATTACKS
            else [it for it in ATTACKS.values() if it.name.startswith(name)]
        )
        if not matching:
            raise SystemExit(f"There is no attack {name}: see --list.")
        found += matching
    return found


def _run_on_store(store: str, attacks: list[Attack], options: argparse.Namespace) -> list[Result]:
    cores = os.sched_getaffinity(0)
    pinned = {options.server_core, options.load_core} <= cores
    server_core, load_core = (options.server_core, options.load_core) if pinned else (None, None)
    results = []
    with (
        tempfile.TemporaryDirectory(prefix="hubbub-attack-") as folder,
        AttackEnvironment(store, Path(folder), server_core, load_core) as env,
    ):
        if options.screen:
            suspicious = _screen_attacks(env, attacks, options)
            attacks = suspicious if options.rounds else []
        for attack in attacks:
            started_at = time.monotonic()
            result = measure(env, attack, options.rounds, options.seconds, options.seed)
            results.append(result)
            print("\n".join(format_result(result, time.monotonic() - started_at)), flush=True)
    return results


def _screen_attacks(
    env: AttackEnvironment, attacks: list[Attack], options: argparse.Namespace
) -> list[Attack]:
    """Return the attacks that violate a bound in a short measurement."""
    suspicious = []
    for result in screen(env, attacks, options.screen, options.seed):
        violations = result.violations()
        print(
            f"{'suspicious' if violations else 'holds':10} {result.name:28} {'; '.join(violations)}",
            flush=True,
        )
        if violations:
            suspicious.append(ATTACKS[result.name])
    return suspicious


def format_result(result: Result, seconds: float) -> list[str]:
    """Format the figures of an attack as text."""
    lines = [f"{result.name} on {result.store}: {ATTACKS[result.name].description} ({seconds:.0f} s)"]
    for kind in figures.KINDS:
        values = [
            f"{result.median(kind, share, quiet=quiet) * 1000:.1f}"
            for quiet in (True, False)
            for share in (0.5, 0.99)
        ]
        count = min(len(each.latencies(kind)) for each in result.under_attack)
        lines.append(
            f"  {kind:9} p50/p99 quiet {values[0]}/{values[1]} ms, attack {values[2]}/{values[3]} ms"
            f" (bound {result.bound(kind) * 1000:.0f}, {count} samples)"
        )
    lines.append(
        f"  memory peak {result.peak_mib:+.0f} MiB, after {result.memory_growth_mib:+.0f} MiB; "
        f"recovery {result.recovery_s:.1f} s; attacker {result.under_attack[-1].attacker}"
    )
    violations = result.violations()
    lines.append(f"  BROKEN: {'; '.join(violations)}" if violations else "  holds")
    return lines


if __name__ == "__main__":
    main()
