"""Checks of production: values that are convenient in development and harmful in production.

The checks collect reasons instead of raising. `hubbub serve` and `hubbub worker` refuse to start with any of
them; other commands print them as warnings.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, PrivateAttr, ValidationInfo, field_validator

PLACEHOLDER = "put-at-least-32-random-characters-here"
TEST_SECRET = "a-secret-for-tests-and-for-nothing-else"  # noqa: S105 - refused in production
MIN_SECRET_CHARS = 32
MIN_SECRET_BITS = 80  # 32 random digits have about 95, 32 random hexadecimal digits about 110
MIN_BCRYPT_ROUNDS = 10
OFF = "off"
# Parts of secrets in published examples and configuration templates.
_KNOWN_SECRET_PARTS = (
    "changeme",
    "change-me",
    "change_me",
    "replace-me",
    "replace_me",
    "your-secret",
    "your_secret",
)
_GRAM_CHARS = 3  # characters: a repeated sequence adds nothing to the estimate


@dataclass
class Findings:
    """The results of the checks of one set of settings."""

    set_fields: frozenset[str] = frozenset()  # names of the fields that are set explicitly
    # Pairs of a field's name and a reason without full stop.
    rejections: list[tuple[str, str]] = field(default_factory=list)


def reject_if(condition: object, info: ValidationInfo, reason: str) -> None:
    """Record a reason for the current field, if `condition` holds and the environment is production."""
    if condition and info.data.get("env") == "production" and isinstance(info.context, Findings):
        info.context.rejections.append((info.field_name or "", reason))


def check_secret(value: str, info: ValidationInfo) -> str:
    """Require a strong signing key."""
    missing = "is required in production: set it, or HUBBUB_SECRET_KEY_FILE"
    reason = _weakness(value) if value else missing
    reject_if(reason, info, reason or "")
    return value


def check_previous_secrets(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Check the additional keys like the current one, because each of them signs tokens."""
    for reason in dict.fromkeys(filter(None, map(_weakness, value))):
        reject_if(reason, info, reason)
    return value


def _weakness(value: str) -> str | None:
    """Return why a secret is refused. The text does not contain it."""
    if value in (PLACEHOLDER, TEST_SECRET) or any(known in value.lower() for known in _KNOWN_SECRET_PARTS):
        return "is a published one; generate your own with: openssl rand -hex 32"
    if len(value) < MIN_SECRET_CHARS:
        return f"must have at least {MIN_SECRET_CHARS} characters in production"
    if entropy_bits(value) < MIN_SECRET_BITS:
        return "is too regular to be random; generate one with: openssl rand -hex 32"
    return None


def entropy_bits(text: str) -> float:
    """Estimate the bits of entropy of a secret, without a dictionary.

    The result is the smaller of two estimates: by the characters, and by the differences between neighbours,
    which are few in `abcdef…`. Repeated sequences count once.
    """
    steps = [ord(after) - ord(before) for before, after in itertools.pairwise(text)]
    return min(_bits(text), _bits(steps))


def _bits(symbols: "str | list[int]") -> float:
    counts, total = Counter(symbols), len(symbols)
    bits_per_symbol = -sum(count / total * math.log2(count / total) for count in counts.values())
    return bits_per_symbol * min(total, _distinct_grams(symbols) + _GRAM_CHARS - 1)


def _distinct_grams(symbols: "str | list[int]") -> int:
    return len({tuple(symbols[at : at + _GRAM_CHARS]) for at in range(len(symbols) - _GRAM_CHARS + 1)})


def check_public_url(value: str | None, info: ValidationInfo) -> str | None:
    """Require a public URL: with the default, the links in e-mails are useless."""
    is_set = isinstance(info.context, Findings) and "public_url" in info.context.set_fields
    reject_if(not is_set, info, "is required in production: links in e-mails start with it")
    return value


def check_smtp_url(value: str | None, info: ValidationInfo) -> str | None:
    """Require an SMTP server: without one, e-mails and their tokens would be written to the log."""
    reason = f"is required in production: set it, or `{OFF}` if no e-mail is to be sent"
    reject_if(value is None, info, reason)
    return value


def check_cors_origins(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Refuse `*` as an origin."""
    reject_if("*" in value, info, "* is refused in production: name the origins")
    return value


def check_bcrypt_rounds(value: int, info: ValidationInfo) -> int:
    """Require a minimum cost of password digests."""
    reject_if(value < MIN_BCRYPT_ROUNDS, info, f"must be {MIN_BCRYPT_ROUNDS} or more in production")
    return value


def check_single_instance(value: str | None, info: ValidationInfo) -> str | None:
    """Refuse Redis with SQLite: Redis implies several instances, which can't share SQLite."""
    on_sqlite = str(info.data.get("database_url", "")).startswith("sqlite")
    reason = "implies several instances, and SQLite supports one: set HUBBUB_DATABASE_URL to a PostgreSQL"
    reject_if(value and on_sqlite, info, reason)
    return value


def has_plain_http(urls: Iterable[str]) -> bool:
    """Return whether one of the URLs is without TLS."""
    return any(url.startswith("http:") for url in urls)


class CheckedSettings(BaseModel):
    """A settings model that collects what production refuses."""

    _production_errors: tuple[str, ...] = PrivateAttr(default=())

    @property
    def production_errors(self) -> tuple[str, ...]:
        """The reasons why `hubbub serve` and `hubbub worker` refuse to start, one line for each mistake."""
        return self._production_errors

    _check_secret = field_validator("secret_key", check_fields=False)(check_secret)
    _check_secrets = field_validator("secret_key_previous", check_fields=False)(check_previous_secrets)
    _check_public_url = field_validator("public_url", check_fields=False)(check_public_url)
    _check_smtp = field_validator("smtp_url", check_fields=False)(check_smtp_url)
    _check_origins = field_validator("cors_origins", check_fields=False)(check_cors_origins)
    _check_rounds = field_validator("bcrypt_rounds", check_fields=False)(check_bcrypt_rounds)
    _check_instances = field_validator("redis_url", check_fields=False)(check_single_instance)
