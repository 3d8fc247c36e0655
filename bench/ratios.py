"""Figures of runs into medians, medians into ratios, ratios into a table. Nothing here starts anything."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from bench.scenarios import RatioTarget, Scenario

HUBBUB = "hubbub"
FAILURE_COUNTS = ("missing", "duplicated", "reordered", "late", "failed", "disconnected")
Row = Mapping[str, Any]


def value_of(row: Row, name: str) -> float:
    """A figure of a run, `a.b` for nested ones; 0 where it is not there."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part, 0) if isinstance(value, Mapping) else 0
    return float(value)


def median(rows: Iterable[Row], name: str) -> float:
    """Of all runs of one server."""
    return statistics.median(value_of(row, name) for row in rows)


def spread(rows: Iterable[Row], name: str) -> str:
    """`median [least-most]`."""
    values = sorted(value_of(row, name) for row in rows)
    return f"{statistics.median(values):.5g} [{values[0]:.5g}-{values[-1]:.5g}]"


def failures(rows: Iterable[Row]) -> list[str]:
    """What was lost, repeated or out of order, or failed; empty if all was whole."""
    return [f"{name}: {row[name]}" for row in rows for name in FAILURE_COUNTS if row.get(name)]


def verdict(ratio: float, target: RatioTarget) -> str:
    """`aim`, `reached`, `short`, or `-` where nothing is asked."""

    def reaches(bound: float | None) -> bool:
        return bound is not None and (ratio <= bound if target.lower_is_better else ratio >= bound)

    if reaches(target.goal):
        return "aim"
    if reaches(target.required):
        return "reached"
    return "short" if target.required is not None else "below aim"


def table(scenario: Scenario, results: Mapping[str, list[Row]]) -> list[str]:
    """Markdown: every figure that is asked for, each server's median and the ratio."""
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
        return "**not whole**: " + ", ".join(failed)
    return f"whole in {len(rows)} runs; server's CPU {spread(rows, 'server_cpu')} %"
