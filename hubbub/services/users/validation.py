"""E-mail addresses, usernames and passwords of accounts: their checks and their stored forms."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from hubbub.core import password_policy
from hubbub.core.errors import Conflict, InvalidPayload
from hubbub.core.text import email_addresses
from hubbub.core.text import usernames as core_usernames
from hubbub.core.text.reserved_usernames import is_reserved
from hubbub.core.text.usernames import SHORTEST
from hubbub.schemas.accounts.accounts import NOT_EMAIL

DELETED = (
    "deleted-"  # usernames of deleted accounts begin with it; all that begin with `deleted` are reserved
)


_MADE = 24  # of a made username's letters, which leaves room for a number


_TRIES = 20


def check_password(password: str, field: str, email: str, *names: str) -> None:
    """Raises InvalidPayload for a password that would soon be guessed."""
    if (why := password_policy.violation(password, email, email.partition("@")[0], *names)) is not None:
        raise InvalidPayload(fields=((field, why),))


def taken(field: str) -> Conflict:
    """Return the error for a value that another account has."""
    return Conflict(f"An account with this {field} exists already.", fields=((field, "Taken already."),))


def normalize_email(text: str) -> str:
    """An e-mail address as accounts keep it: all spellings of one mailbox are one."""
    return email_addresses.normalize(text)


def checked_email(text: str) -> str:
    """The same of something that must be an address. Raises InvalidPayload."""
    email = email_addresses.canonical(text)
    if email is None:
        raise InvalidPayload(fields=(("email", NOT_EMAIL),))
    return email


def checked_username(text: str) -> str:
    """A username as it is stored. Raises InvalidPayload for what is none, and for what is reserved."""
    if (why := core_usernames.fault(text)) is not None:
        raise InvalidPayload(fields=(("username", why),))
    return core_usernames.normalize(text)


def usernames(name: str, email: str, *, reserved: bool = False) -> Iterator[str]:
    """Usernames to try, the nicest first; then by chance, so that many of one name do not race for each.

    Those that are reserved, or look like it, are left out, unless `reserved` ones may be given.
    """
    for username in _candidates(name, email, reserved=reserved):
        if reserved or not is_reserved(username):
            yield username


def _candidates(name: str, email: str, *, reserved: bool) -> Iterator[str]:
    local = _plain(email.partition("@")[0])
    short = f"{local}-user" if 0 < len(local) < SHORTEST else ""
    fit = (
        each
        for each in (_plain(name).removeprefix(DELETED), local, short, "user")
        if len(each) >= SHORTEST and (reserved or not is_reserved(each))
    )
    base = next(fit)
    yield base
    yield f"{base}-2"
    yield f"{base}-3"
    for _ in range(_TRIES):
        yield f"{base}-{secrets.randbelow(900_000) + 100_000}"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_MADE].strip("-")
