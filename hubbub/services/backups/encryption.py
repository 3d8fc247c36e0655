"""Encrypts files in chunks with AES-256-GCM; each chunk is authenticated with its position in the file.

A file consists of a magic line, 32 random bytes and the chunks. The file's key is derived (HKDF-SHA256) from
these bytes, the backup key and the name of the file. A nonce is the number of its chunk and a byte that marks
the last one. Chunks that are changed, reordered, missing or from another file are detected.

cryptography is imported when a file is encrypted or decrypted, as in `core/sealing.py`.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"hubbub backup 1 AES-256-GCM\n"
SALT_BYTES = 32
TAG_BYTES = 16
CHUNK_BYTES = 1 << 20  # of plain text
KEY_BYTES = 32


class Undecryptable(Exception):
    """The file was encrypted with another key or under another name, or it was changed or truncated."""


def _cipher(key: bytes, salt: bytes, name: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - likewise

    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"hubbub:backup:" + name.encode()).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class Encryptor:
    """Encrypts plain text, piece by piece, into the bytes of a file."""

    def __init__(self, key: bytes, name: str) -> None:
        salt = os.urandom(SALT_BYTES)
        self._cipher = _cipher(key, salt, name)  # of this file
        self._chunk_number = 0  # of the next chunk
        self._buffer = bytearray()  # plain text that is not encrypted yet
        self._header = MAGIC + salt  # until it was returned

    def update(self, data: bytes) -> bytes:
        """Add plain text. Returns the bytes that can be written; the last chunk is returned by `finish`."""
        out, self._header = [self._header], b""
        self._buffer += data
        while len(self._buffer) > CHUNK_BYTES:
            out.append(self._encrypt_chunk(bytes(self._buffer[:CHUNK_BYTES]), last=False))
            del self._buffer[:CHUNK_BYTES]
        return b"".join(out)

    def finish(self) -> bytes:
        """Return the remaining bytes."""
        return self._header + self._encrypt_chunk(bytes(self._buffer), last=True)

    def _encrypt_chunk(self, data: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._chunk_number, last=last), data, None)
        self._chunk_number += 1
        return sealed


def is_encrypted(file: BinaryIO) -> bool:
    """Return whether a file starts like an encrypted one. The file is rewound afterwards."""
    header = file.read(len(MAGIC))
    file.seek(0)
    return header == MAGIC


def decrypt(file: BinaryIO, key: bytes, name: str) -> Iterator[bytes]:
    """Yield the plain text of an encrypted file, in pieces. Raises Undecryptable."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see the module

    header = file.read(len(MAGIC) + SALT_BYTES)
    if len(header) < len(MAGIC) + SALT_BYTES:
        raise Undecryptable
    cipher = _cipher(key, header[len(MAGIC) :], name)
    number, chunk = 0, file.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        following = file.read(CHUNK_BYTES + TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), chunk, None)
        except InvalidTag:
            raise Undecryptable from None
        if not following:
            return
        number, chunk = number + 1, following
