"""What hubbub counts about itself: plain integers on the hot path, rendered when somebody asks."""

from collections import Counter, defaultdict
from collections.abc import Callable

counters: Counter[str] = Counter()
gauges: dict[str, Callable[[], float]] = {}
labelled: defaultdict[str, Counter[str]] = defaultdict(Counter)


def count(name: str, label: str = "", by: int = 1) -> None:
    """Add to a counter. Labels come from closed sets only, never from users."""
    if label:
        labelled[name][label] += by
    else:
        counters[name] += by


def gauge(name: str, read: Callable[[], float]) -> None:
    """Name a function whose value is read at each scrape."""
    gauges[name] = read
