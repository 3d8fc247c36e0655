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
IDLE_POOL_MIN_ROUNDS = 9  # rounds; below it a digest takes milliseconds, and is in nobody's way
IDLE_POOL_TIMEOUT_S = 2.0  # of many who wait, when not one of them is done
NICE_INCREMENT = 10  # a tenth of the event loop's share, while that has work to do
MAX_WAITING = 64  # beyond it a caller would wait longer than they are willing to
MAX_NORMALIZED_CHARS = (
    1024  # characters; the time for it grows with the square of a run of accents: 65,536 take 6 s
)


def _lower_priority() -> None:
    """Threads have a priority of their own on Linux."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE_INCREMENT)


def _set_idle_priority() -> None:
    """Unlike one that is only nice, such a thread is interrupted at once, and not at the end of its turn."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))


_default_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt", initializer=_lower_priority)
_idle_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt-many", initializer=_set_idle_priority)
_waiting_count = 0
_last_idle_completion = 0.0  # of many, in the loop's time


async def digest(password: str, rounds: int) -> str:
    """The digest to store. Raises Unavailable when too many wait."""
    return await _run_in_pool(
        rounds, lambda: bcrypt.hashpw(_bcrypt_input(password), bcrypt.gensalt(rounds)).decode()
    )


async def matches(password: str, stored: str | None, rounds: int) -> bool:
    """Whether the password belongs to the digest; takes as long for None (nobody) as for somebody."""
    reference_digest = stored if stored is not None else _dummy_digest(rounds)
    is_equal = await _run_in_pool(
        rounds_of(reference_digest),
        lambda: bcrypt.checkpw(_bcrypt_input(password), reference_digest.encode()),
    )
    return is_equal and stored is not None


def is_busy() -> bool:
    """Whether so many wait that what can wait should."""
    return _waiting_count > THREADS


def rounds_of(stored: str) -> int:
    """The cost that a digest was made with."""
    return int(stored.split("$")[2])


def _bcrypt_input(password: str) -> bytes:
    """What bcrypt is given: it reads 72 bytes and stops at NUL, so it gets a digest of the whole.

    NFKC first: the same password typed on another system is the same bytes. What nobody types by hand is
    taken as it is: Python normalises without letting go of its lock, and all sockets would wait for it.
    """
    normalized = (
        unicodedata.normalize("NFKC", password) if len(password) <= MAX_NORMALIZED_CHARS else password
    )
    return base64.b64encode(hashlib.sha256(normalized.encode("utf-8", "surrogatepass")).digest())


def _dummy_digest(rounds: int) -> str:
    """A digest that no password has, and that takes as long to refuse as another."""
    return f"$2b${rounds:02}${'.' * 53}"


async def _run_in_pool(rounds: int, function: Callable[[], T]) -> T:
    global _waiting_count  # noqa: PLW0603 - one pool, one count
    if _waiting_count >= MAX_WAITING:
        raise Unavailable("Too many sign-ins at once. Try again in a moment.", retry_after_ms=2000)
    _waiting_count += 1
    try:
        return await (
            _run_idle(function)
            if is_busy() and rounds >= IDLE_POOL_MIN_ROUNDS
            else _submit(_default_pool, function)
        )
    finally:
        _waiting_count -= 1


def _submit(pool: ThreadPoolExecutor, function: Callable[[], T]) -> "asyncio.Future[T]":
    return asyncio.get_running_loop().run_in_executor(pool, function)


async def _run_idle(function: Callable[[], T]) -> T:
    """In time that nobody else wants; where there is none, as if there were few."""
    global _last_idle_completion  # noqa: PLW0603 - one pool, one time
    loop, future = asyncio.get_running_loop(), _submit(_idle_pool, function)
    try:
        while not (await asyncio.wait({future}, timeout=IDLE_POOL_TIMEOUT_S))[0]:
            if loop.time() - _last_idle_completion > IDLE_POOL_TIMEOUT_S:
                return await _submit(_default_pool, function)
        _last_idle_completion = loop.time()
        return future.result()
    finally:
        future.cancel()
