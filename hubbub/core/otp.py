"""Codes of the second factor: TOTP codes (RFC 6238), and recovery codes."""

import base64
import hashlib
import re
import secrets
import unicodedata
from datetime import datetime
from hmac import compare_digest

import pyotp

STEP_S = 30
WINDOW_STEPS = 1  # steps that a clock may be ahead or behind
RECOVERY_CODE_COUNT = 10
_RECOVERY_CODE_BYTES = 10  # 80 bits: infeasible to find by trial, even from the digests
_TOTP_CODE = re.compile(r"[0-9]{6}")


def generate_secret() -> str:
    """Generate the secret that an app and the server share: 160 bits, in base32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, account: str, issuer: str) -> str:
    """Return the URI that an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def normalize(code: str) -> str:
    """Return a code without differences that do not matter: spaces, dashes, case, width."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", code)).lower()


def is_totp(code: str) -> bool:
    """Return whether a normalized code has the form of a TOTP code, unlike a recovery code."""
    return _TOTP_CODE.fullmatch(code) is not None


def matching_step(secret: str, code: str, now: datetime, after: int) -> int | None:
    """Return the time step of a TOTP code, if it is near `now` and later than `after`."""
    totp = pyotp.TOTP(secret, interval=STEP_S)
    current = int(now.timestamp()) // STEP_S
    matched = None
    for step in range(current - WINDOW_STEPS, current + WINDOW_STEPS + 1):
        equal = compare_digest(totp.generate_otp(step).encode(), code.encode("utf-8", "surrogatepass"))
        if equal and step > after:
            matched = step
    return matched


def generate_recovery_codes() -> list[str]:
    """Generate recovery codes in their displayed form: `abcd-efgh-ijkl-mnop`."""
    codes = (
        base64.b32encode(secrets.token_bytes(_RECOVERY_CODE_BYTES)).decode()
        for _ in range(RECOVERY_CODE_COUNT)
    )
    return ["-".join(re.findall("....", each)).lower() for each in codes]


def recovery_digest(user_id: object, code: str) -> str:
    """Return the stored digest of a recovery code. It depends on the owner."""
    return hashlib.sha256(f"{user_id}:{normalize(code)}".encode("utf-8", "surrogatepass")).hexdigest()
