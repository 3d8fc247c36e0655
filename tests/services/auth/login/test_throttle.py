"""Logins are throttled by the operation, without HTTP."""

import pytest

from hubbub.cli import services_context
from hubbub.core.errors import RateLimited, Unauthenticated
from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import ForgotPassword, Login, Register
from hubbub.schemas.base import parse
from hubbub.services import rate_limits
from hubbub.services.accounts import registration
from hubbub.services.auth import login as login_operations
from hubbub.services.auth import passwords

EMAIL, PASSWORD = "ada@example.org", "long enough"
HOME, ELSEWHERE = RequestInfo("192.0.2.1", "tests"), RequestInfo("2001:db8::1", "tests")
FREE = 3


@pytest.fixture
async def container(settings, time):
    settings = settings.model_copy(
        update={"limit_auth": settings.for_tests(limit_auth=f"{FREE}/1").limit_auth}
    )
    async with services_context.open_container(settings) as container:
        given = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
        await registration.register(container, parse(Register, given), HOME)
        yield container


async def login(container, request_info=HOME, password=PASSWORD):
    command = parse(Login, {"email": EMAIL, "password": password})
    return await login_operations.login(container, command, request_info)


async def fail(container, request_info, times):
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            await login(container, request_info, password="another one")


async def test_an_account_has_a_limit_of_logins(container):
    for _ in range(FREE):
        await login(container, ELSEWHERE)

    with rate_limits.observe() as strictest:
        await login(container, ELSEWHERE)  # from an IP address of an earlier login: a separate limit

        with pytest.raises(RateLimited) as refused:
            await login(container, RequestInfo("198.51.100.7", "tests"))

    assert refused.value.retry_after_ms == 1000
    assert strictest.decision == (FREE, 0, FREE, 1000, 0)


async def test_failed_logins_delay_the_next_one(container, time):
    await fail(container, ELSEWHERE, FREE)
    time[0] += 1
    await fail(container, ELSEWHERE, 1)

    with rate_limits.observe() as strictest, pytest.raises(RateLimited) as refused:
        await fail(container, ELSEWHERE, 1)

    assert refused.value.retry_after_ms == 1000
    assert (strictest.decision.remaining, strictest.decision.reset_s) == (0, 1)


async def test_an_account_has_a_limit_of_password_resets(container):
    command = parse(ForgotPassword, {"email": EMAIL})
    for _ in range(5):
        await passwords.request_reset(container, command, HOME)

    with pytest.raises(RateLimited):
        await passwords.request_reset(container, command, HOME)
