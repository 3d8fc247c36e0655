"""How long tests take: by folder and one by one, and whether those that take long say so.

A test that takes more than 5 s is marked with its measured time and the reason: `@pytest.mark.slow("8 s: a
lease ends")`. One that takes minutes is marked `soak`, and runs by `make soak` alone.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

import pytest

SLOW_S = 5
MOST_S = 240  # for all that are slow
SLOWEST = 20


def require_reasons(items: Iterable[pytest.Item]) -> None:
    """Raise pytest.UsageError if a slow test has no time or reason, or all together take too long."""
    total = 0
    for item in items:
        marker = item.get_closest_marker("slow")
        if marker is None or item.get_closest_marker("soak") is not None:
            continue
        said = re.fullmatch(r"(\d+) s: .+", str(marker.args[0]) if marker.args else "")
        if said is None:
            raise pytest.UsageError(
                f'{item.nodeid}: the marker slow names its measured time and reason, as "8 s: a lease ends".'
            )
        total += int(said[1])
    if total > MOST_S:
        raise pytest.UsageError(f"The slow tests take {total} s together; {MOST_S} s at most. See make soak.")


def show(reporter: pytest.TerminalReporter) -> None:
    """Print the time of each folder and the slowest tests, and name those that are slow without a marker."""
    reports = [
        report
        for reports in list(reporter.stats.values())
        for report in reports
        if isinstance(report, pytest.TestReport)
    ]
    times: dict[str, float] = defaultdict(float)
    calls: dict[str, float] = defaultdict(float)
    folders: dict[str, float] = defaultdict(float)
    marked = set()
    for report in reports:
        times[report.nodeid] += report.duration
        if report.when == "call":
            calls[report.nodeid] += report.duration
        if "slow" in report.keywords or "soak" in report.keywords:
            marked.add(report.nodeid)
        folders["/".join(report.nodeid.partition("::")[0].split("/")[:2])] += report.duration
    unmarked = {name: took for name, took in calls.items() if took > SLOW_S and name not in marked}
    _list(reporter, "time of each folder", folders)
    _list(reporter, f"{SLOWEST} slowest tests", times)
    if unmarked:
        _list(reporter, f"longer than {SLOW_S} s without the marker slow", unmarked)


def _list(reporter: pytest.TerminalReporter, title: str, times: dict[str, float]) -> None:
    reporter.section(title)
    for name, took in sorted(times.items(), key=lambda each: -each[1])[:SLOWEST]:
        reporter.line(f"{took:8.1f} s  {name}")
