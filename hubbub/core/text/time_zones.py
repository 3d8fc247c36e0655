"""Time zones: the names of the IANA database that can be loaded."""

import zoneinfo
from functools import cache
from importlib import resources

from hubbub.core.text import patterns

# Placeholders that browsers reject: no zone, and the zone of the server.
_PLACEHOLDERS = frozenset({"Factory", "localtime"})


@cache
def names() -> frozenset[str]:
    """Return all zones that a user may choose."""
    try:
        listed = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    except ModuleNotFoundError:  # some packages of hubbub use the system's database
        return frozenset(zoneinfo.available_timezones() - _PLACEHOLDERS)
    return frozenset(listed) - _PLACEHOLDERS


@cache
def pattern() -> str:
    """Return a regular expression of the names, for Python and ECMAScript."""
    return f"^{patterns.any_of(sorted(names()))}$(?!\\n)"
