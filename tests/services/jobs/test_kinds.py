"""The table of the kinds of jobs."""

import inspect
import json
import typing
from uuid import UUID

import pytest

from hubbub.schemas import jobs
from hubbub.schemas.jobs import EraseAccount, JobPayload, Queue, ScheduledJob
from hubbub.services.jobs import kinds, queue
from hubbub.workers import registry
from hubbub.workers.worker import MAX_CONCURRENT_JOBS


def test_each_payload_has_one_kind_and_each_kind_one_handler():
    payloads = [each for _, each in inspect.getmembers(jobs, inspect.isclass) if issubclass(each, JobPayload)]

    assert {kind.payload for kind in kinds.KINDS} == set(payloads) - {JobPayload, ScheduledJob}
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
    assert 1 <= kind.concurrency <= MAX_CONCURRENT_JOBS
    assert 0 < kind.backoff.shortest <= kind.backoff.longest


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.name)
def test_a_secret_field_is_a_field_of_the_stored_payload(kind):
    assert kind.payload.secret_fields <= set(kind.payload.__struct_encode_fields__)


def test_retry_delays_grow_and_differ():
    backoff = kinds.Backoff()
    for attempt in range(1, 100):
        delays = {backoff.delay(attempt) for _ in range(50)}
        longest = min(backoff.shortest * 2 ** (attempt - 1), backoff.longest)
        assert len(delays) > 1
        assert longest / 2 <= min(delays) <= max(delays) <= longest


class Renamed(JobPayload, frozen=True, kw_only=True):
    """The third version of a payload."""

    user_id: UUID
    words: list[str]


UPGRADED = kinds.Kind(
    "test.renamed",
    Renamed,
    Queue.MAINTENANCE,
    upgrades=(
        lambda fields: {"user_id": fields["user"], "text": fields["text"]},
        lambda fields: {"user_id": fields["user_id"], "words": fields["text"].split()},
    ),
)


@pytest.mark.parametrize(
    ("version", "stored"),
    [
        (1, {"user": str(UUID(int=7)), "text": "a b"}),
        (2, {"user_id": str(UUID(int=7)), "text": "a b"}),
        (3, {"user_id": str(UUID(int=7)), "words": ["a", "b"]}),
    ],
)
def test_payloads_of_earlier_versions_are_upgraded(version, stored):
    assert UPGRADED.version == 3

    payload = kinds.decode(UPGRADED, json.dumps(stored), version)

    assert payload == Renamed(user_id=UUID(int=7), words=["a", "b"])


@pytest.mark.parametrize("stored", ['{"user": 7}', '{"user": "hunter2", "text": "a"}', "[]", "{"])
def test_a_payload_that_cannot_be_upgraded_is_a_permanent_failure_without_its_values(stored):
    with pytest.raises(kinds.PermanentFailure, match=r"test\.renamed does not decode") as failure:
        kinds.decode(UPGRADED, stored, 1)

    assert "hunter2" not in str(failure.value)


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
