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
from hubbub.ratelimit.backoff import Act, FailureState
from hubbub.services.context import Container
from hubbub.services.users.validation import normalize_email

AGAIN = "password_again"
PAIR, ADDRESS, ACCOUNT = "sign_in_pair", "sign_in_address", "sign_in_account"
# How many times the bucket of HUBBUB_LIMIT_AUTH may fail before the first wait.
FREE = {PAIR: 1, ADDRESS: 5, ACCOUNT: 10}


class Attempt(NamedTuple):
    """Somebody at an account, which may not exist, from an address (of IPv6: a network)."""

    account: str
    address: str

    @property
    def keys(self) -> dict[str, str]:
        """By kind. Nobody who looks into the store learns addresses of people."""
        account = hashlib.sha256(self.account.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return {PAIR: f"{account}:{self.address}", ADDRESS: self.address, ACCOUNT: account}


def attempt(email: str, address: str) -> Attempt:
    """An attempt at the account of this e-mail address, however it is spelt."""
    return Attempt(normalize_email(email), address)


async def check(parts: Container, made: Attempt) -> bool:
    """Whether the account is known to have been signed in to from there.

    Raises RateLimited while a wait lasts: for accounts that exist and for others alike.
    """
    rate = parts.settings.limit_auth
    if rate is None:
        return False
    found = await _note(parts, made, {PAIR: "look", ADDRESS: "look", ACCOUNT: "look"})
    counted = [PAIR] if found[PAIR].succeeded_before else list(found)
    wait_ms = max(found[of].delay_ms(FREE[of] * rate.burst) for of in counted)
    if wait_ms:
        raise RateLimited("Too many sign-ins failed. Wait, then try again.", retry_after_ms=wait_ms)
    return found[PAIR].succeeded_before


async def failed(parts: Container, made: Attempt) -> None:
    """The password was wrong, or there is no such account."""
    if parts.settings.limit_auth is not None:
        await _note(parts, made, {PAIR: "fail", ADDRESS: "fail", ACCOUNT: "fail"})


async def succeeded(parts: Container, made: Attempt) -> None:
    """They proved who they are, by signing in or by a letter: the account begins anew, and knows the address.

    Of the address one failure is taken back, not all: with an account of one's own one could else go on
    guessing at the others.
    """
    if parts.settings.limit_auth is not None:
        await _note(parts, made, {PAIR: "clear", ADDRESS: "ease", ACCOUNT: "clear"})


async def check_reauthentication(parts: Container, user_id: UUID) -> None:
    """Before somebody who has a session says the password again. Raises RateLimited while a wait lasts.

    Who stole the session must not find out the password by it.
    """
    rate = parts.settings.limit_auth
    if rate is not None:
        standing = await parts.allowances.note(AGAIN, str(user_id), "look")
        if wait_ms := standing.delay_ms(rate.burst):
            raise RateLimited("Too many wrong passwords. Wait, then try again.", retry_after_ms=wait_ms)


async def record_reauthentication(parts: Container, user_id: UUID, *, right: bool) -> None:
    """How that went."""
    if parts.settings.limit_auth is not None:
        await parts.allowances.note(AGAIN, str(user_id), "clear" if right else "fail")


async def _note(parts: Container, made: Attempt, acts: dict[str, Act]) -> dict[str, FailureState]:
    keys = made.keys
    noted = await asyncio.gather(*(parts.allowances.note(of, keys[of], act) for of, act in acts.items()))
    return dict(zip(acts, noted, strict=True))
