import base64
import hashlib
import hmac
import json
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

SECRET = "a-secret-for-these-tests-of-good-length"
USER, SESSION = uuid4(), uuid4()


@pytest.fixture
def tokens() -> TokenIssuer:
    return TokenIssuer(SECRET, 900, 604_800)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid access token, with changes. None removes a claim."""
    now = datetime.now(UTC)
    good = {
        "iss": "hubbub",
        "aud": ACCESS_AUDIENCE,
        "sub": str(USER),
        "sid": str(SESSION),
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)


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


def test_a_token_of_another_secret_is_refused(tokens):
    with pytest.raises(Unauthenticated):
        tokens.verify_access(signed(secret="another-secret-of-more-than-32-characters"))


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


OTHER = "another-secret-for-these-tests-of-tokens"


def with_header(secret: str = SECRET, **header: Any) -> str:
    """A valid token with any header, built by hand because libraries refuse to build it."""
    _, body, _ = signed().split(".")
    head = _text(json.dumps({"alg": "HS256", "typ": "JWT", **header}).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


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


# Verified tokens are remembered.


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
