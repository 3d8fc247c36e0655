"""Passwords: bcrypt, any length, never on the event loop."""

import asyncio
import base64
import hashlib
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from hubbub.core.errors import Unavailable

T = TypeVar("T")
THREADS = 2
WAITING = 64  # beyond it a caller would wait longer than they are willing to
NORMALISED = 1024  # characters; the time for it grows with the square of a run of accents: 65,536 take 6 s

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")
_waiting = 0


async def digest(password: str, rounds: int) -> str:
    """The digest to store. Raises Unavailable when too many wait."""
    return await _apart(lambda: bcrypt.hashpw(_key(password), bcrypt.gensalt(rounds)).decode())


async def matches(password: str, stored: str | None, rounds: int) -> bool:
    """Whether the password belongs to the digest; takes as long for None (nobody) as for somebody."""
    against = stored if stored is not None else _nobody(rounds)
    same = await _apart(lambda: bcrypt.checkpw(_key(password), against.encode()))
    return same and stored is not None


def rounds_of(stored: str) -> int:
    """The cost that a digest was made with."""
    return int(stored.split("$")[2])


def _key(password: str) -> bytes:
    """What bcrypt is given: it reads 72 bytes and stops at NUL, so it gets a digest of the whole.

    NFKC first: the same password typed on another system is the same bytes. What nobody types by hand is
    taken as it is: Python normalises without letting go of its lock, and all sockets would wait for it.
    """
    typed = unicodedata.normalize("NFKC", password) if len(password) <= NORMALISED else password
    return base64.b64encode(hashlib.sha256(typed.encode("utf-8", "surrogatepass")).digest())


def _nobody(rounds: int) -> str:
    """A digest that no password has, and that takes as long to refuse as another."""
    return f"$2b${rounds:02}${'.' * 53}"


async def _apart(work: Callable[[], T]) -> T:
    global _waiting  # noqa: PLW0603 - one pool, one count
    if _waiting >= WAITING:
        raise Unavailable("Too many sign-ins at once. Try again in a moment.", retry_after_ms=2000)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work)
    finally:
        _waiting -= 1
