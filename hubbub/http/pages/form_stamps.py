"""Stamps of forms: a signed time that shows when a form was issued.

A program that fills in forms sends them at once, or sends a recorded one days later. Both are refused without
storing anything for the form.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from enum import Enum

from hubbub.core import clock
from hubbub.core.sealing import derive_key

MIN_AGE_S = 3
MAX_AGE_S = 24 * 3600
HKDF_INFO = b"hubbub:form stamps"
_STAMP = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{43})")


class StampState(Enum):
    """What a stamp says about its form."""

    VALID = "valid"
    EARLY = "early"  # sent before MIN_AGE_S
    EXPIRED = "expired"  # sent after MAX_AGE_S
    FORGED = "forged"  # not signed here, or for another form


class FormStamps:
    """Signs with the first secret key and accepts the stamps of all of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [derive_key(secret.encode(), HKDF_INFO) for secret in secrets]  # the first one signs

    def issue(self, form: str) -> str:
        """Return a stamp for a form, which is named by the page and what it is about."""
        issued_ms = _now_ms()
        return f"{issued_ms}.{_signature(self._keys[0], form, issued_ms)}"

    def check(self, form: str, stamp: str) -> StampState:
        """Return the state of a stamp that was sent with a form. Signatures are compared in constant time.

        A stamp from the future is of an instance whose clock is ahead: the age of its form is not known.
        """
        found = _STAMP.fullmatch(stamp)
        if found is None:
            return StampState.FORGED
        issued_ms = int(found[1])
        matches = [hmac.compare_digest(_signature(key, form, issued_ms), found[2]) for key in self._keys]
        age_s = (_now_ms() - issued_ms) / 1000
        if not any(matches):
            return StampState.FORGED
        if age_s < -clock.MAX_CLOCK_SKEW.total_seconds() or 0 <= age_s < MIN_AGE_S:
            return StampState.EARLY
        return StampState.VALID if age_s <= MAX_AGE_S else StampState.EXPIRED


def _now_ms() -> int:
    return round(clock.now().timestamp() * 1000)


def _signature(key: bytes, form: str, issued_ms: int) -> str:
    digest = hmac.digest(key, f"{issued_ms}\n{form}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
