"""Passwords: bcrypt, any length, never on the event loop and never in its way.

A sign-in now and then gets a share of the processor of its own. Of many at once all get what is left over:
chat beside them goes on as before, also where one core is all there is (`bench/storm.py`).
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from hubbub.core.errors import Unavailable

T = TypeVar("T")
THREADS = 2
COSTLY = 9  # rounds; below it a digest takes milliseconds, and is in nobody's way
PATIENCE_S = 2.0  # of many who wait, when not one of them is done
NICE = 10  # a tenth of the event loop's share, while that has work to do
WAITING = 64  # beyond it a caller would wait longer than they are willing to
NORMALISED = 1024  # characters; the time for it grows with the square of a run of accents: 65,536 take 6 s


def _take_little() -> None:
    """Threads have a priority of their own on Linux."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE)


def _give_way() -> None:
    """Unlike one that is only nice, such a thread is interrupted at once, and not at the end of its turn."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))


_few = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt", initializer=_take_little)
_many = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt-many", initializer=_give_way)
_waiting = 0
_last_done = 0.0  # of many, in the loop's time


async def digest(password: str, rounds: int) -> str:
    """The digest to store. Raises Unavailable when too many wait."""
    return await _apart(rounds, lambda: bcrypt.hashpw(_key(password), bcrypt.gensalt(rounds)).decode())


async def matches(password: str, stored: str | None, rounds: int) -> bool:
    """Whether the password belongs to the digest; takes as long for None (nobody) as for somebody."""
    against = stored if stored is not None else _nobody(rounds)
    same = await _apart(rounds_of(against), lambda: bcrypt.checkpw(_key(password), against.encode()))
    return same and stored is not None


def busy() -> bool:
    """Whether so many wait that what can wait should."""
    return _waiting > THREADS


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


async def _apart(rounds: int, work: Callable[[], T]) -> T:
    global _waiting  # noqa: PLW0603 - one pool, one count
    if _waiting >= WAITING:
        raise Unavailable("Too many sign-ins at once. Try again in a moment.", retry_after_ms=2000)
    _waiting += 1
    try:
        return await (_left_over(work) if busy() and rounds >= COSTLY else _run(_few, work))
    finally:
        _waiting -= 1


def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> "asyncio.Future[T]":
    return asyncio.get_running_loop().run_in_executor(pool, work)


async def _left_over(work: Callable[[], T]) -> T:
    """In time that nobody else wants; where there is none, as if there were few."""
    global _last_done  # noqa: PLW0603 - one pool, one time
    loop, job = asyncio.get_running_loop(), _run(_many, work)
    try:
        while not (await asyncio.wait({job}, timeout=PATIENCE_S))[0]:
            if loop.time() - _last_done > PATIENCE_S:
                return await _run(_few, work)
        _last_done = loop.time()
        return job.result()
    finally:
        job.cancel()
