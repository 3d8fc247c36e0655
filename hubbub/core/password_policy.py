"""Which passwords are refused, and why: the commonest ones, and those made of the account's own names."""

import unicodedata
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("data") / "common_passwords.txt"
SHORTEST = 8
COMPARED = 256  # characters; what is longer is neither common nor one's own name
NAME = 3  # characters of a name that counts


@cache
def common_passwords() -> frozenset[str]:
    """The commonest passwords, in lower case. Some 8,000; the file names its source."""
    lines = FILE.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


def violation(password: str, *names: str) -> str | None:
    """Why a password is refused, for a person; None if it is not. `names` are the account's own."""
    if len(password) < SHORTEST:
        return f"Must have at least {SHORTEST} characters."
    if len(password) > COMPARED:
        return None
    plain = unicodedata.normalize("NFKC", password).lower()
    if plain in common_passwords():
        return "This is one of the commonest passwords, which are tried first. Choose another one."
    if len(set(plain)) == 1:
        return "This is one character again and again. Choose another one."
    for name in sorted({part.lower() for part in names}, key=len, reverse=True):
        # What is left without the name has to be a password by itself.
        if len(name) >= NAME and name in plain and len(plain.replace(name, "")) < SHORTEST:
            return "This is made of your name or e-mail address. Choose another one."
    return None
