"""Figures of runs into medians, medians into ratios, ratios into a table. Nothing here starts anything."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from bench.scenarios import Scenario, Wanted

OWN = "hubbub"
WRONG = ("missing", "duplicated", "reordered", "late", "failed", "disconnected")
Row = Mapping[str, Any]


def figure(row: Row, name: str) -> float:
    """A figure of a run, `a.b` for nested ones; 0 where it is not there."""
    found: Any = row
    for part in name.split("."):
        found = found.get(part, 0) if isinstance(found, Mapping) else 0
    return float(found)


def median(rows: Iterable[Row], name: str) -> float:
    """Of all runs of one server."""
    return statistics.median(figure(row, name) for row in rows)


def spread(rows: Iterable[Row], name: str) -> str:
    """`median [least-most]`."""
    values = sorted(figure(row, name) for row in rows)
    return f"{statistics.median(values):.5g} [{values[0]:.5g}-{values[-1]:.5g}]"


def broken(rows: Iterable[Row]) -> list[str]:
    """What was lost, repeated or out of order, or failed; empty if all was whole."""
    return [f"{name}: {row[name]}" for row in rows for name in WRONG if row.get(name)]


def verdict(ratio: float, wanted: Wanted) -> str:
    """`aim`, `reached`, `short`, or `-` where nothing is asked."""

    def good(bound: float | None) -> bool:
        return bound is not None and (ratio <= bound if wanted.lower else ratio >= bound)

    if good(wanted.aim):
        return "aim"
    if good(wanted.reach):
        return "reached"
    return "short" if wanted.reach is not None else "below aim"


def table(scenario: Scenario, found: Mapping[str, list[Row]]) -> list[str]:
    """Markdown: every figure that is asked for, each server's median and the ratio."""
    lines = [f"### {scenario.name}: {scenario.says}", ""]
    lines += ["| figure | peer | hubbub | peer's | ratio | at least | aim | |", "|" + " --- |" * 8]
    for wanted in scenario.wanted:
        bounds = [
            ("≤ " if wanted.lower else "") + f"{it:g}" if it else "" for it in (wanted.reach, wanted.aim)
        ]
        if not found.get(OWN) or not found.get(wanted.peer):
            lines.append(f"| {wanted.figure} | {wanted.peer} | | not run | | {bounds[0]} | {bounds[1]} | |")
            continue
        own, peer = (median(found[name], wanted.figure) for name in (OWN, wanted.peer))
        ratio = own / peer if peer else float("inf")
        cells = [wanted.figure, wanted.peer, spread(found[OWN], wanted.figure)]
        cells += [spread(found[wanted.peer], wanted.figure), f"{ratio:.2f}", *bounds, verdict(ratio, wanted)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"- {name}: {_integrity(rows)}" for name, rows in found.items()), ""]
    return lines


def _integrity(rows: list[Row]) -> str:
    wrong = broken(rows)
    if wrong:
        return "**not whole**: " + ", ".join(wrong)
    return f"whole in {len(rows)} runs; server's CPU {spread(rows, 'server_cpu')} %"
