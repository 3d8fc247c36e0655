"""Passwords: bcrypt, of any length, in threads that do not delay the event loop.

Digests are computed in idle processor time, so that chat continues as before, even on a single core
(`bench/storm.py`). Where no time is idle, one digest at a time gets a share of its own.

Both kinds of threads must not compete for long: one of idle priority that is interrupted while it holds
Python's lock would wait for the other one, and the event loop for it.
"""

import asyncio
import base64
import contextlib
import hashlib
import math
import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

import bcrypt

from hubbub.core.errors import Unavailable

T = TypeVar("T")
# More threads than processors only wait for each other.
THREADS = min(2, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
IDLE_POOL_MIN_ROUNDS = 9  # rounds; below it a digest takes milliseconds and delays nothing
IDLE_POOL_TIMEOUT_S = 2.0  # without a completed digest
NICE_INCREMENT = 10  # a tenth of the event loop's share, while that is busy
MAX_WAITING = 64  # beyond it a caller would wait too long
# Characters. The time grows with the square of a run of combining marks: 65,536 take 6 s.
MAX_NORMALIZED_CHARS = 1024


def lower_priority() -> None:
    """Lower the priority of the calling thread. On Linux, threads have priorities of their own."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE_INCREMENT)


def _set_idle_priority() -> None:
    """Let this thread run only in idle time. Unlike a nice thread it is interrupted at once."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))


_default_pool = ThreadPoolExecutor(1, thread_name_prefix="bcrypt", initializer=lower_priority)
_idle_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt-many", initializer=_set_idle_priority)
_normal_priority: ContextVar[bool] = ContextVar("normal_priority", default=False)
_waiting_count = 0
_last_completion = 0.0  # of a digest, by the loop's clock


@contextlib.contextmanager
def normal_priority() -> Iterator[None]:
    """Compute the digests of this context at the priority of the process: for commands without clients.

    Beside busy processors a digest of idle priority waits for seconds.
    """
    token = _normal_priority.set(True)
    try:
        yield
    finally:
        _normal_priority.reset(token)


async def digest(password: str, rounds: int) -> str:
    """Return the digest to store. Raises Unavailable when too many callers wait."""
    return await _run_in_pool(
        rounds, lambda: bcrypt.hashpw(_bcrypt_input(password), bcrypt.gensalt(rounds)).decode()
    )


async def matches(password: str, stored: str | None, rounds: int) -> bool:
    """Return whether the password matches the digest. None takes as long as a digest that does not match."""
    reference_digest = stored if stored is not None else _dummy_digest(rounds)
    is_equal = await _run_in_pool(
        rounds_of(reference_digest),
        lambda: bcrypt.checkpw(_bcrypt_input(password), reference_digest.encode()),
    )
    return is_equal and stored is not None


def is_busy() -> bool:
    """Return whether many callers wait, so that deferrable work should wait, too."""
    return _waiting_count > THREADS


def rounds_of(stored: str) -> int:
    """Return the cost of a digest."""
    return int(stored.split("$")[2])


def _bcrypt_input(password: str) -> bytes:
    """Return the input of bcrypt, which reads 72 bytes and stops at NUL: a digest of the whole password.

    NFKC comes first, so that a password typed on another system gives the same bytes. Very long passwords are
    not typed and not normalized: Python normalizes without releasing its lock, which would delay all sockets.
    """
    normalized = (
        unicodedata.normalize("NFKC", password) if len(password) <= MAX_NORMALIZED_CHARS else password
    )
    return base64.b64encode(hashlib.sha256(normalized.encode("utf-8", "surrogatepass")).digest())


def _dummy_digest(rounds: int) -> str:
    """Return a digest that no password matches, and that takes as long to check as another."""
    return f"$2b${rounds:02}${'.' * 53}"


async def _run_in_pool(rounds: int, function: Callable[[], T]) -> T:
    global _waiting_count  # noqa: PLW0603 - one pool, one count
    if _waiting_count >= MAX_WAITING:
        raise Unavailable("Too many logins at once. Try again in a moment.", retry_after_ms=2000)
    _waiting_count += 1
    try:
        if _normal_priority.get():
            return await asyncio.to_thread(function)
        return await (
            _run_idle(function) if rounds >= IDLE_POOL_MIN_ROUNDS else _submit(_default_pool, function)
        )
    finally:
        _waiting_count -= 1


def _submit(pool: ThreadPoolExecutor, function: Callable[[], T]) -> "asyncio.Future[T]":
    return asyncio.get_running_loop().run_in_executor(pool, function)


async def _run_idle(function: Callable[[], T]) -> T:
    """Run in idle processor time. Without progress there, run in the default pool, one call at a time."""
    global _last_completion  # noqa: PLW0603 - one process, one time
    loop, future = asyncio.get_running_loop(), _submit(_idle_pool, function)
    try:
        while not (await asyncio.wait({future}, timeout=IDLE_POOL_TIMEOUT_S))[0]:
            if loop.time() - _last_completion > IDLE_POOL_TIMEOUT_S:
                _last_completion = math.inf  # until this one is complete
                try:
                    return await _submit(_default_pool, function)
                finally:
                    _last_completion = loop.time()
        _last_completion = loop.time()
        return future.result()
    finally:
        future.cancel()
