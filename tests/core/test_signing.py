"""Request signatures: the signed content, and the syntax of the header."""

import pytest

from hubbub.core.signing import Signature, SignedRequest, parse_header, sign, verify
from tests.support.signing import sign as header_of

SECRET = "5ca1ab1e" * 8
REQUEST = SignedRequest("POST", "/api/v1/rooms?x=%20y", b'{"kind":"public"}')


def made(request=REQUEST, secret=SECRET):
    """A signature by the tests' own hand."""
    signature = parse_header(header_of(secret, request.method, request.target, request.body))
    assert signature is not None
    return signature


def test_the_signature_matches_the_documentation():
    assert sign("key", SignedRequest("GET", "/api/v1/rooms", b""), 1_800_000_000, "nonce-of-mine") == (
        "a21e309272ea6fe5206f70fd913c3703068ac30d63468834fb4d1cab96322f24"
    )


def test_a_signature_needs_the_secret():
    assert verify(SECRET, REQUEST, made())
    assert not verify(SECRET, REQUEST, made(secret="another"))


@pytest.mark.parametrize(
    "other",
    [
        REQUEST._replace(method="PUT"),
        REQUEST._replace(target="/api/v1/rooms?x=%20z"),
        REQUEST._replace(target="/api/v1/rooms?x= y"),
        REQUEST._replace(target="/api/v1/rooms"),
        REQUEST._replace(body=b""),
        REQUEST._replace(body=b'{"kind":"private"}'),
    ],
)
def test_a_signature_covers_one_request(other):
    assert not verify(SECRET, other, made())


def test_time_and_nonce_are_signed():
    signature = made()

    assert not verify(SECRET, REQUEST, signature._replace(time=signature.time + 1))
    assert not verify(SECRET, REQUEST, signature._replace(nonce=signature.nonce + "x"))


def test_a_signature_header_is_parsed():
    assert parse_header(" t=12,n=abcd-_EF,s=" + "0a" * 32) == Signature(12, "abcd-_EF", "0a" * 32)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=12",
        "t=12,n=abcdefgh,s=" + "0A" * 32,
        "t=12,n=abcdefgh,s=" + "0a" * 31,
        "t=12,n=short,s=" + "0a" * 32,
        "t=12,n=" + "x" * 65 + ",s=" + "0a" * 32,
        "t=-12,n=abcdefgh,s=" + "0a" * 32,
        "t=" + "1" * 13 + ",n=abcdefgh,s=" + "0a" * 32,
        "t=١٢,n=abcdefgh,s=" + "0a" * 32,
        "t=12,n=abcdefgh,s=" + "0a" * 32 + ",t=13",
        "n=abcdefgh,t=12,s=" + "0a" * 32,
    ],
)
def test_an_invalid_signature_header_is_refused(header):
    assert parse_header(header) is None
