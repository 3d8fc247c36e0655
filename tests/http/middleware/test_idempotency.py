"""Idempotency-Key over a real server: the same caller gets the first response again, another caller never."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from hubbub import models
from hubbub.app import App
from hubbub.config.parsers import networks
from hubbub.core import clock
from hubbub.db import database
from hubbub.http.middleware import idempotency
from hubbub.ratelimit.rate import Rate
from hubbub.services import idempotency as replies
from hubbub.services.accounts import deletion
from hubbub.services.jobs import retention
from tests.http.auth.test_api_keys import make
from tests.support.live_instance import LiveInstance

GARDEN = {"kind": "private", "name": "Garden"}
ACCOUNT = {"name": "Eve", "email": "eve@example.com", "password": "correct horse battery", "username": "eve"}


class StoredResponse:
    """Status, JSON and headers."""

    def __init__(self, status: int, body: Any, headers: Any) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.replayed = "Idempotency-Replayed" in headers


async def post(
    instance: LiveInstance, path: str, key: str | None, by: Any = None, url: str = "", **options: Any
) -> StoredResponse:
    """Send a POST. `by` is a user, or an API key."""
    headers = options.pop("headers", {})
    if key is not None:
        headers["Idempotency-Key"] = key
    if isinstance(by, str):
        headers["X-API-Key"] = by
    elif by is not None:
        headers["Authorization"] = f"Bearer {by.token}"
    address = f"{url or instance.url}/api/v1{path}"
    async with instance.http.post(address, headers=headers, **options) as answer:
        text = await answer.text()
        return StoredResponse(
            answer.status, await answer.json(content_type=None) if text else None, answer.headers
        )


async def gardens() -> int:
    return await models.Room.filter(name="Garden").count()


async def test_the_first_response_is_returned_again(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    first = await post(instance, "/rooms", key, ada, json=GARDEN)
    assert (first.status, first.replayed) == (201, False)

    again = [await post(instance, "/rooms", key, ada, json=GARDEN) for _ in range(3)]

    for answer in again:
        assert (answer.status, answer.body, answer.replayed) == (201, first.body, True)
        assert answer.headers["Location"] == first.headers["Location"]
        assert answer.headers["Content-Type"] == first.headers["Content-Type"]
        assert answer.headers["X-Request-ID"] != first.headers["X-Request-ID"]
        assert "RateLimit-Remaining" in answer.headers or instance.settings.limit_http is None
    assert await gardens() == 1
    assert (await post(instance, "/rooms", str(uuid4()), ada, json=GARDEN)).status == 201
    assert (await post(instance, "/rooms", None, ada, json=GARDEN)).status == 201
    assert await gardens() == 3


async def test_a_key_belongs_to_one_request(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    assert (await post(instance, "/rooms", key, ada, json=GARDEN)).status == 201

    for path, options in (
        ("/rooms", {"json": {**GARDEN, "topic": "of trees"}}),
        ("/rooms", {"data": b"", "headers": {"Content-Type": "application/json"}}),
        ("/rooms?x=1", {"json": GARDEN}),
        ("/settings/preferences/reset", {"json": GARDEN}),
        ("/auth/logout", {}),
    ):
        answer = await post(instance, path, key, ada, **options)
        assert (answer.status, answer.body["code"]) == (409, "conflict"), path
        assert "another request" in answer.body["detail"]

    assert (await post(instance, "/rooms", key, ada, json=GARDEN)).replayed
    assert await gardens() == 1


async def test_errors_are_responses_too(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    wrong = {"kind": "public"}

    answers = [await post(instance, "/rooms", key, ada, json=wrong) for _ in range(2)]

    assert [(it.status, it.replayed) for it in answers] == [(422, False), (422, True)]
    assert answers[0].body == answers[1].body
    assert answers[1].headers["Content-Type"].startswith("application/problem+json")


async def test_an_empty_response_is_returned_again(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    answers = [await post(instance, "/auth/resend-verification", key, ada, json={}) for _ in range(2)]

    assert [(it.status, it.body, it.replayed) for it in answers] == [(202, None, False), (202, None, True)]
    assert await models.Job.filter(kind="mail.letter", payload__contains="verify_email").count() >= 1


async def test_keys_are_separate_for_each_caller(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    program, other = [(await make(ada, name=name))["key"] for name in ("one", "two")]

    answers = [await post(instance, "/rooms", "1", by, json=GARDEN) for by in (ada, bob, program, other)]

    assert [(it.status, it.replayed) for it in answers] == [(201, False)] * 4
    assert len({it.body["data"]["id"] for it in answers}) == 4
    again = [await post(instance, "/rooms", "1", by, json=GARDEN) for by in (ada, bob, program, other)]
    assert [it.body for it in again] == [it.body for it in answers]
    assert (await post(instance, "/rooms", "1", json=GARDEN)).status == 401


async def test_an_ended_session_gets_no_earlier_response(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    assert (await post(instance, "/rooms", key, ada, json=GARDEN)).status == 201
    await post(instance, "/auth/logout", None, ada)

    answer = await post(instance, "/rooms", key, ada, json=GARDEN)

    assert (answer.status, answer.body["code"]) == (401, "session_revoked")


async def test_of_many_concurrent_requests_one_is_executed(instance):
    ada, key = await instance.register("ada"), str(uuid4())

    answers = await asyncio.gather(*(post(instance, "/rooms", key, ada, json=GARDEN) for _ in range(8)))

    assert {it.status for it in answers} == {201}
    assert len({it.body["data"]["id"] for it in answers}) == 1
    assert [it.replayed for it in answers].count(False) == 1
    assert await gardens() == 1


async def test_a_restart_loses_no_response(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    first = await post(instance, "/rooms", key, ada, json=GARDEN)

    await instance.app.stop()
    instance.app = await App(instance.settings).start()

    again = await post(instance, "/rooms", key, ada, json=GARDEN)
    assert (again.body, again.replayed) == (first.body, True)


async def test_a_repeated_registration_creates_one_account(instance):
    key = str(uuid4())
    first = await post(instance, "/auth/register", key, json=ACCOUNT)

    again = await post(instance, "/auth/register", key, json=ACCOUNT)

    assert (first.status, again.status, again.replayed) == (201, 201, True)
    assert again.body == first.body
    assert (await post(instance, "/auth/register", str(uuid4()), json=ACCOUNT)).status == 409
    login = {"email": "eve@example.com", "password": "correct horse battery"}
    assert (await post(instance, "/auth/login", key, json=login)).status == 409
    # What is stored shows neither the tokens, nor the password, nor the key.
    stored = str(await models.IdempotencyKey.all().values())
    tokens = (first.body["data"]["access_token"], first.body["data"]["refresh_token"])
    assert not any(secret in stored for secret in (*tokens, ACCOUNT["email"], ACCOUNT["password"], key))


async def test_tokens_are_not_returned_to_another_ip_address(instance):
    """Neither with the key, nor with the request: both must be right, and come from the same place."""
    instance.app.container.settings = instance.settings.model_copy(
        update={"trusted_proxies": networks("127.0.0.0/8")}
    )
    key, here, there = str(uuid4()), "192.0.2.1", "192.0.2.2"
    first = await post(instance, "/auth/register", key, headers={"X-Forwarded-For": here}, json=ACCOUNT)

    again = await post(instance, "/auth/register", key, headers={"X-Forwarded-For": there}, json=ACCOUNT)

    assert (first.status, again.status, again.body["code"]) == (201, 409, "conflict")
    wrong = {**ACCOUNT, "password": "not that of eve"}
    guessed = await post(instance, "/auth/register", key, headers={"X-Forwarded-For": here}, json=wrong)
    assert (guessed.status, guessed.replayed) == (409, False)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "schlüssel"])
async def test_an_invalid_key_is_refused(instance, key):
    ada = await instance.register("ada")

    answer = await post(instance, "/rooms", key, ada, json=GARDEN)

    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert await gardens() == 0


async def test_the_longest_key_is_accepted(instance):
    ada = await instance.register("ada")
    answers = [await post(instance, "/rooms", "k" * 254 + "~", ada, json=GARDEN) for _ in range(2)]
    assert [it.replayed for it in answers] == [False, True]


async def test_a_key_is_ignored_on_other_routes(instance):
    """Other methods are idempotent themselves; what is no route is no request; uploads pass by."""
    ada, headers = await instance.register("ada"), {"Idempotency-Key": "x" * 999}

    assert (await ada.rest("GET", "/rooms", headers=headers))[0] == 200
    assert (await ada.rest("PATCH", "/users/profile", json={"bio": "x"}, headers=headers))[0] == 200
    assert (await post(instance, "/nowhere", "x" * 999, ada, json={})).status == 404
    assert (await post(instance, "/users/profile", "x" * 999, ada, json={})).status == 405
    upload = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await post(instance, "/rooms", "x", ada, data=b"--x--", headers=upload)).status == 415
    assert not await models.IdempotencyKey.exists()


async def test_a_rate_limited_request_may_be_repeated(settings):
    """429 says nothing of the request: it is not kept."""
    async with LiveInstance(settings.model_copy(update={"limit_message_send": Rate(1, 1)})) as instance:
        ada, key = await instance.register("ada"), str(uuid4())
        room = (await post(instance, "/rooms", None, ada, json=GARDEN)).body["data"]["id"]
        await ada.connect_client()  # messages are counted for users with a socket
        path = f"/rooms/{room}/messages"
        said = {"client_id": str(uuid4()), "body": "at last"}
        refusals = 0
        async with asyncio.timeout(60):
            while not refusals:
                await post(instance, path, None, ada, json={**said, "client_id": str(uuid4())})
                refusals = (await post(instance, path, key, ada, json=said)).status == 429
                key = key if refusals else str(uuid4())
            while (answer := await post(instance, path, key, ada, json=said)).status == 429:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert (answer.status, answer.replayed) == (201, False)


def test_only_complete_and_final_responses_are_stored():
    kept = idempotency._to_stored_response(
        web.Response(status=201, body=b"{}", headers={"Location": "/x", "X-Other": "y"})
    )

    assert kept is not None
    assert (kept.status, kept.body, kept.headers["Location"]) == (201, b"{}", "/x")
    assert "X-Other" not in kept.headers
    for response in (*(web.Response(status=status) for status in (429, 500, 503)), web.StreamResponse()):
        assert idempotency._to_stored_response(response) is None


async def test_a_dead_instance_releases_its_key(instance, monkeypatch):
    ada, key = await instance.register("ada"), str(uuid4())
    assert (await post(instance, "/rooms", key, ada, json=GARDEN)).status == 201
    # As if the instance had died between the operation and its response.
    await models.IdempotencyKey.all().update(answer=None)
    monkeypatch.setattr(replies, "MAX_WAIT_S", 0.2)

    waiting = await post(instance, "/rooms", key, ada, json=GARDEN)
    assert (waiting.status, waiting.body["code"], "Retry-After" in waiting.headers) == (409, "conflict", True)
    assert "being processed" in waiting.body["detail"]
    await models.IdempotencyKey.all().update(held_until=clock.now())

    other = await post(instance, "/rooms", key, ada, json={**GARDEN, "topic": "of trees"})
    assert (other.status, "another request" in other.body["detail"]) == (409, True)
    again = await post(instance, "/rooms", key, ada, json=GARDEN)
    assert (again.status, again.replayed) == (201, False)
    assert (await post(instance, "/rooms", key, ada, json=GARDEN)).body == again.body


async def test_a_key_expires_after_24_hours(instance):
    ada, key = await instance.register("ada"), str(uuid4())
    assert (await post(instance, "/rooms", key, ada, json=GARDEN)).status == 201
    row = await models.IdempotencyKey.get()
    left = row.expires_at - clock.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert row.user_id is not None

    await models.IdempotencyKey.all().update(expires_at=clock.now())
    later = await post(instance, "/rooms", key, ada, json={**GARDEN, "topic": "of trees"})

    assert (later.status, later.replayed) == (201, False)
    await retention.remove_used_tokens()
    assert await models.IdempotencyKey.exists()
    await models.IdempotencyKey.all().update(expires_at=clock.now())
    await retention.remove_used_tokens()
    assert not await models.IdempotencyKey.exists()


async def test_a_deleted_account_leaves_no_stored_response(instance):
    ada = await instance.register("ada")
    await post(instance, "/rooms", str(uuid4()), ada, json=GARDEN)
    async with database.transaction() as tx:
        await deletion._anonymize(tx, await models.User.get(id=ada.id))

    assert not await models.IdempotencyKey.exists()
