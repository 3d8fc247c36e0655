"""The history of measurements: a line of JSON for each scenario and server."""

import datetime as dt
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import ratios
from bench.processes import ROOT
from bench.scenarios import Scenario

HISTORY_PATH = ROOT / "bench" / "history.jsonl"
OFF = "off"
_COMMON_FIGURES = ("server_us", "postgres_us", "total_us", "server_cpu")


def commit_of(root: Path) -> str:
    """Return the commit of a working copy, with `+` if files differ from it; empty if it is none."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def entries(
    scenario: Scenario, results: ratios.Results, conditions: Mapping[str, Any], root: Path = ROOT
) -> Iterable[dict[str, Any]]:
    """Yield an entry for each server that was run: conditions, medians, and all runs."""
    figures = [it.figure for it in scenario.targets] + [*scenario.figures, *_COMMON_FIGURES]
    for server, rows in results.items():
        if not rows:
            continue
        yield {
            "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "commit": commit_of(root),
            "python": platform.python_version(),
            "scenario": scenario.name,
            "server": server,
            **conditions,
            "medians": {name: ratios.median(rows, name) for name in dict.fromkeys(figures)},
            "failures": ratios.failures(rows),
            "runs": list(rows),
        }


def append(path: Path, found: Iterable[Mapping[str, Any]]) -> None:
    """Append entries to the history."""
    lines: Sequence[str] = [json.dumps(entry, separators=(",", ":")) + "\n" for entry in found]
    with path.open("a") as history:
        history.writelines(lines)
