"""A token names its key, and only the current key and listed previous keys verify tokens."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from hubbub.core.auth_tokens import TokenIssuer, key_id
from hubbub.core.errors import InvalidToken, Unauthenticated
from tests.core.auth_tokens.signed_tokens import OTHER, SECRET, SESSION, USER, signed


def with_header(secret: str = SECRET, **header: Any) -> str:
    """A valid token with any header, built by hand because libraries refuse to build it."""
    _, body, _ = signed().split(".")
    head = _text(json.dumps({"alg": "HS256", "typ": "JWT", **header}).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_token_of_another_secret_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(secret="another-secret-of-more-than-32-characters"))


def test_a_token_contains_its_key_id_and_not_its_key(tokens):
    for token in (tokens.issue_access(USER, SESSION)[0], tokens.issue_refresh(USER, SESSION, "x")[0]):
        named = jwt.get_unverified_header(token)["kid"]
        assert named == key_id(SECRET) != key_id(OTHER)
        assert len(named) == 16
        assert named not in (SECRET, hashlib.sha256(SECRET.encode()).hexdigest()[:16])


def test_tokens_of_a_previous_key_are_valid_while_it_is_listed(tokens):
    access, refresh = (
        tokens.issue_access(USER, SESSION)[0],
        tokens.issue_refresh(USER, SESSION, "spendable")[0],
    )
    after = TokenIssuer(OTHER, 900, 604_800, [SECRET])
    long_after = TokenIssuer(OTHER, 900, 604_800)

    assert after.verify_access(access).user_id == USER
    assert after.verify_refresh(refresh).token_id == "spendable"
    assert jwt.get_unverified_header(after.issue_access(USER, SESSION)[0])["kid"] == key_id(OTHER)
    with pytest.raises(Unauthenticated):
        long_after.verify_access(access)
    with pytest.raises(InvalidToken):
        long_after.verify_refresh(refresh)


def test_instances_accept_each_others_tokens_during_a_key_change():
    first, then = TokenIssuer(SECRET, 900, 604_800, [OTHER]), TokenIssuer(OTHER, 900, 604_800, [SECRET])

    assert then.verify_access(first.issue_access(USER, SESSION)[0]).user_id == USER
    assert first.verify_access(then.issue_access(USER, SESSION)[0]).user_id == USER


@pytest.mark.parametrize(
    "kid",
    ["", "unknown", key_id(OTHER)[:15], key_id(OTHER) + "\n", SECRET, "../../dev/null", "/etc/hostname", "0"],
)
def test_only_listed_keys_are_used(kid):
    tokens = TokenIssuer(SECRET, 900, 604_800, [OTHER])
    for secret in (SECRET, OTHER, "x"):
        with pytest.raises(Unauthenticated):
            tokens.verify_access(with_header(secret, kid=kid))


def test_a_token_signed_with_another_key_than_named_is_refused():
    tokens = TokenIssuer(SECRET, 900, 604_800, [OTHER])

    assert tokens.verify_access(with_header(OTHER, kid=key_id(OTHER))).user_id == USER
    for secret, named in [(SECRET, OTHER), (OTHER, SECRET), ("", SECRET), (key_id(SECRET), SECRET)]:
        with pytest.raises(Unauthenticated):
            tokens.verify_access(with_header(secret, kid=key_id(named)))


def test_a_token_without_a_key_id_uses_the_current_key():
    tokens = TokenIssuer(SECRET, 900, 604_800, [OTHER])

    assert tokens.verify_access(signed()).user_id == USER
    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(secret=OTHER))


@pytest.mark.parametrize("kid", [None, 1, [], {}, ["0"], {"kty": "oct"}])
def test_a_key_id_must_be_text(tokens, kid):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(with_header(kid=kid))


@pytest.mark.parametrize("header", [{"jwk": {"kty": "oct", "k": "eA"}}, {"jku": "http://127.0.0.1/keys"}])
def test_a_key_embedded_in_a_token_is_ignored(tokens, header):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(with_header("x", kid=key_id(SECRET), **header))
