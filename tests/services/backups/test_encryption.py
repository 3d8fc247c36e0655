"""Encrypted files are decrypted unchanged, and refused after any modification."""

import io
import os

import pytest

from hubbub.services.backups.encryption import (
    CHUNK_BYTES,
    MAGIC,
    SALT_BYTES,
    TAG_BYTES,
    Encryptor,
    Undecryptable,
    decrypt,
    is_encrypted,
)

KEY, HEAD = b"k" * 32, len(MAGIC) + SALT_BYTES


def _encrypt(data: bytes, key: bytes = KEY, name: str = "a", piece: int = CHUNK_BYTES) -> bytes:
    encryptor = Encryptor(key, name)
    written = [encryptor.update(data[at : at + piece]) for at in range(0, len(data), piece)]
    return b"".join([*written, encryptor.finish()])


def _decrypt(data: bytes, key: bytes = KEY, name: str = "a") -> bytes:
    return b"".join(decrypt(io.BytesIO(data), key, name))


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5]
)
@pytest.mark.parametrize("piece", [70_001, CHUNK_BYTES, 3 * CHUNK_BYTES])
def test_an_encrypted_file_can_be_decrypted(size, piece):
    data = os.urandom(size)

    written = _encrypt(data, piece=piece)

    assert _decrypt(written) == data
    assert is_encrypted(io.BytesIO(written))


def test_equal_content_gives_a_different_file_each_time():
    assert _encrypt(b"text") != _encrypt(b"text")


def _exchanged(data: bytes) -> bytes:
    size = CHUNK_BYTES + TAG_BYTES
    return (
        data[:HEAD] + data[HEAD + size : HEAD + 2 * size] + data[HEAD : HEAD + size] + data[HEAD + 2 * size :]
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[: HEAD + CHUNK_BYTES + TAG_BYTES],
        lambda data: data[: HEAD + 2 * (CHUNK_BYTES + TAG_BYTES)],
        lambda data: data[:HEAD],
        lambda data: data[:10],
        lambda data: data[:HEAD] + data[HEAD + CHUNK_BYTES + TAG_BYTES :],
        lambda data: data[: len(MAGIC)] + bytes(SALT_BYTES) + data[HEAD:],
        lambda data: data[:HEAD] + bytes([data[HEAD] ^ 1]) + data[HEAD + 1 :],
        _exchanged,
    ],
)
def test_a_changed_file_is_refused(change):
    data = _encrypt(os.urandom(2 * CHUNK_BYTES + 5))

    with pytest.raises(Undecryptable):
        _decrypt(change(data))


@pytest.mark.parametrize("other", [{"key": b"o" * 32}, {"name": "b"}])
def test_another_key_or_name_is_refused(other):
    with pytest.raises(Undecryptable):
        _decrypt(_encrypt(b"text"), **other)
