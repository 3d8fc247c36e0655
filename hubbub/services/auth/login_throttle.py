"""Login throttle: a rate limit per account, and a backoff after failures that does not lock the owner out.

Failures are counted three times, because each count alone can be evaded: of an account from one IP address,
of an IP address over all accounts, and of an account from any IP address. The last two do not delay a user
who logged in to the account from that IP address before. Without that exception, an attacker could lock any
user out (docs/security.md).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from hubbub.core import metrics
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import RateLimited, Unauthenticated
from hubbub.core.request_info import RequestInfo
from hubbub.ratelimit.backoff import FailureState
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate
from hubbub.services import rate_limits
from hubbub.services.context import Container
from hubbub.services.users.validation import normalize_email

REAUTHENTICATION = "password_again"
ACCOUNT_AND_IP, CLIENT_IP, ACCOUNT = "sign_in_pair", "sign_in_address", "sign_in_account"
# How many times the burst of HUBBUB_LIMIT_AUTH may fail before the first delay.
FREE_FAILURES = {ACCOUNT_AND_IP: 1, CLIENT_IP: 5, ACCOUNT: 10}
ACCOUNT_LIMIT = "accounts"
KNOWN_IP_LIMIT = "known"  # of users who logged in to the account from this IP address before
PASSWORD_RESET_LIMIT = "forgotten"  # noqa: S105 - the name of a limit
PASSWORD_RESET_RATE = Rate(5, 5 / 3600)  # to one e-mail address
EMAIL_CHANGE_LIMIT, NEW_EMAIL_LIMIT = "change_email", "new_email"
EMAIL_CHANGE_RATE = Rate(5, 5 / 3600)  # of one user, and to one e-mail address


class ThrottleKey(NamedTuple):
    """A login to an account, which need not exist, from an IP address."""

    account: str  # the normalized e-mail address
    client_ip: str  # of IPv6 the network

    @property
    def store_keys(self) -> dict[str, str]:
        """The keys by kind. They are digests, so that the store reveals no e-mail address."""
        account = hashlib.sha256(self.account.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return {ACCOUNT_AND_IP: f"{account}:{self.client_ip}", CLIENT_IP: self.client_ip, ACCOUNT: account}


def throttle_key(email: str, client_ip: str) -> ThrottleKey:
    """Return the key of an account and an IP address; all spellings of an e-mail address have one key."""
    return ThrottleKey(normalize_email(email), client_ip)


def request_key(email: str, request_info: RequestInfo) -> ThrottleKey:
    """Return the key of a login to an account by this request."""
    return throttle_key(email, rate_limit_key(request_info.ip))


@asynccontextmanager
async def limit_login(container: Container, email: str, request_info: RequestInfo) -> AsyncIterator[None]:
    """Count one login to an account; Unauthenticated raised inside counts as a failure.

    The limits are the same for accounts that exist and for others. A user who exhausts the limit of the
    account has one of their own from an IP address of an earlier login.

    Raises RateLimited.
    """
    key = request_key(email, request_info)
    is_known_ip = await _check_login(container, key)
    rate = container.settings.limit_auth
    try:
        await rate_limits.acquire(container, ACCOUNT_LIMIT, key.store_keys[ACCOUNT], rate)
    except RateLimited:
        if not is_known_ip:
            raise
        await rate_limits.acquire(container, KNOWN_IP_LIMIT, key.store_keys[ACCOUNT_AND_IP], rate)
    try:
        yield
    except Unauthenticated:
        await record_failure(container, key)
        raise


async def limit_password_reset(container: Container, email: str) -> None:
    """Count one request for a password reset, whether the account exists or not. Raises RateLimited."""
    rate = PASSWORD_RESET_RATE if container.settings.limit_auth is not None else None
    key = throttle_key(email, "").store_keys[ACCOUNT]
    await rate_limits.acquire(container, PASSWORD_RESET_LIMIT, key, rate)


async def limit_email_change(container: Container, user_id: UUID, email: str) -> None:
    """Count one request to change the e-mail address of an account. Raises RateLimited.

    The new e-mail address is counted too, whether it is taken or not: users together send it no more e-mails.
    """
    rate = EMAIL_CHANGE_RATE if container.settings.limit_auth is not None else None
    await rate_limits.acquire(container, EMAIL_CHANGE_LIMIT, str(user_id), rate)
    key = throttle_key(email, "").store_keys[ACCOUNT]
    await rate_limits.acquire(container, NEW_EMAIL_LIMIT, key, rate)


async def record_login(container: Container, email: str, request_info: RequestInfo) -> None:
    """Reset the failures of an account after a login, and remember the IP address as known."""
    await record_success(container, request_key(email, request_info))


async def _check_login(container: Container, key: ThrottleKey) -> bool:
    """Check the backoff, and report its decision to the edge while it lasts."""
    try:
        return await check(container, key)
    except RateLimited as error:
        rate = container.settings.limit_auth
        retry_after_s = -(-(error.retry_after_ms or 0) // 1000)
        rate_limits.report(Decision(rate.burst if rate else 0, 0, retry_after_s, 0))
        metrics.count("requests_limited", "login_backoff")
        raise


async def check(container: Container, key: ThrottleKey) -> bool:
    """Check the backoff; return whether a login to the account from this IP address succeeded before.

    Raises RateLimited while the backoff lasts, for accounts that exist and for others alike.
    """
    rate = container.settings.limit_auth
    if rate is None:
        return False
    states = await _for_each_kind(container.rate_limiter.peek_failures, key)
    counted = [ACCOUNT_AND_IP] if states[ACCOUNT_AND_IP].succeeded_before else list(states)
    wait_ms = max(states[kind].delay_ms(FREE_FAILURES[kind] * rate.burst) for kind in counted)
    if wait_ms:
        raise RateLimited("Too many logins failed. Wait, then try again.", retry_after_ms=wait_ms)
    return states[ACCOUNT_AND_IP].succeeded_before


async def record_failure(container: Container, key: ThrottleKey) -> None:
    """Count a failed login: the password was wrong, or the account does not exist."""
    if container.settings.limit_auth is not None:
        await _for_each_kind(container.rate_limiter.record_failure, key)


async def record_success(container: Container, key: ThrottleKey) -> None:
    """Reset the failures of the account after a login or a password reset; mark the IP address as known.

    One failure of the IP address is forgiven, not all. Otherwise an attacker with an account of their own
    could guess the passwords of others without a delay.
    """
    if container.settings.limit_auth is not None:
        keys, limiter = key.store_keys, container.rate_limiter
        await asyncio.gather(
            limiter.reset_failures(ACCOUNT_AND_IP, keys[ACCOUNT_AND_IP]),
            limiter.forgive_failure(CLIENT_IP, keys[CLIENT_IP]),
            limiter.reset_failures(ACCOUNT, keys[ACCOUNT]),
        )


async def check_reauthentication(container: Container, user_id: UUID) -> None:
    """Check the backoff of a user who enters the password again within a session.

    An attacker with a stolen session can't guess the password quickly. Raises RateLimited while the backoff
    lasts.
    """
    rate = container.settings.limit_auth
    if rate is not None:
        state = await container.rate_limiter.peek_failures(REAUTHENTICATION, str(user_id))
        if wait_ms := state.delay_ms(rate.burst):
            raise RateLimited("Too many wrong passwords. Wait, then try again.", retry_after_ms=wait_ms)


async def record_reauthentication(container: Container, user_id: UUID, *, success: bool) -> None:
    """Count a wrong password within a session, or reset the count after the right one."""
    if container.settings.limit_auth is not None:
        limiter = container.rate_limiter
        record = limiter.reset_failures if success else limiter.record_failure
        await record(REAUTHENTICATION, str(user_id))


async def _for_each_kind(
    call: Callable[[str, str], Awaitable[FailureState]], key: ThrottleKey
) -> dict[str, FailureState]:
    keys = key.store_keys
    states = await asyncio.gather(*(call(kind, each) for kind, each in keys.items()))
    return dict(zip(keys, states, strict=True))
