"""Programs with API keys, on two instances of one deployment."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import ApiUser, RemoteInstances
from tests.support.server_process import ServerProcess, run_together
from tests.support.signing import sign

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)

ROOMS = "/api/v1/rooms"
BODY = b'{"kind":"private","name":"Garden"}'
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
async def remote_instances(database_url, tmp_path):
    """Two instances, with nothing between them but the database."""
    options = {"database_url": database_url, "default_rooms": "", **UNLIMITED}
    async with (
        run_together(ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)) as (one, other),
        RemoteInstances(one.url, other.url) as made,
    ):
        yield made
        assert one.error_lines() == other.error_lines() == []


async def make(ada: ApiUser, **more: Any) -> dict[str, Any]:
    body = {"name": "a program", "scopes": ["read", "write"], **more}
    await ada.confirm_session()
    made: dict[str, Any] = (await ada.rest("POST", "/api-keys", json=body))[1]["data"]
    return made


async def post(remote_instances: RemoteInstances, url: str, key: str, **headers: str) -> Answer:
    given = {"X-API-Key": key, "Content-Type": "application/json", **headers}
    async with remote_instances.http.post(url + ROOMS, data=BODY, headers=given) as answer:
        return answer.status, await answer.json()


async def test_api_keys_work_the_same_on_two_instances(remote_instances):
    ada = await remote_instances.register("ada")
    await _one_request_is_acted_upon_once(remote_instances, ada)
    await _a_signed_request_is_taken_by_one_of_them(remote_instances, ada)
    await _a_revoked_key_is_refused_by_both_at_once(remote_instances, ada)


async def _one_request_is_acted_upon_once(remote_instances: RemoteInstances, ada: ApiUser) -> None:
    key, headers = (await make(ada))["key"], {"Idempotency-Key": str(uuid4())}

    answers = await asyncio.gather(
        *(post(remote_instances, url, key, **headers) for url in remote_instances.urls * 5)
    )

    assert {status for status, _ in answers} == {201}
    assert len({body["data"]["id"] for _, body in answers}) == 1
    assert len((await ada.rest("GET", "/rooms"))[1]["data"]) == 1


async def _a_signed_request_is_taken_by_one_of_them(remote_instances: RemoteInstances, ada: ApiUser) -> None:
    made = await make(ada, signed=True)
    signature = sign(made["signing_secret"], "POST", ROOMS, BODY)

    answers = await asyncio.gather(
        *(
            post(remote_instances, url, made["key"], **{"X-Signature": signature})
            for url in remote_instances.urls * 3
        )
    )

    assert sorted(status for status, _ in answers) == [201] + 5 * [401]


async def _a_revoked_key_is_refused_by_both_at_once(remote_instances: RemoteInstances, ada: ApiUser) -> None:
    made = await make(ada)
    assert [(await post(remote_instances, url, made["key"]))[0] for url in remote_instances.urls] == [
        201,
        201,
    ]

    assert (await ada.rest("DELETE", f"/api-keys/{made['id']}"))[0] == 204

    assert [(await post(remote_instances, url, made["key"]))[0] for url in remote_instances.urls] == [
        401,
        401,
    ]
