"""Time zones: the names of the IANA database that load."""

import zoneinfo
from functools import cache
from importlib import resources

from hubbub.core.text import patterns

# Placeholders, which browsers do not know: no zone, and whatever zone the server has.
_PLACEHOLDERS = frozenset({"Factory", "localtime"})


@cache
def names() -> frozenset[str]:
    """All zones that a user may choose."""
    try:
        listed = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    except ModuleNotFoundError:  # a package of hubbub without it relies on the system's
        return frozenset(zoneinfo.available_timezones() - _PLACEHOLDERS)
    return frozenset(listed) - _PLACEHOLDERS


@cache
def pattern() -> str:
    """A regular expression of their names, for Python and for ECMAScript."""
    return f"^{patterns.any_of(sorted(names()))}$(?!\\n)"
