"""Signatures of URLs."""

from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from hubbub.core import clock
from hubbub.core.files.url_signatures import UrlSigner

SECRETS = ["a" * 32, "b" * 32]


def query(signer, upload_id):
    found = dict(parse_qsl(signer.query(upload_id)))
    return found["e"], found["s"]


def test_a_signature_is_valid_for_one_upload_and_one_time():
    signer, upload_id = UrlSigner(SECRETS), uuid4()
    expires, value = query(signer, upload_id)

    assert signer.verify(upload_id, expires, value)
    assert not signer.verify(uuid4(), expires, value)
    assert not signer.verify(upload_id, str(int(expires) + 3600), value)
    assert not signer.verify(upload_id, expires, value[:-1])


def test_it_is_valid_for_one_to_two_hours_and_the_same_within_an_hour():
    signer, upload_id = UrlSigner(SECRETS), uuid4()
    expires = int(query(signer, upload_id)[0])

    assert expires % 3600 == 0
    assert 3600 < expires - clock.now().timestamp() <= 7200


def test_a_former_key_is_accepted_and_an_unknown_one_is_not():
    upload_id = uuid4()
    former = query(UrlSigner(SECRETS[1:]), upload_id)
    unknown = query(UrlSigner(["c" * 32]), upload_id)

    assert UrlSigner(SECRETS).verify(upload_id, *former)
    assert not UrlSigner(SECRETS).verify(upload_id, *unknown)


@pytest.mark.parametrize(
    ("expires", "value"), [("", ""), ("x", "y"), ("-1", "y"), ("9" * 30, "y"), ("1", "é"), ("١", "y")]
)
def test_malformed_signatures_are_refused(expires, value):
    assert not UrlSigner(SECRETS).verify(uuid4(), expires, value)
