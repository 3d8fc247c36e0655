"""Payloads of jobs: what earlier releases stored is decoded, and stored in the same way."""

from uuid import UUID

import msgspec
import pytest

from hubbub.core.request_info import RequestInfo
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import EraseAccount, SendMail

USER_ID = UUID("019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10")
# As recorded from the table `jobs` of version 0.1.
RECORDED = [
    (
        '{"letter":"verify_email","user_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10","facts":{}}',
        SendMail(template="verify_email", user_id=USER_ID, context={}),
    ),
    (
        (
            '{"letter":"new_login","user_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10",'
            '"facts":{"user_agent":"Mozilla/5.0","ip":"192.0.2.1"}}'
        ),
        SendMail(
            template="new_login",
            user_id=USER_ID,
            context={"user_agent": "Mozilla/5.0", "ip": "192.0.2.1"},
        ),
    ),
    (
        (
            '{"letter":"reset_password","email":"Ada@example.com","facts":{},'
            '"origin":["192.0.2.1","Mozilla/5.0","request-1"]}'
        ),
        SendMail(
            template="reset_password",
            email="Ada@example.com",
            context={},
            request_info=RequestInfo("192.0.2.1", "Mozilla/5.0", "request-1"),
        ),
    ),
    (
        '{"user_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10"}',
        EraseAccount(user_id=USER_ID),
    ),
    (
        (
            '{"user_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10",'
            '"after_room_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10","after_seq":4711}'
        ),
        EraseAccount(user_id=USER_ID, after_room_id=USER_ID, after_seq=4711),
    ),
]


@pytest.mark.parametrize(("stored", "payload"), RECORDED)
def test_a_payload_of_the_previous_release_is_decoded(stored, payload):
    assert msgspec.json.decode(stored, type=type(payload)) == payload


@pytest.mark.parametrize(("stored", "payload"), RECORDED)
def test_a_payload_is_stored_as_the_previous_release_reads_it(stored, payload):
    assert encode(payload).decode() == stored


def test_a_deletion_of_an_earlier_release_begins_again():
    """Its progress was the id of an entry; entries have none any more."""
    stored = '{"user_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10","after":4711}'

    assert msgspec.json.decode(stored, type=EraseAccount) == EraseAccount(user_id=USER_ID)


def test_a_field_of_a_newer_release_is_ignored():
    stored = '{"user_id":"019b0c7e-8f4d-7c3a-9a55-0d6d3f1f6a10","reason":"asked"}'

    assert msgspec.json.decode(stored, type=EraseAccount) == EraseAccount(user_id=USER_ID)
