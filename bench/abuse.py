"""Abuse beside honest users (P12): an instance in production settings with default limits, alternating runs.

python -m bench.abuse [--store sqlite|postgres] [--runs 3] [--secs 10]

Nine of ten requests are abuse, at constant rates: guessed passwords, scraping of public portfolios, floods of
messages, slow bodies. Abusers have IP addresses of their own. They begin `--lead` seconds before the
measurement, so that the bursts that the limits allow are spent. Honest users chat, call the REST API, read
portfolios and connect.

A request of abuse counts as refused before a query if the response is 429, 408 or an ack that is not ok, or
if it has no response: the instance does not read what exceeds its limits. Statements beyond those of the runs
without abuse count as requests that were not refused, one each, if they are more than the other responses.
Responses within a limit were not refused, also if they are from the cache.
Exit code 1: a minimum is not reached.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.attacks.accounts import ATTACKER_IP
from bench.attacks.figures import percentile
from bench.attacks.instance import STORES, AttackEnvironment, Instance, http_request
from bench.attacks.measuring import PROCESS_GRACE_S, START_DELAY_S, read_report, run_process, write_stdin
from bench.cpu import tree_cpu_s
from hubbub.services.seed import portfolios, sample

MIN_REFUSED = 0.99
MAX_HONEST_REFUSED = 0.001
MAX_P95_RATIO, TARGET_P95_RATIO = 2.0, 1.3
HONEST_KINDS = ("ack", "rest", "page", "connect")
GUESSER_IPS = [f"127.0.0.{100 + number}" for number in range(5)]
SCRAPER_IP, SLOW_IP = "127.0.0.120", "127.0.0.121"
RATES = {"guesses": 720.0, "scraping": 720.0, "events": 720.0}  # requests a second
CONNECTIONS = {"guesses": 5, "scraping": 20, "events": 15, "slow bodies": 100}
REFUSED = {"429", "408", "false"}  # statuses, and `ok` of an ack


@dataclass(slots=True)
class Run:
    """One run with or without abuse."""

    latencies: dict[str, list[float]]  # of honest requests, sorted, by kind
    failures: dict[str, int]  # of honest requests
    statements: int
    cpu_share: float  # of a core, used by the instance
    groups: list[dict[str, Any]] = field(default_factory=list)

    @property
    def honest(self) -> int:
        """Return the number of honest requests."""
        return sum(len(self.latencies[kind]) for kind in HONEST_KINDS)

    def p95(self, kind: str = "") -> float:
        """Return the p95 of a kind, or of all honest requests, in seconds."""
        kinds = [kind] if kind else HONEST_KINDS
        return percentile(sorted(each for it in kinds for each in self.latencies[it]), 0.95)


def counts(runs: list[Run], kind: str) -> Counter[str]:
    """Return the requests of a kind of abuse: sent, unsent, and by outcome."""
    total: Counter[str] = Counter()
    for group in (it for run in runs for it in run.groups if it["kind"] == kind):
        total.update({"sent": group["sent"], "unsent": group["unsent"]} | group["outcomes"])
    return total


def served(found: Counter[str]) -> int:
    """Return the requests that were not refused."""
    return sum(number for name, number in found.items() if name not in {*REFUSED, "sent", "unsent", "closed"})


def _portfolios(port: int) -> list[str]:
    """Return the usernames of public portfolios."""
    usernames = {template.username for template in portfolios.templates()}
    return sorted(it for it in usernames if http_request(port, "GET", f"/@{it}")[0] == 200)


def _statements(port: int) -> int:
    text = http_request(port, "GET", "/metrics")[1].decode()
    return next(
        int(float(it.split()[-1]))
        for it in text.splitlines()
        if it.startswith("hubbub_database_statements_total")
    )


def _groups(env: AttackEnvironment, names: list[str]) -> list[dict[str, Any]]:
    """Return the configuration of the abusers."""
    accounts = env.accounts
    emails = [f"{sample.user_names(number)[0]}@sample.example" for number in range(accounts.size.users)]
    of_events = {
        "kind": "events",
        "source": ATTACKER_IP,
        "token": accounts.access_token(accounts.attacker),
        "room_id": accounts.own_room_id,
    }
    groups: list[dict[str, Any]] = [
        *({"kind": "guesses", "source": ip, "emails": emails} for ip in GUESSER_IPS),
        {"kind": "scraping", "source": SCRAPER_IP, "names": names},
        of_events,
        {"kind": "slow bodies", "source": SLOW_IP},
    ]
    for group in groups:
        kind = group["kind"]
        alike = sum(it["kind"] == kind for it in groups)
        group["per_s"] = RATES.get(kind, CONNECTIONS[kind]) / alike  # a byte a second of each slow body
        group["connections"] = CONNECTIONS[kind]
    return groups


def _run(
    env: AttackEnvironment,
    instance: Instance,
    names: list[str],
    seconds: float,
    lead_s: float,
    *,
    abuse: bool,
) -> Run:
    accounts = env.accounts
    users = accounts.client_configs(accounts.honest)
    honest_config = {
        "port": instance.port,
        "core": env.load_core,
        "users": [user | {"page": f"/@{names[number % len(names)]}"} for number, user in enumerate(users)],
        "reconnecting": accounts.client_configs(accounts.reconnecting),
        "seconds": seconds + lead_s,
        "tail": 0.0,
    }
    abuse_config = {
        "port": instance.port,
        "core": env.load_core,
        "groups": _groups(env, names) if abuse else [],
        "lead_s": lead_s,
        "seconds": seconds,
    }
    with (
        run_process("bench.attacks.honest", honest_config) as honest,
        run_process("bench.attacks.abusers", abuse_config) as abusers,
    ):
        begin = time.monotonic() + START_DELAY_S
        for process in (honest, abusers):
            write_stdin(process, f"{begin}\n")
        start, end = begin + lead_s, begin + lead_s + seconds
        time.sleep(start - time.monotonic())
        before, cpu_before_s = _statements(instance.port), tree_cpu_s(instance.pid)
        time.sleep(end - time.monotonic())
        statements = _statements(instance.port) - before
        cpu_share = (tree_cpu_s(instance.pid) - cpu_before_s) / seconds
        groups, report = read_report(abusers), read_report(honest)
        for process in (honest, abusers):
            process.wait(PROCESS_GRACE_S)
    latencies = {
        kind: sorted(latency for at, latency in found if start <= at < end)
        for kind, found in report["samples"].items()
    }
    return Run(latencies, report["wrong"], statements, cpu_share, groups)


def report(quiet: list[Run], abused: list[Run]) -> bool:
    """Print the tables. Return whether all minimums are reached."""
    print("| honest requests | p95 without abuse | p95 with abuse | ratio |\n| --- | ---: | ---: | ---: |")
    ratio = 0.0
    for kind in (*HONEST_KINDS, ""):
        without, during = (statistics.median(it.p95(kind) * 1000 for it in runs) for runs in (quiet, abused))
        ratio = during / without
        print(f"| {kind or 'all'} | {without:.2f} ms | {during:.2f} ms | {ratio:.2f} |")
    print(
        "\n| abuse | requests | refused | no response | not refused | outcomes |\n"
        "| --- | ---: | ---: | ---: | ---: | --- |"
    )
    sent = not_refused = 0
    for kind in CONNECTIONS:
        found = counts(abused, kind)
        refused, passed = sum(found[it] for it in REFUSED), served(found)
        sent, not_refused = sent + found["sent"], not_refused + passed
        outcomes = ", ".join(f"{name} {number}" for name, number in sorted(found.items()) if name != "sent")
        unanswered = max(0, found["sent"] - refused - passed)
        print(f"| {kind} | {found['sent']} | {refused} | {unanswered} | {passed} | {outcomes} |")
    honest = sum(run.honest for run in abused)
    per_request = sum(run.statements for run in quiet) / sum(run.honest for run in quiet)
    extra = sum(run.statements for run in abused) - per_request * honest
    share = 1 - max(not_refused, extra) / max(1, sent)
    failures: Counter[str] = Counter()
    for run in abused:
        failures.update(run.failures)
    wrong = failures.total() / max(1, honest)
    print(f"\n{honest} honest requests, {sent / (sent + honest):.1%} of all are abuse")
    cpu = [statistics.median(it.cpu_share for it in runs) for runs in (quiet, abused)]
    print(f"CPU of the instance: {cpu[0]:.0%} of a core without abuse, {cpu[1]:.0%} with it")
    print(f"statements: {per_request:.2f} for an honest request, {extra:.0f} more in all for {sent} of abuse")
    print(f"refused before a query: {share:.2%} (required: {MIN_REFUSED:.0%})")
    print(f"honest requests refused: {wrong:.2%} {dict(failures)} (required: < {MAX_HONEST_REFUSED:.1%})")
    print(f"honest p95: {ratio:.2f} (required: {MAX_P95_RATIO:g}, target {TARGET_P95_RATIO:g})", flush=True)
    return share >= MIN_REFUSED and wrong < MAX_HONEST_REFUSED and ratio <= MAX_P95_RATIO


def main() -> None:
    """Measure, print tables, and exit with 1 if a minimum is not reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=float, default=10)
    parser.add_argument("--lead", type=float, default=8, help="seconds of load before each measurement")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    options = parser.parse_args()
    pinned = {options.server_core, options.load_core} <= os.sched_getaffinity(0)
    cores = (options.server_core, options.load_core) if pinned else (None, None)
    with (
        tempfile.TemporaryDirectory(prefix="hubbub-abuse-") as folder,
        AttackEnvironment(options.store, Path(folder), *cores) as env,
        env.instance() as instance,
    ):
        names = _portfolios(instance.port)
        runs: dict[bool, list[Run]] = {False: [], True: []}
        for _ in range(options.runs):
            for abuse in (False, True):
                runs[abuse].append(_run(env, instance, names, options.secs, options.lead, abuse=abuse))
    print(f"\n{options.store}, {options.runs} runs of {options.secs:g} s\n")
    sys.exit(0 if report(runs[False], runs[True]) else 1)


if __name__ == "__main__":
    main()
