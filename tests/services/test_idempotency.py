"""Stored responses, and which request executes, between instances that share a database."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import Conflict, RateLimited
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError, Sealing
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.accounts.accounts import Register
from hubbub.services import idempotency
from hubbub.services.accounts import registration
from hubbub.services.idempotency import IdempotencyStore, IdempotentRequest, StoredResponse

ANSWER = StoredResponse(201, {"Location": "/x"}, b'{"data":{"access_token":"a token"}}')


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
def here(container):
    return IdempotencyStore(container)


@pytest.fixture
def there(container):
    """Those of another instance."""
    return IdempotencyStore(container)


def question(key: str = "key", request: bytes = b"r" * 32) -> IdempotentRequest:
    return IdempotentRequest("address 192.0.2.1", key, request)


async def claimed(replies: IdempotencyStore, asked: IdempotentRequest) -> UUID:
    found = await replies.claim(asked)
    assert isinstance(found, UUID)
    return found


async def test_a_response_of_one_instance_is_returned_by_another(here, there):
    await here.store(question(), await claimed(here, question()), ANSWER)

    assert await there.claim(question()) == ANSWER
    with pytest.raises(Conflict, match="another request"):
        await there.claim(question(request=b"s" * 32))


async def test_a_waiting_request_gets_the_response(here, there):
    lease = await claimed(here, question())
    waiting = [asyncio.create_task(replies.claim(question())) for replies in (here, there, there)]
    await asyncio.sleep(0)

    await here.store(question(), lease, ANSWER)

    assert await asyncio.wait_for(asyncio.gather(*waiting), 20) == [ANSWER] * 3


async def test_one_waiting_request_executes_if_no_response_is_stored(here, there):
    lease = await claimed(here, question())
    waiting = [asyncio.create_task(replies.claim(question())) for replies in (here, there)]

    await here.release(question(), lease)

    done, others = await asyncio.wait(waiting, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    (first,) = done
    acts = first.result()
    assert isinstance(acts, UUID)
    await there.store(question(), acts, ANSWER)
    assert await asyncio.wait_for(others.pop(), 20) == ANSWER


async def test_a_request_that_waits_too_long_gets_a_retry_time(here, there, monkeypatch):
    monkeypatch.setattr(idempotency, "MAX_WAIT_S", 0.2)
    await claimed(here, question())

    with pytest.raises(Conflict) as refused:
        await there.claim(question())
    assert refused.value.retry_after_ms == 1000


async def test_waiting_requests_are_limited(here, monkeypatch):
    monkeypatch.setattr(idempotency, "MAX_WAITING_REQUESTS", 2)
    lease = await claimed(here, question())

    waiting = [asyncio.create_task(here.claim(question())) for _ in range(5)]

    ended, _ = await asyncio.wait(waiting, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    assert {type(each.exception()) for each in ended} == {Conflict}
    await here.store(question(), lease, ANSWER)
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in answers} == {StoredResponse, Conflict}


async def test_one_waiting_request_takes_over_from_a_dead_one(here, there):
    dead = await claimed(here, question())
    await models.IdempotencyKey.all().update(held_until=clock.now())

    found = [asyncio.create_task(replies.claim(question())) for replies in (here, there)]
    done, others = await asyncio.wait(found, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    lease = done.pop().result()
    assert isinstance(lease, UUID)

    # It was not dead, but slow: its response is too late, and is ignored.
    await here.store(question(), dead, StoredResponse(500, {}, b"late"))
    await here.release(question(), dead)
    await there.store(question(), lease, ANSWER)
    assert await asyncio.wait_for(others.pop(), 20) == ANSWER


async def test_stored_responses_of_a_caller_are_limited(here, monkeypatch):
    monkeypatch.setattr(idempotency, "ANONYMOUS_KEY_RATE", Rate(2, 0.001))
    for key in ("one", "two"):
        await here.store(question(key), await claimed(here, question(key)), ANSWER)

    with pytest.raises(RateLimited) as refused:
        await here.claim(question("three"))

    assert (refused.value.retry_after_ms or 0) > 60_000
    assert await models.IdempotencyKey.all().count() == 2
    assert await here.claim(question("one")) == ANSWER
    await claimed(here, IdempotentRequest("address 192.0.2.2", "three", b"r" * 32))


@pytest.mark.parametrize("user", [True, False])
async def test_a_restart_and_another_instance_count_stored_responses(container, monkeypatch, user):
    given = Register(name="Ada", email="ada@example.org", password="long enough")
    ada = (
        (await registration.register(container, given, RequestInfo("192.0.2.1", "tests"))).user.id
        if user
        else None
    )
    monkeypatch.setattr(idempotency, "USER_KEY_RATE" if user else "ANONYMOUS_KEY_RATE", Rate(8, 0.001))
    asked = [IdempotentRequest("ada", str(number), b"r" * 32, ada) for number in range(20)]

    stored = 0
    for one in asked:
        try:
            await claimed(IdempotencyStore(container), one)  # each in an instance that has just started
        except RateLimited:
            continue
        stored += 1

    assert stored == 8
    assert await models.IdempotencyKey.all().count() == 8
    await models.IdempotencyKey.all().update(
        expires_at=clock.now() + idempotency.RETENTION - timedelta(hours=3)
    )
    assert await claimed(IdempotencyStore(container), asked[-1])


async def test_many_callers_use_bounded_memory(here, monkeypatch):
    monkeypatch.setattr(idempotency, "MAX_TRACKED_CALLERS", 5)

    for number in range(12):
        await claimed(here, IdempotentRequest(f"address 192.0.2.{number}", "key", b"r" * 32))

    assert len(here._remaining_credits) == 5


async def test_a_response_over_the_size_limit_is_not_stored(here):
    lease = await claimed(here, question())

    await here.store(question(), lease, StoredResponse(200, {}, bytes(idempotency.MAX_RESPONSE_BYTES + 1)))

    assert not await models.IdempotencyKey.exists()


async def test_a_stored_response_needs_the_secret_key_and_the_request(here, container):
    await here.store(question(), await claimed(here, question()), ANSWER)
    row = await models.IdempotencyKey.get()
    purpose = idempotency._purpose("answer", question())

    with pytest.raises(DecryptionError):
        Sealing(["not the key of this server"]).unseal(purpose, row.answer)
    inner = container.sealing.unseal(purpose, row.answer).decode()
    assert "token" not in inner
    for other in (
        question(key="kez"),
        question(request=b"s" * 32),
        question()._replace(caller="user x"),
    ):
        with pytest.raises(DecryptionError):
            idempotency._request_sealing(other).unseal(purpose, inner)
    # Nor is it the response of another request, moved to another row.
    key = str(uuid4())
    lease = await claimed(here, question(key))
    await models.IdempotencyKey.filter(lease=lease).update(answer=row.answer)
    with pytest.raises(Conflict, match="can no longer be read"):
        await here.claim(question(key))


async def test_another_secret_key_is_refused_with_an_error(here, container):
    await here.store(question(), await claimed(here, question()), ANSWER)
    old = container.settings.secret_key
    container.sealing = Sealing(["the next", old])
    assert await IdempotencyStore(container).claim(question()) == ANSWER

    container.sealing = Sealing(["quite another"])
    with pytest.raises(Conflict, match="can no longer be read"):
        await IdempotencyStore(container).claim(question())
