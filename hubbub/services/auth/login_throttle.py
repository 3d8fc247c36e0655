"""Sign-ins that fail: waits that grow per account and per address, and do not lock its owner out.

Three counts, because each alone can be got round: of an account from one address, of an address over all
accounts, and of an account from anywhere. The last two do not hold up somebody who signed in to the account
from that address before: else anybody could keep anybody out (docs/security.md).
"""

import asyncio
import hashlib
from typing import NamedTuple
from uuid import UUID

from hubbub.core.errors import RateLimited
from hubbub.ratelimit.backoff import FailureOperation, FailureState
from hubbub.services.context import Container
from hubbub.services.users.validation import normalize_email

REAUTHENTICATION = "password_again"
ACCOUNT_AND_IP, CLIENT_IP, ACCOUNT = "sign_in_pair", "sign_in_address", "sign_in_account"
# How many times the bucket of HUBBUB_LIMIT_AUTH may fail before the first wait.
FREE_FAILURES = {ACCOUNT_AND_IP: 1, CLIENT_IP: 5, ACCOUNT: 10}


class ThrottleKey(NamedTuple):
    """Somebody at an account, which may not exist, from an address (of IPv6: a network)."""

    account: str
    client_ip: str

    @property
    def store_keys(self) -> dict[str, str]:
        """By kind. Nobody who looks into the store learns addresses of people."""
        account = hashlib.sha256(self.account.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return {ACCOUNT_AND_IP: f"{account}:{self.client_ip}", CLIENT_IP: self.client_ip, ACCOUNT: account}


def throttle_key(email: str, client_ip: str) -> ThrottleKey:
    """An attempt at the account of this e-mail address, however it is spelt."""
    return ThrottleKey(normalize_email(email), client_ip)


async def check(container: Container, key: ThrottleKey) -> bool:
    """Whether the account is known to have been signed in to from there.

    Raises RateLimited while a wait lasts: for accounts that exist and for others alike.
    """
    rate = container.settings.limit_auth
    if rate is None:
        return False
    states = await _record(container, key, {ACCOUNT_AND_IP: "look", CLIENT_IP: "look", ACCOUNT: "look"})
    counted = [ACCOUNT_AND_IP] if states[ACCOUNT_AND_IP].succeeded_before else list(states)
    wait_ms = max(states[kind].delay_ms(FREE_FAILURES[kind] * rate.burst) for kind in counted)
    if wait_ms:
        raise RateLimited("Too many sign-ins failed. Wait, then try again.", retry_after_ms=wait_ms)
    return states[ACCOUNT_AND_IP].succeeded_before


async def record_failure(container: Container, key: ThrottleKey) -> None:
    """The password was wrong, or there is no such account."""
    if container.settings.limit_auth is not None:
        await _record(container, key, {ACCOUNT_AND_IP: "fail", CLIENT_IP: "fail", ACCOUNT: "fail"})


async def record_success(container: Container, key: ThrottleKey) -> None:
    """They proved who they are, by signing in or by a letter: the account begins anew, and knows the address.

    Of the address one failure is taken back, not all: with an account of one's own one could else go on
    guessing at the others.
    """
    if container.settings.limit_auth is not None:
        await _record(container, key, {ACCOUNT_AND_IP: "clear", CLIENT_IP: "ease", ACCOUNT: "clear"})


async def check_reauthentication(container: Container, user_id: UUID) -> None:
    """Before somebody who has a session says the password again. Raises RateLimited while a wait lasts.

    Who stole the session must not find out the password by it.
    """
    rate = container.settings.limit_auth
    if rate is not None:
        state = await container.rate_limiter.update_failures(REAUTHENTICATION, str(user_id), "look")
        if wait_ms := state.delay_ms(rate.burst):
            raise RateLimited("Too many wrong passwords. Wait, then try again.", retry_after_ms=wait_ms)


async def record_reauthentication(container: Container, user_id: UUID, *, success: bool) -> None:
    """How that went."""
    if container.settings.limit_auth is not None:
        await container.rate_limiter.update_failures(
            REAUTHENTICATION, str(user_id), "clear" if success else "fail"
        )


async def _record(
    container: Container, key: ThrottleKey, actions: dict[str, FailureOperation]
) -> dict[str, FailureState]:
    keys = key.store_keys
    states = await asyncio.gather(
        *(
            container.rate_limiter.update_failures(kind, keys[kind], action)
            for kind, action in actions.items()
        )
    )
    return dict(zip(actions, states, strict=True))
