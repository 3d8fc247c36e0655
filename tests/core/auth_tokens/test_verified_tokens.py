"""Verified access tokens are remembered until they expire, and own tokens are verified without PyJWT."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from hubbub.core import auth_tokens as module
from hubbub.core.auth_tokens import (
    ACCESS_AUDIENCE,
    REFRESH_AUDIENCE,
    AccessClaims,
    TokenIssuer,
    VerifiedTokens,
    key_id,
)
from hubbub.core.errors import InvalidToken, TokenExpired, Unauthenticated
from tests.core.auth_tokens.signed_tokens import OTHER, SECRET, SESSION, USER, claims, signed


def count_verifications(monkeypatch) -> list[str]:
    """Record the tokens whose signature is checked."""
    checked: list[str] = []
    decode = jwt.decode

    def record(token: str, *arguments: Any, **options: Any) -> Any:
        checked.append(token)
        return decode(token, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", record)
    return checked


def test_own_tokens_are_verified_without_pyjwt_and_alike(tokens, monkeypatch):
    checked = count_verifications(monkeypatch)
    token, _ = tokens.issue_access(USER, SESSION)
    own = tokens._verify_own(token)

    assert tokens.verify_access(token) == own
    assert checked == []
    monkeypatch.setattr(TokenIssuer, "_verify_own", lambda *_: None)
    assert TokenIssuer(SECRET, 900, 900).verify_access(token) == own
    assert checked == [token]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"aud": REFRESH_AUDIENCE},
        {"aud": [ACCESS_AUDIENCE]},
        {"sub": "nobody"},
        {"sid": None},
        {"exp": datetime.now(UTC) - timedelta(seconds=1)},
        {"exp": 10**30},
        {"iat": datetime.now(UTC) + timedelta(hours=1)},
        {"nbf": datetime.now(UTC) - timedelta(seconds=5)},
        {"extra": 1},
    ],
)
def test_only_own_tokens_take_the_fast_way(tokens, changes):
    token = jwt.encode(claims(**changes), SECRET, "HS256", {"kid": key_id(SECRET)})

    assert tokens._verify_own(token) is None


def test_the_fast_way_accepts_no_other_signature(tokens):
    token, _ = tokens.issue_access(USER, SESSION)
    head, _, signature = token.rpartition(".")
    last = "A" if signature[-1] != "A" else "B"
    wrong = [
        head,
        f"{head}.",
        f"{head}.{signature[:-1]}",
        f"{head}.{signature[:-1]}{last}",
        f"{head}.{signature[::-1]}",
        f"{head}.{signature}=",
        f"{head}.{signature[:-1]}ü",
        f"{head}..{signature}",
        f"{head}x.{signature}",
        f"x{head}.{signature}",
        TokenIssuer(OTHER, 900, 900).issue_access(USER, SESSION)[0],
        jwt.encode(claims(), OTHER, "HS256", {"kid": key_id(SECRET)}),
        jwt.encode(claims(), SECRET * 2, "HS512", {"kid": key_id(SECRET)}),
        jwt.encode(claims(), None, "none", {"kid": key_id(SECRET)}),
    ]

    assert tokens._verify_own(token) is not None
    assert [each for each in wrong if tokens._verify_own(each) is not None] == []


def test_the_signature_of_a_token_is_checked_once(tokens, monkeypatch):
    checked = count_verifications(monkeypatch)
    token = signed()

    assert tokens.verify_access(token) == tokens.verify_access(token) == tokens.verify_access(token)
    assert checked == [token]


def test_a_remembered_token_expires(tokens, monkeypatch):
    token, expires_at = tokens.issue_access(USER, SESSION)
    tokens.verify_access(token)

    for moment, expired in ((-0.001, False), (0, True), (1, True), (10**6, True)):
        monkeypatch.setattr(module.clock, "now", lambda moment=moment: expires_at + timedelta(seconds=moment))
        if not expired:
            assert tokens.verify_access(token).expires_at == expires_at
            continue
        with pytest.raises(TokenExpired):
            tokens.verify_access(token)


def test_a_remembered_access_token_is_no_refresh_token(tokens):
    token, _ = tokens.issue_access(USER, SESSION)
    tokens.verify_access(token)

    with pytest.raises(InvalidToken):
        tokens.verify_refresh(token)


def test_tokens_that_are_not_valid_are_not_remembered(tokens):
    good = signed()
    bad = [
        good[:-1],
        good.replace(".", "..", 1),
        signed(secret=OTHER),
        signed(aud=REFRESH_AUDIENCE, jti="x"),
        signed(exp=datetime.now(UTC) - timedelta(seconds=1)),
        "x" * 10_000,
        "\udcff",
    ]
    for token in bad:
        for _ in range(2):
            with pytest.raises((Unauthenticated, TokenExpired)):
                tokens.verify_access(token)

    assert len(tokens._verified) == 0


def test_other_spellings_of_one_token_do_not_fill_the_memory(tokens):
    """PyJWT accepts padding as well."""
    token = signed() + "="

    assert tokens.verify_access(token).user_id == USER
    assert len(tokens._verified) == 0


def test_the_tokens_that_were_used_last_are_remembered():
    verified = VerifiedTokens(max_tokens=3)
    names = [f"head.body.{number:043}" for number in range(5)]
    claims = [AccessClaims(uuid4(), SESSION, datetime.now(UTC) + timedelta(minutes=5)) for _ in names]
    for name, each in zip(names[:3], claims, strict=False):
        verified.add(name, each)
    verified.get(names[0])
    for name, each in zip(names[3:], claims[3:], strict=True):
        verified.add(name, each)

    assert [verified.get(name) for name in names] == [claims[0], None, None, claims[3], claims[4]]
    assert len(verified) == 3


def test_the_token_of_a_socket_is_verified_alike_and_not_remembered(tokens):
    own, other = tokens.issue_access(USER, SESSION)[0], signed()
    refused = [own[:-1], signed(secret=OTHER), signed(exp=datetime.now(UTC) - timedelta(seconds=1))]

    assert [tokens.verify_access_once(each).session_id for each in (own, other)] == [SESSION, SESSION]
    for token in refused:
        with pytest.raises((Unauthenticated, TokenExpired)):
            tokens.verify_access_once(token)
    assert len(tokens._verified) == 0


def test_no_token_is_kept_in_memory(tokens):
    token, _ = tokens.issue_access(USER, SESSION)
    tokens.verify_access(token)

    kept = repr(vars(tokens._verified))
    assert all(part not in kept for part in token.split("."))
