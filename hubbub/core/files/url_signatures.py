"""Signatures in URLs of private files: an HMAC over the id of an upload and the time at which it expires."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from uuid import UUID

from hubbub.core import clock
from hubbub.core.sealing import derive_key

HOUR_S = 3600
HKDF_INFO = b"hubbub:upload urls"
_TIME = re.compile(r"[0-9]{1,12}")


class UrlSigner:
    """Signs with the first secret key and accepts the signatures of all of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [derive_key(secret.encode(), HKDF_INFO) for secret in secrets]  # the first one signs

    def query(self, upload_id: UUID) -> str:
        """Return `e=…&s=…`, valid for 1 to 2 hours. It is the same for all calls within one hour."""
        expires = (int(clock.now().timestamp()) // HOUR_S + 2) * HOUR_S
        return f"e={expires}&s={_signature(self._keys[0], upload_id, expires)}"

    def verify(self, upload_id: UUID, expires: str, signature: str) -> bool:
        """Return whether a signature is valid and has not expired. Compared in constant time."""
        if not _TIME.fullmatch(expires) or not signature.isascii():
            return False
        moment = int(expires)
        matches = [hmac.compare_digest(_signature(key, upload_id, moment), signature) for key in self._keys]
        return any(matches) and moment > clock.now().timestamp()


def _signature(key: bytes, upload_id: UUID, expires: int) -> str:
    digest = hmac.digest(key, f"{upload_id}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
