"""Password policy: refuses common passwords and those derived from the account's own names."""

import unicodedata
from functools import cache
from pathlib import Path

COMMON_PASSWORDS_FILE = Path(__file__).with_name("data") / "common_passwords.txt"
MIN_PASSWORD_CHARS = 8
MAX_COMPARED_CHARS = 256  # characters; longer passwords are neither common nor the account's name
MIN_NAME_CHARS = 3  # characters; shorter names are ignored


@cache
def common_passwords() -> frozenset[str]:
    """Return the most common passwords, in lower case. Some 8,000; the file names its source."""
    lines = COMMON_PASSWORDS_FILE.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


def violation(password: str, *names: str) -> str | None:
    """Return why a password is refused, as a sentence for users; None if it is allowed.

    `names` are the account's own.
    """
    if len(password) < MIN_PASSWORD_CHARS:
        return f"Must have at least {MIN_PASSWORD_CHARS} characters."
    if len(password) > MAX_COMPARED_CHARS:
        return None
    normalized = unicodedata.normalize("NFKC", password).lower()
    if normalized in common_passwords():
        return "This is one of the most common passwords, which attackers try first. Choose another one."
    if len(set(normalized)) == 1:
        return "This is one repeated character. Choose another one."
    for name in sorted({part.lower() for part in names}, key=len, reverse=True):
        # The rest without the name must be a valid password by itself.
        if (
            len(name) >= MIN_NAME_CHARS
            and name in normalized
            and len(normalized.replace(name, "")) < MIN_PASSWORD_CHARS
        ):
            return "This is derived from your name or e-mail address. Choose another one."
    return None
