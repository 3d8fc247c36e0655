"""Usernames: how one is stored, and what is wrong with one."""

import re
import unicodedata

from hubbub.core.text.reserved_usernames import is_reserved

MIN_USERNAME_CHARS, MAX_USERNAME_CHARS = 3, 32
# For the API document. What it matches is of the form. Spaces around a name and full-width letters are
# accepted as well.
PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$(?!\n)"
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9_])?")


def normalize(text: str) -> str:
    """Return a username as it is stored."""
    return unicodedata.normalize("NFKC", text).strip(" ").lower()


def form_fault(text: str) -> str | None:
    """Return why a text is not of the form of usernames, as a sentence for users; None if it is."""
    username = normalize(text)
    if not MIN_USERNAME_CHARS <= len(username) <= MAX_USERNAME_CHARS or not _USERNAME.fullmatch(username):
        return "3 to 32 letters a-z, digits, dots, dashes and underscores; no dot or dash at the ends."
    return None


def fault(text: str) -> str | None:
    """Return why an account can't have this username, as a sentence for users; None if it can."""
    if (reason := form_fault(text)) is not None:
        return reason
    return "This name is reserved, or looks like one that is." if is_reserved(normalize(text)) else None
