"""Medians of the figures of runs, ratios of medians, and tables of ratios. Pure functions."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from bench.scenarios import RatioTarget, Scenario

HUBBUB = "hubbub"
FAILURE_COUNTS = ("missing", "duplicated", "reordered", "late", "failed", "disconnected")
Row = Mapping[str, Any]


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
    """List lost, duplicated, reordered and failed messages; empty if there are none."""
    return [f"{name}: {row[name]}" for row in rows for name in FAILURE_COUNTS if row.get(name)]


def verdict(ratio: float, target: RatioTarget) -> str:
    """Return `aim`, `reached`, `short`, or `below aim` if there is no required value."""

    def reaches(bound: float | None) -> bool:
        return bound is not None and (ratio <= bound if target.lower_is_better else ratio >= bound)

    if reaches(target.goal):
        return "aim"
    if reaches(target.required):
        return "reached"
    return "short" if target.required is not None else "below aim"


def table(scenario: Scenario, results: Mapping[str, list[Row]]) -> list[str]:
    """Format Markdown: every figure with a target, the median of each server, and the ratio."""
    lines = [f"### {scenario.name}: {scenario.description}", ""]
    lines += ["| figure | peer | hubbub | peer's | ratio | at least | aim | |", "|" + " --- |" * 8]
    for target in scenario.targets:
        bounds = [
            ("≤ " if target.lower_is_better else "") + f"{it:g}" if it else ""
            for it in (target.required, target.goal)
        ]
        if not results.get(HUBBUB) or not results.get(target.peer):
            lines.append(f"| {target.figure} | {target.peer} | | not run | | {bounds[0]} | {bounds[1]} | |")
            continue
        own, peer = (median(results[name], target.figure) for name in (HUBBUB, target.peer))
        ratio = own / peer if peer else float("inf")
        cells = [target.figure, target.peer, spread(results[HUBBUB], target.figure)]
        cells += [
            spread(results[target.peer], target.figure),
            f"{ratio:.2f}",
            *bounds,
            verdict(ratio, target),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"- {name}: {_integrity(rows)}" for name, rows in results.items()), ""]
    return lines


def _integrity(rows: list[Row]) -> str:
    failed = failures(rows)
    if failed:
        return "**not complete**: " + ", ".join(failed)
    return f"complete in {len(rows)} runs; server's CPU {spread(rows, 'server_cpu')} %"
