"""Samples into percentiles, percentiles into verdicts and tables. Nothing here starts anything."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

KINDS = ("ack", "delivery", "rest", "connect")
TIMES, PLUS_S = (
    3.0,
    0.020,
)  # G15: the p99 during an attack is at most 3 times its quiet value, or that + 20 ms
MEMORY_MIB = 64.0


@dataclass(slots=True)
class Round:
    """What one measurement gave."""

    samples: dict[str, list[tuple[float, float]]]
    wrong: dict[str, int]
    attacker: dict[str, Any]
    begin: float
    seconds: float
    idle_mib: float = 0.0
    peak_mib: float = 0.0
    after_mib: float = 0.0

    def latencies(self, kind: str) -> list[float]:
        """Of what was wanted while the attack went on, sorted."""
        end = self.begin + self.seconds
        return sorted(took for wanted, took in self.samples.get(kind, []) if self.begin <= wanted < end)

    def recovery_s(self, bounds: dict[str, float]) -> float:
        """Seconds from the end of the attack to the end of the last operation that took too long."""
        end = self.begin + self.seconds
        late = [
            wanted + took - end
            for kind, bound in bounds.items()
            for wanted, took in self.samples.get(kind, [])
            if took > bound
        ]
        return max(0.0, *late) if late else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values; infinite if there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


@dataclass(slots=True)
class Result:
    """All rounds of one attack on one store."""

    name: str
    store: str
    quiet: list[Round] = field(default_factory=list)
    during: list[Round] = field(default_factory=list)

    def median(self, kind: str, share: float, *, quiet: bool) -> float:
        """The median of the rounds, in seconds."""
        rounds = self.quiet if quiet else self.during
        return statistics.median(percentile(each.latencies(kind), share) for each in rounds)

    def bound(self, kind: str) -> float:
        """What the p99 of a kind may be."""
        quiet = self.median(kind, 0.99, quiet=True)
        return max(TIMES * quiet, quiet + PLUS_S)

    @property
    def recovery_s(self) -> float:
        """The median of the rounds."""
        bounds = {kind: self.bound(kind) for kind in KINDS}
        return statistics.median(each.recovery_s(bounds) for each in self.during)

    @property
    def grown_mib(self) -> float:
        """Memory after the last attack, above the idle level before the first."""
        return self.during[-1].after_mib - self.during[0].idle_mib

    @property
    def peak_mib(self) -> float:
        """The highest memory of any round, above the idle level."""
        return max(each.peak_mib for each in self.during) - self.during[0].idle_mib

    def wrong(self) -> dict[str, int]:
        """What went wrong for honest clients: refusals, lost connections, missing answers."""
        total: dict[str, int] = {}
        for each in self.during:
            for name, count in each.wrong.items():
                total[name] = total.get(name, 0) + count
        return total

    def broken(self) -> list[str]:
        """Each bound of G15 that does not hold."""
        found = []
        for kind in KINDS:
            during, bound = self.median(kind, 0.99, quiet=False), self.bound(kind)
            if during > bound:
                found.append(f"{kind} p99 {during * 1000:.0f} ms > {bound * 1000:.0f} ms")
        if self.grown_mib > MEMORY_MIB:
            found.append(f"memory +{self.grown_mib:.0f} MiB > {MEMORY_MIB:.0f} MiB")
        found += [f"{name}: {count}" for name, count in sorted(self.wrong().items())]
        return found


HEAD = "| attack | store | " + " | ".join(f"{kind} quiet | {kind} attack" for kind in KINDS)
HEAD += " | memory | recovery | G15 |"


def table(results: list[Result]) -> list[str]:
    """Markdown: p50 / p99 in ms, memory in MiB above the idle level (peak / after), recovery in seconds."""
    return [HEAD, "|" + " --- |" * (HEAD.count("|") - 1), *(row(result) for result in results)]


def row(result: Result) -> str:
    """One attack as a row of the table."""
    cells = [f"`{result.name}`", result.store]
    for kind in KINDS:
        for quiet in (True, False):
            p50, p99 = (result.median(kind, share, quiet=quiet) * 1000 for share in (0.5, 0.99))
            cells.append(f"{p50:.1f} / {p99:.1f}")
    cells.append(f"{result.peak_mib:+.0f} / {result.grown_mib:+.0f}")
    cells.append(f"{result.recovery_s:.1f}")
    broken = result.broken()
    cells.append("broken" if broken else "holds")
    return "| " + " | ".join(cells) + " |"
