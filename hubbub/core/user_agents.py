"""Parses a User-Agent header, so that users recognise their devices."""

from functools import lru_cache
from typing import NamedTuple

MAX_USER_AGENT_CHARS = 300
CACHE_SIZE = 1024  # texts, of each kind of cache


class UserAgent(NamedTuple):
    """The parsed header. None where a part is unknown."""

    browser: str | None
    os: str | None
    device: str | None


@lru_cache(maxsize=CACHE_SIZE)
def intern_text(text: str) -> str:
    """Return one text for all connections of the same client. The caller cuts it to `MAX_USER_AGENT_CHARS`.

    `sys.intern` would keep each text that was ever sent, on some versions of Python forever.
    """
    return text


@lru_cache(maxsize=CACHE_SIZE)
def parse(text: str) -> UserAgent:
    """Parse a header. The first call takes 100 ms to load the patterns, an unknown text some ms."""
    from ua_parser import parse  # noqa: PLC0415 - saves 100 ms at the start

    found = parse(text[:MAX_USER_AGENT_CHARS])
    browser = _version(found.user_agent.family, found.user_agent.major) if found.user_agent else None
    system = _version(found.os.family, found.os.major) if found.os else None
    return UserAgent(browser, system, found.device.family if found.device else None)


def describe(text: str) -> str:
    """Return browser and operating system of a header as text, such as `Firefox 140 on Windows 11`.

    Takes as long as `parse`.
    """
    agent = parse(text)
    return " on ".join(part for part in (agent.browser, agent.os) if part) or "an unknown device"


def _version(family: str, major: str | None) -> str:
    return f"{family} {major}" if major else family
