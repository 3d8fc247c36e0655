"""Settings of backups: the destination and the encryption key."""

import base64
import binascii
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import PlainValidator

from hubbub.config.fields import optional

KEY_BYTES = 32
PLACEHOLDER = "00" * KEY_BYTES  # of `.env.example`: refused as a key


def url(value: object) -> str | None:
    """Validate a folder, a `file://` URL or an `s3://` URL. Messages do not contain the value."""
    if value is None:
        return None
    text = str(value).strip()
    scheme = urlsplit(text).scheme if "://" in text else ""
    if scheme not in ("", "file", "s3") or (scheme and not text.partition("://")[2].strip("/")):
        raise ValueError("must be a folder, a file:// or an s3:// URL, like /srv/backups")
    return text


def key(value: object) -> str | None:
    """Return a key of 32 bytes, given in hex or base64, as hex."""
    if value is None:
        return None
    text = str(value).strip()
    try:
        found = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else _decode_base64(text)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != KEY_BYTES:
        raise ValueError("must be 32 bytes in hex or base64: openssl rand -hex 32")
    return found.hex()


def _decode_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


Url = Annotated[str | None, PlainValidator(url)]
Key = Annotated[str | None, PlainValidator(key)]

URL_SETTING = optional(
    "Where `hubbub backup` writes: a folder, or `s3://`, which is not supported yet.",
    sample="/srv/backups",
    section="Backups",
)
KEY_SETTING = optional(
    "The key that encrypts backups, 32 bytes in hex or base64. Keep it apart from the backups.",
    sample=PLACEHOLDER,
    secret=True,
    repr=False,
)
