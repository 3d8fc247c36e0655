from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from hubbub.core import tokens as module
from hubbub.core.errors import InvalidToken, TokenExpired, Unauthenticated
from hubbub.core.tokens import ACCESS, REFRESH, Tokens

SECRET = "a-secret-for-these-tests-of-good-length"
USER, SESSION = uuid4(), uuid4()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET, 900, 604_800)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token, with changes; None takes one out."""
    now = datetime.now(UTC)
    good = {
        "iss": "hubbub",
        "aud": ACCESS,
        "sub": str(USER),
        "sid": str(SESSION),
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)


def test_an_access_token_reads_back(tokens):
    token, expires_at = tokens.access(USER, SESSION)

    read = tokens.read_access(token)

    assert (read.user_id, read.session_id, read.expires_at) == (USER, SESSION, expires_at)
    assert timedelta(seconds=895) < expires_at - datetime.now(UTC) <= timedelta(seconds=900)


def test_a_refresh_token_reads_back(tokens):
    token, _ = tokens.refresh(USER, SESSION, "spendable")

    assert tokens.read_refresh(token) == (USER, SESSION, "spendable")


def test_each_token_is_good_for_one_purpose(tokens):
    with pytest.raises(Unauthenticated):
        tokens.read_access(tokens.refresh(USER, SESSION, "spendable")[0])
    with pytest.raises(InvalidToken):
        tokens.read_refresh(tokens.access(USER, SESSION)[0])


def test_an_expired_access_token_says_so(tokens):
    with pytest.raises(TokenExpired):
        tokens.read_access(signed(exp=datetime.now(UTC) - timedelta(seconds=1)))


def test_an_expired_refresh_token_is_no_token(tokens):
    ended = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(InvalidToken):
        tokens.read_refresh(signed(aud=REFRESH, jti="spendable", exp=ended))


@pytest.mark.parametrize("missing", ["exp", "iat", "sub", "sid", "aud", "iss"])
def test_every_claim_is_needed(tokens, missing):
    with pytest.raises(Unauthenticated):
        tokens.read_access(signed(**{missing: None}))


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
        tokens.read_access(signed(**changes))


def test_a_token_of_another_secret_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.read_access(signed(secret="another-secret-of-more-than-32-characters"))


def test_a_token_of_no_algorithm_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.read_access(jwt.encode(claims(), None, "none"))


def test_a_token_of_another_algorithm_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.read_access(signed(secret=SECRET * 2, algorithm="HS512"))


def test_a_changed_token_is_refused(tokens):
    head, _, signature = signed().split(".")
    _, other, _ = signed(sub=str(uuid4())).split(".")
    with pytest.raises(Unauthenticated):
        tokens.read_access(f"{head}.{other}.{signature}")


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ü.ü.ü", "\udcff", "\x00", "x" * 100_000])
def test_what_is_no_token_is_refused(tokens, text):
    with pytest.raises(Unauthenticated):
        tokens.read_access(text)
    with pytest.raises(InvalidToken):
        tokens.read_refresh(text)


def test_one_algorithm_only():
    assert module.ALGORITHM == "HS256"
