"""What a User-Agent header says of a device, for people to recognise it by."""

from functools import lru_cache
from typing import NamedTuple

MAX_USER_AGENT_CHARS = 300
CACHE_SIZE = 1024  # texts, of each kind of cache


class UserAgent(NamedTuple):
    """None where nothing is known."""

    browser: str | None
    os: str | None
    device: str | None


@lru_cache(maxsize=CACHE_SIZE)
def intern_text(text: str) -> str:
    """Return one text for all connections of the same program. The caller cuts it to `LONGEST` characters.

    `sys.intern` would keep each text that was ever sent, on some versions of Python for ever.
    """
    return text


@lru_cache(maxsize=CACHE_SIZE)
def parse(text: str) -> UserAgent:
    """Takes 100 ms at its first call, which loads the patterns, and some ms for what matches none."""
    from ua_parser import parse  # noqa: PLC0415 - 100 ms that a start does not need

    found = parse(text[:MAX_USER_AGENT_CHARS])
    browser = _version(found.user_agent.family, found.user_agent.major) if found.user_agent else None
    system = _version(found.os.family, found.os.major) if found.os else None
    return UserAgent(browser, system, found.device.family if found.device else None)


def _version(family: str, major: str | None) -> str:
    return f"{family} {major}" if major else family
