"""Signatures of requests: HMAC over method, path, time and body. docs/rest.md says how to make one."""

import hashlib
import hmac
import re
from typing import NamedTuple

VERSION = "hubbub-v1"
WINDOW_S = 300  # that a clock may be wrong, either way
_HEADER = re.compile(r"t=([0-9]{1,12}),n=([A-Za-z0-9_-]{8,64}),s=([0-9a-f]{64})")


class Signature(NamedTuple):
    """What a request says of itself: when it was made (Unix seconds), its own nonce, and the proof."""

    time: int
    nonce: str
    digest: str


class SignedRequest(NamedTuple):
    """What is signed of a request; `target` is path and query, byte by byte as they were sent."""

    method: str
    target: str
    body: bytes


def parse_header(header: str) -> Signature | None:
    """The header `X-Signature`; None for what is none."""
    found = _HEADER.fullmatch(header.strip())
    return Signature(int(found[1]), found[2], found[3]) if found is not None else None


def sign(secret: str, request: SignedRequest, time: int, nonce: str) -> str:
    """The digest, in hex."""
    body = hashlib.sha256(request.body).hexdigest()
    lines = (VERSION, request.method, request.target, str(time), nonce, body)
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def verify(secret: str, request: SignedRequest, signature: Signature) -> bool:
    """Whether the secret made it, compared in constant time."""
    return hmac.compare_digest(sign(secret, request, signature.time, signature.nonce), signature.digest)
