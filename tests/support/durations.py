"""Durations of tests: by folder and one by one, and the check that slow tests state a reason.

A test that takes more than 5 s is marked with its measured time and the reason: `@pytest.mark.slow("8 s: a
lease ends")`. One that takes minutes is marked `soak`, and runs by `make soak` alone.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

import pytest

SLOW_TEST_S = 5
MAX_SLOW_TOTAL_S = 240  # for all that are slow
MAX_LISTED_TESTS = 20


def require_reasons(items: Iterable[pytest.Item]) -> None:
    """Raise pytest.UsageError if a slow test has no time or reason, or all together take too long."""
    total = 0
    for item in items:
        marker = item.get_closest_marker("slow")
        if marker is None or item.get_closest_marker("soak") is not None:
            continue
        match = re.fullmatch(r"(\d+) s: .+", str(marker.args[0]) if marker.args else "")
        if match is None:
            raise pytest.UsageError(
                f'{item.nodeid}: the marker slow names its measured time and reason, as "8 s: a lease ends".'
            )
        total += int(match[1])
    if total > MAX_SLOW_TOTAL_S:
        raise pytest.UsageError(
            f"The slow tests take {total} s together; {MAX_SLOW_TOTAL_S} s at most. See make soak."
        )


def print_report(reporter: pytest.TerminalReporter) -> None:
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
    unmarked = {
        name: seconds for name, seconds in calls.items() if seconds > SLOW_TEST_S and name not in marked
    }
    _print_times(reporter, "time of each folder", folders)
    _print_times(reporter, f"{MAX_LISTED_TESTS} slowest tests", times)
    if unmarked:
        _print_times(reporter, f"longer than {SLOW_TEST_S} s without the marker slow", unmarked)


def _print_times(reporter: pytest.TerminalReporter, title: str, times: dict[str, float]) -> None:
    reporter.section(title)
    for name, seconds in sorted(times.items(), key=lambda each: -each[1])[:MAX_LISTED_TESTS]:
        reporter.line(f"{seconds:8.1f} s  {name}")
