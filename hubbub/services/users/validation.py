"""Validates and normalizes e-mail addresses, usernames and passwords of accounts."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from hubbub.core import password_policy
from hubbub.core.errors import Conflict, InvalidPayload
from hubbub.core.text import email_addresses
from hubbub.core.text import usernames as core_usernames
from hubbub.core.text.reserved_usernames import is_reserved
from hubbub.core.text.usernames import MIN_USERNAME_CHARS
from hubbub.schemas.accounts.accounts import NOT_EMAIL

# Usernames of deleted accounts begin with it. All that begin with `deleted` are reserved.
DELETED_PREFIX = "deleted-"
_MAX_GENERATED_CHARS = 24  # of a generated username, before its number
_RANDOM_CANDIDATES = 20  # after the readable ones


def check_password(password: str, field: str, email: str, *names: str) -> None:
    """Raise InvalidPayload if the password is easily guessed."""
    if (violation := password_policy.violation(password, email, email.partition("@")[0], *names)) is not None:
        raise InvalidPayload(fields=((field, violation),))


def taken_error(field: str) -> Conflict:
    """Return the error for a value that another account has."""
    return Conflict(f"An account with this {field} already exists.", fields=((field, "Already taken."),))


def normalize_email(text: str) -> str:
    """Return the stored form of an e-mail address. It is the same for all spellings of one mailbox."""
    return email_addresses.normalize(text)


def validate_email(text: str) -> str:
    """Return the stored form of an e-mail address. Raises InvalidPayload if it is not valid."""
    email = email_addresses.canonical(text)
    if email is None:
        raise InvalidPayload(fields=(("email", NOT_EMAIL),))
    return email


def validate_username(text: str) -> str:
    """Return the stored form of a username. Raises InvalidPayload if it is not valid or reserved."""
    if (violation := core_usernames.fault(text)) is not None:
        raise InvalidPayload(fields=(("username", violation),))
    return core_usernames.normalize(text)


def username_candidates(name: str, email: str, *, reserved: bool = False) -> Iterator[str]:
    """Yield usernames to try: readable ones first, then random ones.

    The random ones avoid a race between many registrations of one name. Reserved names, and names that look
    like them, are left out unless `reserved` is set.
    """
    for username in _candidates(name, email, reserved=reserved):
        if reserved or not is_reserved(username):
            yield username


def _candidates(name: str, email: str, *, reserved: bool) -> Iterator[str]:
    local = _slug(email.partition("@")[0])
    short = f"{local}-user" if 0 < len(local) < MIN_USERNAME_CHARS else ""
    fit = (
        each
        for each in (_slug(name).removeprefix(DELETED_PREFIX), local, short, "user")
        if len(each) >= MIN_USERNAME_CHARS and (reserved or not is_reserved(each))
    )
    base = next(fit)
    yield base
    yield f"{base}-2"
    yield f"{base}-3"
    for _ in range(_RANDOM_CANDIDATES):
        yield f"{base}-{secrets.randbelow(900_000) + 100_000}"


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:_MAX_GENERATED_CHARS].strip("-")
