"""Print docs/metrics.md, generated from the table of metrics."""

from hubbub.core import metrics

HEAD = """# Metrics

`GET /metrics` is Prometheus text. Every metric exists from the start of the process, with
the value 0, and counts this process alone.
This page is generated from `hubbub/core/metrics.py` (`make documents`).
"""


def _row(metric: metrics.Metric, suffix: str) -> str:
    label = f"`{metric.label}`" if metric.label else ""
    return f"| `hubbub_{metric.name}{suffix}` | {label} | {metric.help} |"


def text() -> str:
    """Return the page."""
    lines = [HEAD, "## Counters", "", "| name | label | meaning |", "| --- | --- | --- |"]
    lines += [_row(metric, "_total") for metric in metrics.COUNTERS]
    lines += ["", "## Gauges", "", "| name | label | meaning |", "| --- | --- | --- |"]
    lines += [_row(metric, "") for metric in metrics.GAUGES]
    return "\n".join(lines)


if __name__ == "__main__":
    print(text())
