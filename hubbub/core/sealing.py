"""Secrets that the server must read again (TOTP, signing): encrypted at rest, each for one purpose.

A sealed text is `s1.<key id>.<nonce and AES-256-GCM>`. Its key is derived (HKDF-SHA256) from the secret key.
It names the secret key as a token does, so that the key can be replaced: text sealed with a former key is
readable as long as that key is configured.

The cipher is imported at its first use: it takes 8 MB of memory, and 10 ms.
"""

import binascii
import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hubbub.core.auth_tokens import key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "s1"
NONCE_BYTES = 12
HKDF_INFO = b"hubbub:sealing"


class DecryptionError(Exception):
    """The text was sealed with an unknown key or for another purpose, or it was changed."""


class Sealing:
    """Seals with the first secret key; unseals with any of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._current_kid = key_id(secrets[0])  # of the key that seals
        self._keys = {key_id(secret): derive_key(secret.encode(), HKDF_INFO) for secret in secrets}
        self._ciphers: dict[str, AESGCM] = {}  # by the id of their key; each is created at its first use

    def _cipher(self, kid: str) -> "AESGCM":
        cipher = self._ciphers.get(kid)
        if cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see the module

            cipher = self._ciphers[kid] = AESGCM(self._keys[kid])
        return cipher

    def seal(self, purpose: str, data: bytes) -> str:
        """Return ASCII text to be stored: 34 characters and 4 for each 3 bytes.

        `purpose` states the kind and the owner (`totp:<user id>`): `unseal` refuses any other.
        """
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher(self._current_kid).encrypt(
            nonce, data, _associated_data(self._current_kid, purpose)
        )
        text = urlsafe_b64encode(nonce + sealed).decode().rstrip("=")
        return f"{VERSION}.{self._current_kid}.{text}"

    def unseal(self, purpose: str, text: str) -> bytes:
        """Return the sealed data. Raises DecryptionError."""
        version, _, rest = text.partition(".")
        kid, _, encoded = rest.partition(".")
        if version != VERSION or kid not in self._keys:
            raise DecryptionError
        cipher = self._cipher(kid)
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in `_cipher`

        try:
            raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _associated_data(kid, purpose))
        except (InvalidTag, binascii.Error, ValueError):
            raise DecryptionError from None

    def is_current(self, text: str) -> bool:
        """Return whether the current key sealed the text. Otherwise it should be sealed again."""
        return text.startswith(f"{VERSION}.{self._current_kid}.")


def derive_key(secret: bytes, info: bytes) -> bytes:
    """Derive a key of 256 bits for one use. It reveals neither the secret nor the keys for other uses."""
    # HKDF-SHA256 (RFC 5869) without a salt, of which one block is needed.
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def _associated_data(kid: str, purpose: str) -> bytes:
    return f"{VERSION}.{kid}.{purpose}".encode()
