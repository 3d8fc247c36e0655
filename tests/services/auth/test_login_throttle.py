"""Failed logins delay the next ones, and do not lock out the owner."""

from types import SimpleNamespace

import pytest

from hubbub.cluster.memory import MemoryRateLimiter
from hubbub.config import Settings
from hubbub.core.errors import RateLimited
from hubbub.services.auth import login_throttle

EMAIL = "ada@example.com"
HOME, AWAY = "192.0.2.1", "198.51.100.7"
FREE = 3


@pytest.fixture
def container(time):
    settings = Settings.for_tests(limit_auth=f"{FREE}/1")
    return SimpleNamespace(settings=settings, rate_limiter=MemoryRateLimiter())


async def wait(container, email=EMAIL, address=HOME) -> float:
    """Seconds until the next attempt."""
    try:
        await login_throttle.check(container, login_throttle.throttle_key(email, address))
    except RateLimited as error:
        return (error.retry_after_ms or 0) / 1000
    return 0


async def fail(container, times=1, email=EMAIL, address=HOME) -> None:
    for _ in range(times):
        await login_throttle.record_failure(container, login_throttle.throttle_key(email, address))


async def test_waits_grow_with_each_failure_up_to_a_quarter_of_an_hour(container, time) -> None:
    await fail(container, FREE)
    waits = [await wait(container)]
    for _ in range(12):
        await fail(container)
        waits.append(await wait(container))
        time[0] += waits[-1]
        assert await wait(container) == 0

    assert waits == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_a_success_resets_the_waits(container, time) -> None:
    await fail(container, FREE + 4)
    time[0] += 60
    await login_throttle.record_success(container, login_throttle.throttle_key(EMAIL, HOME))

    await fail(container, FREE)
    assert await wait(container) == 0


async def test_spellings_of_an_email_address_are_one_account(container) -> None:
    await fail(container, FREE + 1, email=" ADA@example.com")

    assert await wait(container, email="ada@EXAMPLE.com ") == 1
    assert await wait(container, email="bob@example.com") == 0
    assert await wait(container, email="\ud800@example.com") == 0


async def test_failures_of_others_do_not_delay_the_owner(container) -> None:
    await login_throttle.record_success(container, login_throttle.throttle_key(EMAIL, HOME))
    for number in range(20 * FREE):
        await fail(container, address=f"203.0.113.{number}")

    assert await wait(container, address=HOME) == 0
    assert await wait(container, address=AWAY) > 0, "strangers wait, from wherever they come"
    await fail(container, FREE + 2, address=HOME)
    assert await wait(container, address=HOME) == 2, "where the owner is known, their own failures count"


async def test_an_ip_address_that_tries_many_accounts_waits_at_all_of_them(container) -> None:
    await login_throttle.record_success(container, login_throttle.throttle_key(EMAIL, HOME))
    for number in range(5 * FREE + 3):
        await fail(container, email=f"user{number}@example.com")

    assert await wait(container, email="bob@example.com") == 4
    assert await wait(container, email="bob@example.com", address=AWAY) == 0
    assert await wait(container) == 0, "who signed in from there before goes on doing so"


async def test_logging_in_to_an_own_account_does_not_allow_more_guesses_at_others(container) -> None:
    mine = login_throttle.throttle_key("mallory@example.com", HOME)
    for number in range(5 * FREE):
        await fail(container, times=2, email=f"user{number}@example.com")
        await login_throttle.record_success(container, mine)

    await fail(container, email="last@example.com")
    assert await wait(container, email="bob@example.com") == 1


async def test_the_counters_contain_no_readable_account_data() -> None:
    made = login_throttle.throttle_key(EMAIL, HOME)

    assert not any("ada" in key for key in made.store_keys.values())


async def test_no_login_waits_where_logins_are_unlimited(container) -> None:
    container.settings = Settings.for_tests(limit_auth="off")
    await fail(container, 1000)

    assert await wait(container) == 0
