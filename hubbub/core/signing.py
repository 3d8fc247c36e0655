"""Signatures of requests: HMAC over method, path, time and body. docs/rest.md describes the algorithm."""

import hashlib
import hmac
import re
from typing import NamedTuple

VERSION = "hubbub-v1"
WINDOW_S = 300  # allowed difference of the clocks, in both directions
_HEADER = re.compile(r"t=([0-9]{1,12}),n=([A-Za-z0-9_-]{8,64}),s=([0-9a-f]{64})")


class Signature(NamedTuple):
    """The signature of a request: its time (Unix seconds), its unique nonce, and the digest."""

    time: int
    nonce: str
    digest: str


class SignedRequest(NamedTuple):
    """The signed parts of a request. `target` is path and query, byte by byte as sent."""

    method: str
    target: str
    body: bytes


def parse_header(header: str) -> Signature | None:
    """Return the parsed header `X-Signature`; None if it is malformed."""
    found = _HEADER.fullmatch(header.strip())
    return Signature(int(found[1]), found[2], found[3]) if found is not None else None


def sign(secret: str, request: SignedRequest, time: int, nonce: str) -> str:
    """Return the digest of a request, in hex."""
    body = hashlib.sha256(request.body).hexdigest()
    lines = (VERSION, request.method, request.target, str(time), nonce, body)
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def verify(secret: str, request: SignedRequest, signature: Signature) -> bool:
    """Return whether the secret produced the signature, compared in constant time."""
    return hmac.compare_digest(sign(secret, request, signature.time, signature.nonce), signature.digest)
