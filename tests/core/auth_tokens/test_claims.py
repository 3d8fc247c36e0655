"""Access and refresh tokens are refused with wrong claims, signatures or times."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from hubbub.core import auth_tokens as module
from hubbub.core.auth_tokens import ACCESS_AUDIENCE, REFRESH_AUDIENCE
from hubbub.core.errors import InvalidToken, TokenExpired, Unauthenticated
from tests.core.auth_tokens.signed_tokens import SECRET, SESSION, USER, claims, signed


def test_an_access_token_reads_back(tokens):
    token, expires_at = tokens.issue_access(USER, SESSION)

    read = tokens.verify_access(token)

    assert (read.user_id, read.session_id, read.expires_at) == (USER, SESSION, expires_at)
    assert timedelta(seconds=895) < expires_at - datetime.now(UTC) <= timedelta(seconds=900)


def test_a_refresh_token_reads_back(tokens):
    token, _ = tokens.issue_refresh(USER, SESSION, "spendable")

    assert tokens.verify_refresh(token) == (USER, SESSION, "spendable")


def test_each_token_is_valid_for_one_purpose(tokens):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(tokens.issue_refresh(USER, SESSION, "spendable")[0])
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(tokens.issue_access(USER, SESSION)[0])


def test_an_expired_access_token_is_reported_as_expired(tokens):
    with pytest.raises(TokenExpired):
        tokens.verify_access(signed(exp=datetime.now(UTC) - timedelta(seconds=1)))


def test_an_expired_refresh_token_is_invalid(tokens):
    ended = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(signed(aud=REFRESH_AUDIENCE, jti="spendable", exp=ended))


@pytest.mark.parametrize("missing", ["exp", "iat", "sub", "sid", "aud", "iss"])
def test_every_claim_is_required(tokens, missing):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(**{missing: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "somebody"},
        {"sid": "urn:nothing"},
        {"iss": "another"},
        {"aud": "hubbub:"},
        {"aud": "hubbub:reset"},
        {"iat": datetime.now(UTC) + timedelta(hours=1)},
        {"exp": "soon"},
    ],
)
def test_wrong_claims_are_refused(tokens, changes):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(**changes))


def test_an_unsigned_token_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(jwt.encode(claims(), None, "none"))


def test_a_token_of_another_algorithm_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(secret=SECRET * 2, algorithm="HS512"))


def test_a_changed_token_is_refused(tokens):
    head, _, signature = signed().split(".")
    _, other, _ = signed(sub=str(uuid4())).split(".")
    with pytest.raises(Unauthenticated):
        tokens.verify_access(f"{head}.{other}.{signature}")


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ü.ü.ü", "\udcff", "\x00", "x" * 100_000])
def test_an_invalid_token_is_refused(tokens, text):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(text)
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(text)


def test_only_one_algorithm_is_accepted():
    assert module.ALGORITHM == "HS256"


SKEWS = [-60, -5, -1, -0.1, 0, 0.1, 1, 5, 60]


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", SKEWS)
@pytest.mark.parametrize("purpose", [ACCESS_AUDIENCE, REFRESH_AUDIENCE])
def test_a_token_of_an_instance_with_another_clock_is_accepted(tokens, purpose, seconds, claim):
    theirs = datetime.now(UTC) + timedelta(seconds=seconds)
    given = {"aud": purpose, "jti": "x", claim: theirs.timestamp(), "exp": theirs + timedelta(minutes=15)}
    read = tokens.verify_access if purpose == ACCESS_AUDIENCE else tokens.verify_refresh

    assert read(signed(**given)).session_id == SESSION


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", [90, 300, 3600, 10**9])
def test_a_token_from_far_in_the_future_is_refused(tokens, claim, seconds):
    given = {claim: datetime.now(UTC).timestamp() + seconds}

    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(**given))
    with pytest.raises(InvalidToken):
        tokens.verify_refresh(signed(aud=REFRESH_AUDIENCE, jti="x", **given))


@pytest.mark.parametrize("exp", [10**12, 10**18, 10**30, "1", float("inf"), float("nan"), True, [], None])
def test_an_invalid_expiry_time_is_refused(tokens, exp):
    with pytest.raises((Unauthenticated, TokenExpired)):
        tokens.verify_access(jwt.encode({**claims(), "exp": exp}, SECRET, "HS256"))
