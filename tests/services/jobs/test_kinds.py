"""The table of the kinds of jobs."""

import inspect
import typing

import pytest

from hubbub.schemas import jobs
from hubbub.schemas.jobs import EraseAccount, JobPayload
from hubbub.services.jobs import kinds, queue
from hubbub.workers import registry


def test_each_payload_has_one_kind_and_each_kind_one_handler():
    payloads = [each for _, each in inspect.getmembers(jobs, inspect.isclass) if issubclass(each, JobPayload)]

    assert {kind.payload for kind in kinds.KINDS} == set(payloads) - {JobPayload}
    assert registry.HANDLERS.keys() == {kind.payload for kind in kinds.KINDS}
    assert len({kind.name for kind in kinds.KINDS}) == len({kind.payload for kind in kinds.KINDS})


@pytest.mark.parametrize("payload", registry.HANDLERS)
def test_a_handler_takes_the_payload_of_its_kind(payload):
    parameters = list(inspect.signature(registry.HANDLERS[payload]).parameters.values())

    assert parameters[1].annotation is payload


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.name)
def test_a_kind_fits_its_columns_and_has_limits(kind):
    assert len(kind.name) <= 64
    assert len(kind.queue) <= 32
    assert kind.max_attempts >= 1
    assert kind.timeout_s > 0
    assert kind.lease_s > 0


@pytest.mark.parametrize("payload", ["mail.letter", {"user_id": "7"}, JobPayload()])
def test_a_string_and_a_dict_are_no_payload(payload):
    with pytest.raises(TypeError):
        kinds.of(payload)


def test_enqueue_is_typed():
    hints = typing.get_type_hints(queue.enqueue)

    assert hints["payload"] is JobPayload


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("{}", "missing required field `user_id`"),
        ('{"user_id": "hunter2"}', "Invalid UUID"),
        ('{"user_id": 7}', "Expected `uuid`, got `int`"),
        ("[]", "Expected `object`, got `array`"),
        ('{"user_id"', "truncated"),
        ("", "truncated"),
    ],
)
def test_a_payload_that_does_not_decode_is_a_permanent_failure_without_its_values(stored, reason):
    with pytest.raises(kinds.PermanentFailure, match=reason) as failure:
        kinds.decode(kinds.of(EraseAccount(user_id=None)), stored)

    assert str(failure.value).startswith("The payload of account.erase does not decode: ")
    assert "hunter2" not in str(failure.value)
