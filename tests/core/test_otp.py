import base64
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from hubbub.core import otp

SECRET = base64.b32encode(b"12345678901234567890").decode()
AT = datetime.fromtimestamp(1_111_111_111, UTC)
STEP = 1_111_111_111 // 30


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_match_the_standard(seconds, code):
    now = datetime.fromtimestamp(seconds, UTC)

    assert otp.matching_step(SECRET, code, now, 0) == seconds // 30


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_differ_by_one_step(steps, good):
    then = datetime.fromtimestamp(1_111_111_111 + steps * 30, UTC)

    assert (otp.matching_step(SECRET, "050471", then, 0) == STEP) is good


def test_an_earlier_code_is_refused_after_a_later_one():
    assert otp.matching_step(SECRET, "050471", AT, STEP - 1) == STEP
    assert otp.matching_step(SECRET, "050471", AT, STEP) is None
    assert otp.matching_step(SECRET, "050471", AT, STEP + 1) is None


@pytest.mark.parametrize("code", ["", "05047", "0504711", "050472", "abcdef", "ü", "\udcff", "050471\x00"])
def test_an_invalid_code_is_refused(code):
    assert otp.matching_step(SECRET, code, AT, 0) is None


@pytest.mark.parametrize(
    ("typed", "code", "is_of_app"),
    [
        ("050471", "050471", True),
        (" 050 471\n", "050471", True),
        ("０５０４７１", "050471", True),
        ("٠٥٠٤٧١", "٠٥٠٤٧١", False),
        ("ABCD-efgh ijkl-mnop", "abcdefghijklmnop", False),
    ],
)
def test_spaces_in_a_code_are_ignored(typed, code, is_of_app):
    assert otp.normalize(typed) == code
    assert otp.is_totp(code) is is_of_app


def test_an_app_gets_a_provisioning_url():
    uri = otp.provisioning_uri(SECRET, "ada@example.org", "hubbub")

    assert uri == f"otpauth://totp/hubbub:ada%40example.org?secret={SECRET}&issuer=hubbub"


def test_secrets_have_160_bits():
    assert len(base64.b32decode(otp.generate_secret())) == 20
    assert otp.generate_secret() != otp.generate_secret()


def test_ten_recovery_codes_are_stored_as_digests_bound_to_their_user():
    codes, owner = otp.generate_recovery_codes(), uuid4()

    assert len(set(codes)) == 10
    assert all(len(otp.normalize(each)) == 16 and not otp.is_totp(otp.normalize(each)) for each in codes)
    digest = otp.recovery_digest(owner, codes[0])
    assert digest == otp.recovery_digest(owner, codes[0].upper().replace("-", " "))
    assert digest not in (otp.recovery_digest(uuid4(), codes[0]), otp.recovery_digest(owner, codes[1]))
    assert codes[0] not in digest
