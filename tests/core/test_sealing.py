"""Sealed secrets open with their key and purpose only."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hubbub.core.sealing import DecryptionError, Sealing, derive_key

OLD, NEW = "an old secret key of this server", "the new secret key of this server"
SECRET = b"\x00the secret of somebody's phone\xff"


def test_a_sealed_text_can_be_opened():
    sealing = Sealing([NEW])

    text = sealing.seal("totp:ada", SECRET)

    assert sealing.unseal("totp:ada", text) == SECRET
    assert Sealing([NEW]).unseal("totp:ada", text) == SECRET
    assert text.isascii()
    assert sealing.is_current(text)
    assert sealing.unseal("empty", sealing.seal("empty", b"")) == b""


def test_each_sealed_text_differs_and_reveals_nothing():
    sealing = Sealing([NEW])

    texts = {sealing.seal("totp:ada", SECRET) for _ in range(50)}

    assert len(texts) == 50
    assert not any("phone" in text for text in texts)


@pytest.mark.parametrize("purpose", ["totp:bob", "signing:ada", "totp", "", "totp:ada "])
def test_a_sealed_text_opens_for_one_purpose(purpose):
    sealing = Sealing([NEW])
    text = sealing.seal("totp:ada", SECRET)

    with pytest.raises(DecryptionError):
        sealing.unseal(purpose, text)


def test_a_previous_key_opens_texts_while_it_is_listed():
    text = Sealing([OLD]).seal("totp:ada", SECRET)
    both = Sealing([NEW, OLD])

    assert both.unseal("totp:ada", text) == SECRET
    assert not both.is_current(text)
    again = both.seal("totp:ada", SECRET)
    assert both.is_current(again)
    assert Sealing([NEW]).unseal("totp:ada", again) == SECRET
    with pytest.raises(DecryptionError):
        Sealing([NEW]).unseal("totp:ada", text)


def test_every_change_of_a_sealed_text_is_detected():
    sealing = Sealing([NEW])
    text = sealing.seal("totp:ada", SECRET)

    for place in range(len(text) - 1):  # the last character holds bits that mean nothing
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(DecryptionError):
            sealing.unseal("totp:ada", changed)


def test_a_text_is_not_opened_under_the_id_of_another_key():
    sealing = Sealing([NEW, OLD])
    version, name, text = sealing.seal("totp:ada", SECRET).split(".")
    other = Sealing([OLD]).seal("totp:ada", SECRET).split(".")[1]
    assert name != other

    with pytest.raises(DecryptionError):
        sealing.unseal("totp:ada", f"{version}.{other}.{text}")


@pytest.mark.parametrize(
    "text", ["", ".", "..", "s1", "s1..", "s1.x.y", "plain", "s2.a.b", "s1.{}.", "s1.{}.é"]
)
def test_a_text_that_was_not_sealed_is_refused(text):
    sealing = Sealing([NEW])
    name = sealing.seal("x", b"").split(".")[1]

    with pytest.raises(DecryptionError):
        sealing.unseal("x", text.format(name))


def test_derived_keys_differ_by_use():
    keys = {derive_key(secret, info) for secret in (b"one", b"two") for info in (b"a", b"b")}

    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize("secret", [b"", b"short", SECRET * 9])
def test_keys_are_derived_by_hkdf(secret):
    for info in (b"hubbub:sealing", b"", b"x" * 200):
        assert derive_key(secret, info) == HKDF(SHA256(), 32, None, info).derive(secret)
