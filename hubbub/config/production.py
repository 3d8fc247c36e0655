"""What production refuses because it is convenient in development and harmful in production.

The checks collect reasons instead of raising: `hubbub serve` and `hubbub worker` refuse to start with any of
them, other commands print them as warnings.
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
# Parts of the secrets that stand in examples and templates of configuration.
_KNOWN_SECRET_PARTS = (
    "changeme",
    "change-me",
    "change_me",
    "replace-me",
    "replace_me",
    "your-secret",
    "your_secret",
)
_GRAM_CHARS = 3  # characters: a sequence that was there before adds nothing to the estimate


@dataclass
class Findings:
    """What was found while settings are read."""

    set_fields: frozenset[str] = frozenset()  # the names of the fields that have a value of their own
    rejections: list[tuple[str, str]] = field(
        default_factory=list
    )  # a field's name, a reason without full stop


def reject_if(condition: object, info: ValidationInfo, reason: str) -> None:
    """Record the field that is being read, if it is wrong and the environment is production."""
    if condition and info.data.get("env") == "production" and isinstance(info.context, Findings):
        info.context.rejections.append((info.field_name or "", reason))


def check_secret(value: str, info: ValidationInfo) -> str:
    """The key that signs: there must be one."""
    missing = "is required in production: set it, or HUBBUB_SECRET_KEY_FILE"
    reason = _weakness(value) if value else missing
    reject_if(reason, info, reason or "")
    return value


def check_previous_secrets(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Keys that are accepted besides: each of them signs tokens, so each is checked like the current one."""
    for reason in dict.fromkeys(filter(None, map(_weakness, value))):
        reject_if(reason, info, reason)
    return value


def _weakness(value: str) -> str | None:
    """Why a secret is refused; it is not part of the text."""
    if value in (PLACEHOLDER, TEST_SECRET) or any(known in value.lower() for known in _KNOWN_SECRET_PARTS):
        return "is a known one; production needs one of its own"
    if len(value) < MIN_SECRET_CHARS:
        return f"must have at least {MIN_SECRET_CHARS} characters in production"
    if entropy_bits(value) < MIN_SECRET_BITS:
        return "is too regular to be random; make one with: openssl rand -hex 32"
    return None


def entropy_bits(text: str) -> float:
    """Estimate the bits of entropy of a secret, without a dictionary.

    The smaller estimate of two counts: of the characters, and of the steps between them, which are few in
    `abcdef…`. What repeats itself counts once.
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
    """Links in e-mails begin with it: the default leads nowhere."""
    is_set = isinstance(info.context, Findings) and "public_url" in info.context.set_fields
    reject_if(not is_set, info, "is required in production: links in e-mails begin with it")
    return value


def check_smtp_url(value: str | None, info: ValidationInfo) -> str | None:
    """Without a server e-mails would be printed to the log, with the tokens in them."""
    reason = f"is required in production: set it, or `{OFF}` if no e-mail is to be sent"
    reject_if(value is None, info, reason)
    return value


def check_cors_origins(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Sites whose pages may connect."""
    reject_if("*" in value, info, "* is refused in production: name the origins")
    return value


def check_bcrypt_rounds(value: int, info: ValidationInfo) -> int:
    """The cost of a password digest."""
    reject_if(value < MIN_BCRYPT_ROUNDS, info, f"must be {MIN_BCRYPT_ROUNDS} or more in production")
    return value


def check_single_instance(value: str | None, info: ValidationInfo) -> str | None:
    """A Redis means several instances, which share no SQLite."""
    on_sqlite = str(info.data.get("database_url", "")).startswith("sqlite")
    reason = "means several instances, and SQLite is for one: set HUBBUB_DATABASE_URL to a PostgreSQL"
    reject_if(value and on_sqlite, info, reason)
    return value


def has_plain_http(urls: Iterable[str]) -> bool:
    """Whether one of the URLs is without TLS."""
    return any(url.startswith("http:") for url in urls)


class CheckedSettings(BaseModel):
    """A model of settings that keeps what production refuses of it."""

    _production_errors: tuple[str, ...] = PrivateAttr(default=())

    @property
    def production_errors(self) -> tuple[str, ...]:
        """Why `hubbub serve` and `hubbub worker` refuse to start in production: one line for each mistake."""
        return self._production_errors

    _check_secret = field_validator("secret_key", check_fields=False)(check_secret)
    _check_secrets = field_validator("secret_key_previous", check_fields=False)(check_previous_secrets)
    _check_public_url = field_validator("public_url", check_fields=False)(check_public_url)
    _check_smtp = field_validator("smtp_url", check_fields=False)(check_smtp_url)
    _check_origins = field_validator("cors_origins", check_fields=False)(check_cors_origins)
    _check_rounds = field_validator("bcrypt_rounds", check_fields=False)(check_bcrypt_rounds)
    _check_instances = field_validator("redis_url", check_fields=False)(check_single_instance)
