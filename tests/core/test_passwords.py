import asyncio
import os
import sys
import threading

import pytest

from hubbub.core import passwords
from hubbub.core.errors import Unavailable

ROUNDS = 4


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "пароль и ещё",
        "密码密码密码密码",
        "🐎🔋" * 40,
        "with\x00nul",
        "x" * 72,
        "y" * 60_000,
    ],
)
async def test_a_password_matches_its_digest(password):
    stored = await passwords.digest(password, ROUNDS)

    assert await passwords.matches(password, stored, ROUNDS)
    assert not await passwords.matches(password + " ", stored, ROUNDS)
    assert not await passwords.matches(password[:-1], stored, ROUNDS)


@pytest.mark.parametrize("same", [72, 73, 200, 5000])
async def test_every_character_counts_at_any_length(same):
    stored = await passwords.digest("a" * same + "b", ROUNDS)

    assert not await passwords.matches("a" * same + "c", stored, ROUNDS)
    assert not await passwords.matches("a" * same, stored, ROUNDS)


async def test_a_nul_character_does_not_end_a_password():
    stored = await passwords.digest("before\x00after", ROUNDS)

    assert not await passwords.matches("before\x00other", stored, ROUNDS)


async def test_equivalent_unicode_forms_of_a_password_match():
    stored = await passwords.digest("caf\u00e9 cr\u00e8me", ROUNDS)

    assert await passwords.matches("cafe\u0301 cre\u0300me", stored, ROUNDS)


async def test_a_password_of_combining_marks_takes_bounded_time():
    # Sorting these by the book takes seconds, and all sockets would wait for it.
    password = "a" + "\u0315" * 32_000 + "\u0316" * 32_000
    loop = asyncio.get_running_loop()
    began = loop.time()

    stored = await passwords.digest(password, ROUNDS)

    assert loop.time() - began < 1
    assert await passwords.matches(password, stored, ROUNDS)
    assert not await passwords.matches(password[:-1], stored, ROUNDS)


@pytest.mark.parametrize(("length", "same"), [(1024, True), (1025, False)])
async def test_unusual_characters_are_used_unchanged(length, same):
    stored = await passwords.digest("\uff41".rjust(length, "x"), ROUNDS)

    assert await passwords.matches("a".rjust(length, "x"), stored, ROUNDS) == same


async def test_a_missing_digest_matches_no_password():
    assert not await passwords.matches("", None, ROUNDS)
    assert not await passwords.matches("nobody", None, ROUNDS)


async def test_a_digest_contains_its_rounds():
    assert passwords.rounds_of(await passwords.digest("correct horse", 5)) == 5


async def test_digests_of_one_password_differ():
    assert await passwords.digest("correct horse", ROUNDS) != await passwords.digest("correct horse", ROUNDS)


async def test_the_event_loop_keeps_running_during_a_digest():
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    gaps = []

    async def tick():
        before = loop.time()
        while not done.is_set():
            await asyncio.sleep(0.002)  # the tick itself
            now = loop.time()
            gaps.append(now - before)
            before = now

    ticker = asyncio.create_task(tick())
    began = loop.time()
    await asyncio.gather(*(passwords.digest("correct horse", 10) for _ in range(8)))
    took = loop.time() - began
    done.set()
    await ticker

    gaps.sort()
    assert gaps[len(gaps) // 2] < 0.05
    assert gaps[-1] < took / 2  # were it on the loop, there would be one gap as long as all of it


async def test_calls_past_a_bound_are_refused_at_once(monkeypatch):
    monkeypatch.setattr(passwords, "MAX_WAITING", 3)

    results = await asyncio.gather(
        *(passwords.digest("correct horse", ROUNDS) for _ in range(5)), return_exceptions=True
    )

    refused = [each for each in results if isinstance(each, Unavailable)]
    assert len(refused) == 2
    assert refused[0].retry_after_ms
    assert await passwords.digest("correct horse", ROUNDS)


@pytest.fixture
def held(monkeypatch):
    """The threads for many get no time."""
    monkeypatch.setattr(passwords, "IDLE_POOL_TIMEOUT_S", 0.05)
    monkeypatch.setattr(passwords, "IDLE_POOL_MIN_ROUNDS", ROUNDS)
    over = threading.Event()
    jobs = [passwords._idle_pool.submit(over.wait) for _ in range(passwords.THREADS)]
    yield
    over.set()
    for job in jobs:
        job.result()


async def test_digests_proceed_without_idle_time(held):
    digests = await asyncio.gather(*(passwords.digest(f"password {n}", ROUNDS) for n in range(9)))

    for number, stored in enumerate(digests):
        assert await passwords.matches(f"password {number}", stored, ROUNDS)


async def test_without_idle_time_one_digest_at_a_time_gets_a_share(held, monkeypatch):
    """Two would delay the event loop twice, and starve the threads of idle priority."""
    running, most = 0, 0
    submit = passwords._submit

    async def count(pool, function):
        nonlocal running, most
        if pool is not passwords._default_pool:
            return await submit(pool, function)
        running += 1
        most = max(most, running)
        try:
            return await submit(pool, function)
        finally:
            running -= 1

    monkeypatch.setattr(passwords, "_submit", lambda *args: asyncio.ensure_future(count(*args)))
    await asyncio.gather(*(passwords.digest(f"password {n}", ROUNDS) for n in range(5)))

    assert most == 1


async def test_a_cancelled_caller_frees_its_slot(held, monkeypatch):
    monkeypatch.setattr(passwords, "IDLE_POOL_TIMEOUT_S", 3600)
    for _ in range(3):
        many = [asyncio.ensure_future(passwords.digest("x", ROUNDS)) for _ in range(passwords.MAX_WAITING)]
        await asyncio.wait(many, timeout=0.05)
        for each in many:
            each.cancel()
        await asyncio.gather(*many, return_exceptions=True)

    monkeypatch.setattr(passwords, "IDLE_POOL_TIMEOUT_S", 0.05)
    assert await passwords.digest("correct horse", ROUNDS)


async def test_a_command_computes_digests_at_the_priority_of_the_process(monkeypatch):
    found = []

    def compute(_password, _digest):
        found.append((os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        return True

    monkeypatch.setattr(passwords.bcrypt, "checkpw", compute)
    digest = passwords._dummy_digest(passwords.IDLE_POOL_MIN_ROUNDS)
    with passwords.normal_priority():
        assert await passwords.matches("correct horse", digest, passwords.IDLE_POOL_MIN_ROUNDS)
    assert await passwords.matches("correct horse", digest, passwords.IDLE_POOL_MIN_ROUNDS)

    if sys.platform == "linux":
        normal = (os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0))
        assert [each == normal for each in found] == [True, False]


async def test_its_threads_have_a_lower_priority_than_the_event_loop():
    await passwords.digest("correct horse", ROUNDS)  # starts the other thread
    await asyncio.gather(
        *(passwords.digest("correct horse", passwords.IDLE_POOL_MIN_ROUNDS) for _ in range(9))
    )

    if sys.platform == "linux":
        threads = {each.name.rpartition("_")[0]: each.native_id or 0 for each in threading.enumerate()}
        assert os.sched_getscheduler(threads["bcrypt-many"]) == os.SCHED_IDLE
        assert os.getpriority(os.PRIO_PROCESS, threads["bcrypt"]) > os.getpriority(os.PRIO_PROCESS, 0)
