"""Files that are encrypted in chunks with AES-256-GCM, each authenticated with its place in the file.

A file is a magic line, 32 random bytes and the chunks. From these bytes, the backup key and the name of the
file a key of its own is derived (HKDF-SHA256). A nonce is the number of its chunk, and a byte that marks the
last one. Chunks that are changed, exchanged, missing or of another file are found.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"hubbub backup 1 AES-256-GCM\n"
SALT = 32
TAG = 16
CHUNK = 1 << 20  # bytes of plain text
KEY = 32


class Undecryptable(Exception):
    """It was encrypted with another key, for another file, or it was changed or cut off."""


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY, salt, b"hubbub:backup:" + name.encode()).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class Encryptor:
    """Turns plain text, piece by piece, into the bytes of a file."""

    def __init__(self, key: bytes, name: str) -> None:
        salt = os.urandom(SALT)
        self._cipher = _cipher(key, salt, name)
        self._number = 0
        self._waiting = bytearray()
        self._head = MAGIC + salt

    def update(self, data: bytes) -> bytes:
        """The bytes that can be written now; the last chunk waits for `finish`."""
        out, self._head = [self._head], b""
        self._waiting += data
        while len(self._waiting) > CHUNK:
            out.append(self._chunk(bytes(self._waiting[:CHUNK]), last=False))
            del self._waiting[:CHUNK]
        return b"".join(out)

    def finish(self) -> bytes:
        """The rest."""
        return self._head + self._chunk(bytes(self._waiting), last=True)

    def _chunk(self, data: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), data, None)
        self._number += 1
        return sealed


def is_encrypted(file: BinaryIO) -> bool:
    """Whether a file begins as an encrypted one. It is at its beginning again afterwards."""
    head = file.read(len(MAGIC))
    file.seek(0)
    return head == MAGIC


def decrypted(file: BinaryIO, key: bytes, name: str) -> Iterator[bytes]:
    """The plain text of an encrypted file, in pieces. Raises Undecryptable."""
    head = file.read(len(MAGIC) + SALT)
    if len(head) < len(MAGIC) + SALT:
        raise Undecryptable
    cipher = _cipher(key, head[len(MAGIC) :], name)
    number, chunk = 0, file.read(CHUNK + TAG)
    while True:
        following = file.read(CHUNK + TAG)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), chunk, None)
        except InvalidTag:
            raise Undecryptable from None
        if not following:
            return
        number, chunk = number + 1, following
