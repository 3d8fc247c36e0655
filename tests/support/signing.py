"""Signs requests as docs/rest.md describes, without any code of hubbub."""

import hashlib
import hmac
import secrets
import time


def sign(
    secret: str,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    timestamp: float | None = None,
    nonce: str = "",
) -> str:
    """The header `X-Signature`."""
    moment, own = str(int(time.time() if timestamp is None else timestamp)), nonce or secrets.token_hex(16)
    lines = ["hubbub-v1", method, target, moment, own, hashlib.sha256(body).hexdigest()]
    digest = hmac.new(secret.encode(), "\n".join(lines).encode(), "sha256").hexdigest()
    return f"t={moment},n={own},s={digest}"
