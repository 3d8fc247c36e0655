"""Medians of the figures of runs, ratios of medians, and tables. Pure functions."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.scenarios import RATE_FIGURES, Scenario, Target

HUBBUB = "hubbub"
FAILURE_COUNTS = (
    "missing",
    "duplicated",
    "reordered",
    "late",
    "unknown",
    "failed",
    "disconnected",
    "unacknowledged",
    "chat_failures",
)
GROUPS = ("instances", "worker", "redis", "postgres")
Row = Mapping[str, Any]
Results = Mapping[str, Sequence[Row]]


def value_of(row: Row, name: str) -> float:
    """Return a figure of a run, `a.b` for nested ones; 0 if it is missing."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part, 0) if isinstance(value, Mapping) else 0
    return float(value)


def median(rows: Iterable[Row], name: str) -> float:
    """Return the median of a figure over all runs of one server."""
    return statistics.median(value_of(row, name) for row in rows)


def spread(rows: Iterable[Row], name: str) -> str:
    """Format `median [lowest-highest]`."""
    values = sorted(value_of(row, name) for row in rows)
    return f"{statistics.median(values):.5g} [{values[0]:.5g}-{values[-1]:.5g}]"


def failures(rows: Iterable[Row]) -> list[str]:
    """List what was lost, duplicated, reordered or not acknowledged; empty if nothing was."""
    found = []
    for number, row in enumerate(rows, 1):
        counts = {name: row[name] for name in FAILURE_COUNTS if row.get(name)}
        if (unacknowledged := row.get("sent", 0) - row.get("acks", row.get("sent", 0))) > 0:
            counts["unacknowledged"] = unacknowledged
        found += [f"{name}: {count} (run {number})" for name, count in counts.items()]
    return found


def ratio_of(target: Target, results: Results) -> float | None:
    """Return hubbub's median divided by the peer's, or the median itself. None: one of them was not run."""
    if not results.get(HUBBUB):
        return None
    own = median(results[HUBBUB], target.figure)
    if target.peer is None:
        return own
    if not results.get(target.peer):
        return None
    peer = median(results[target.peer], target.figure)
    return own / peer if peer else float("inf")


def verdict(ratio: float | None, target: Target) -> str:
    """Return which of the two is reached: `target`, `minimum`, `below minimum` or `below target`."""

    def reaches(reached: float, bound: float | None) -> bool:
        return bound is not None and (reached <= bound if target.lower_is_better else reached >= bound)

    if ratio is None:
        return "not run"
    if target.minimum is None and target.target is None:
        return ""
    if reaches(ratio, target.target):
        return "target"
    if reaches(ratio, target.minimum):
        return "minimum"
    return "below target" if target.minimum is None else "below minimum"


def problems(scenario: Scenario, results: Results) -> list[str]:
    """List why a comparison has failed: a minimum not reached or not measured, a run that lost something."""
    found = [f"{scenario.name} hubbub {text}" for text in failures(results.get(HUBBUB, ()))]
    for target in scenario.targets:
        outcome = verdict(ratio_of(target, results), target)
        if target.minimum is not None and outcome in {"not run", "below minimum"}:
            found.append(f"{scenario.name} {target.figure} to {target.peer or 'its bound'}: {outcome}")
    return found


def table(scenario: Scenario, results: Results) -> list[str]:
    """Format Markdown: the figures of each server, then each ratio with its minimum and target."""
    lines = [f"### {scenario.name}: {scenario.description}", "", *_figures_table(scenario, results), ""]
    return [*lines, *targets_table([(scenario, results)]), "", *_completeness(results), ""]


def targets_table(measured: Iterable[tuple[Scenario, Results]]) -> list[str]:
    """Format Markdown: a row for each target of all scenarios."""
    lines = ["| | figure | compared with | ratio | minimum | target | reached |", "|" + " --- |" * 7]
    for scenario, results in measured:
        for target in scenario.targets:
            ratio = ratio_of(target, results)
            bounds = [_bound(target, bound) for bound in (target.minimum, target.target)]
            cells = [scenario.name, target.figure, target.peer or "its bounds"]
            cells += ["" if ratio is None else f"{ratio:.4g}", *bounds, verdict(ratio, target)]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _bound(target: Target, bound: float | None) -> str:
    return "" if bound is None else ("≤ " if target.lower_is_better else "≥ ") + f"{bound:g}"


def _figures_table(scenario: Scenario, results: Results) -> list[str]:
    """Format the medians of each server: wall figures, CPU in % of a core, and CPU time per operation."""
    names = list(dict.fromkeys([it.figure for it in scenario.targets] + list(scenario.figures)))
    head = ["server", *names]
    if scenario.operation in RATE_FIGURES:
        head += [f"CPU % ({', '.join(GROUPS)})", f"µs per {scenario.operation}", "PostgreSQL's µs"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for server, rows in results.items():
        if not rows:
            continue
        cells = [server, *(spread(rows, name) for name in names)]
        if scenario.operation in RATE_FIGURES:
            shares = [f"{median(rows, f'cpu.{group}'):.0f}" for group in GROUPS]
            cells += [", ".join(shares), spread(rows, "server_us"), f"{median(rows, 'postgres_us'):.3g}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _completeness(results: Results) -> list[str]:
    lines = []
    for server, rows in results.items():
        failed = failures(rows)
        state = "**not complete**: " + ", ".join(failed) if failed else f"complete in {len(rows)} runs"
        lines.append(f"- {server}: {state if rows else 'not run'}")
    return lines
