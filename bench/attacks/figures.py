"""Percentiles of samples, and verdicts and tables of percentiles. Pure functions."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

KINDS = ("ack", "delivery", "rest", "connect")
# G15: the p99 during an attack is at most 3 times its quiet value, or that + 20 ms.
MAX_SLOWDOWN, MAX_ADDED_S = 3.0, 0.020
MAX_MEMORY_GROWTH_MIB = 64.0


@dataclass(slots=True)
class Round:
    """The result of one measurement."""

    samples: dict[str, list[tuple[float, float]]]
    failures: dict[str, int]
    attacker: dict[str, Any]
    begin: float
    seconds: float
    idle_mib: float = 0.0
    peak_mib: float = 0.0
    after_mib: float = 0.0

    def latencies(self, kind: str) -> list[float]:
        """Return the latencies that were scheduled during the attack, sorted."""
        end = self.begin + self.seconds
        return sorted(
            latency
            for scheduled_at, latency in self.samples.get(kind, [])
            if self.begin <= scheduled_at < end
        )

    def recovery_s(self, bounds: dict[str, float]) -> float:
        """Return the seconds from the end of the attack to the end of the last operation over its bound."""
        end = self.begin + self.seconds
        overruns = [
            scheduled_at + latency - end
            for kind, bound in bounds.items()
            for scheduled_at, latency in self.samples.get(kind, [])
            if latency > bound
        ]
        return max(0.0, *overruns) if overruns else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile of sorted values; infinite without values."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


@dataclass(slots=True)
class Result:
    """All rounds of one attack on one store."""

    name: str
    store: str
    quiet: list[Round] = field(default_factory=list)
    under_attack: list[Round] = field(default_factory=list)

    def median(self, kind: str, share: float, *, quiet: bool) -> float:
        """Return the median of the rounds, in seconds."""
        rounds = self.quiet if quiet else self.under_attack
        return statistics.median(percentile(each.latencies(kind), share) for each in rounds)

    def bound(self, kind: str) -> float:
        """Return the highest allowed p99 of a kind, in seconds."""
        quiet = self.median(kind, 0.99, quiet=True)
        return max(MAX_SLOWDOWN * quiet, quiet + MAX_ADDED_S)

    @property
    def recovery_s(self) -> float:
        """The median of the rounds."""
        bounds = {kind: self.bound(kind) for kind in KINDS}
        return statistics.median(each.recovery_s(bounds) for each in self.under_attack)

    @property
    def memory_growth_mib(self) -> float:
        """Memory after the last attack, above the idle level before the first."""
        return self.under_attack[-1].after_mib - self.under_attack[0].idle_mib

    @property
    def peak_mib(self) -> float:
        """The highest memory of any round, above the idle level."""
        return max(each.peak_mib for each in self.under_attack) - self.under_attack[0].idle_mib

    def failures(self) -> dict[str, int]:
        """Return the failures of honest clients: refusals, lost connections, missing responses."""
        total: dict[str, int] = {}
        for each in self.under_attack:
            for name, count in each.failures.items():
                total[name] = total.get(name, 0) + count
        return total

    def violations(self) -> list[str]:
        """Return each violated bound of G15."""
        violations = []
        for kind in KINDS:
            attack_p99, bound = self.median(kind, 0.99, quiet=False), self.bound(kind)
            if attack_p99 > bound:
                violations.append(f"{kind} p99 {attack_p99 * 1000:.0f} ms > {bound * 1000:.0f} ms")
        if self.memory_growth_mib > MAX_MEMORY_GROWTH_MIB:
            violations.append(f"memory +{self.memory_growth_mib:.0f} MiB > {MAX_MEMORY_GROWTH_MIB:.0f} MiB")
        violations += [f"{name}: {count}" for name, count in sorted(self.failures().items())]
        return violations


TABLE_HEAD = "| attack | store | " + " | ".join(f"{kind} quiet | {kind} attack" for kind in KINDS)
TABLE_HEAD += " | memory | recovery | G15 |"


def table(results: list[Result]) -> list[str]:
    """Format Markdown: p50 / p99 in ms, memory in MiB above the idle level (peak / after), recovery in s."""
    return [
        TABLE_HEAD,
        "|" + " --- |" * (TABLE_HEAD.count("|") - 1),
        *(table_row(result) for result in results),
    ]


def table_row(result: Result) -> str:
    """Format one attack as a row of the table."""
    cells = [f"`{result.name}`", result.store]
    for kind in KINDS:
        for quiet in (True, False):
            p50, p99 = (result.median(kind, share, quiet=quiet) * 1000 for share in (0.5, 0.99))
            cells.append(f"{p50:.1f} / {p99:.1f}")
    cells.append(f"{result.peak_mib:+.0f} / {result.memory_growth_mib:+.0f}")
    cells.append(f"{result.recovery_s:.1f}")
    violations = result.violations()
    cells.append("broken" if violations else "holds")
    return "| " + " | ".join(cells) + " |"
