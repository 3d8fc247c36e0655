"""Limits of requests: for each user, role and API key, on all instances together."""

import asyncio
import time
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.rate_limiter import RedisRateLimiter
from tests.http.middleware.limits.requests import ask, credentials
from tests.support.live_instance import LiveInstance
from tests.support.tcp_proxy import TcpProxy

PATIENCE_S = 20.0  # with a Redis on a busy machine


@pytest.fixture
def prefix():
    return f"test-{uuid4().hex}"


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_a_user_is_limited_on_all_instances_and_no_other_user_is(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")

    answers = [
        await ask(instance, "GET", "/auth/me", token=ada.token, address=f"192.0.2.{last}")
        for last in range(4)
    ]

    assert [status for status, _ in answers] == [200, 200, 200, 429]
    said = [
        (headers["RateLimit-Limit"], headers["RateLimit-Remaining"], headers["RateLimit-Reset"])
        for _, headers in answers[:3]
    ]
    assert said == [("3", "2", "1000"), ("3", "1", "2000"), ("3", "0", "3000")]
    assert (await ask(instance, "GET", "/auth/me", token=bob.token, address="192.0.2.0"))[0] == 200


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_probes_are_not_limited(instance):
    for _ in range(6):
        async with instance.http.get(f"{instance.url}/health/live") as answer:
            assert answer.status == 200
            assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("limited", ["off"])
async def test_off_disables_a_limit(instance):
    tries = [await ask(instance, "POST", "/auth/login", json=credentials("a@example.com")) for _ in range(15)]

    assert {status for status, _ in tries} == {401}
    assert not any("RateLimit-Limit" in headers for _, headers in tries)


@pytest.mark.parametrize(("role", "served"), [("user", 3), ("moderator", 6), ("admin", 10)])
@pytest.mark.parametrize("limited", ["limit_http"])
async def test_roles_have_higher_limits(instance, role, served):
    user = await instance.register("ada")
    await models.User.filter(id=user.id).update(role=role)
    status, answer = await instance.rest(
        "POST", "/auth/login", json={"email": "ada@example.com", "password": "correct horse battery"}
    )
    assert status == 200
    token = answer["data"]["access_token"]

    answers = [(await ask(instance, "GET", "/auth/me", token=token))[0] for _ in range(10)]

    assert answers == [200] * served + [429] * (10 - served)


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_each_api_key_has_a_separate_bucket(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    keys = [
        (await ada.rest("POST", "/api-keys", json={"name": name, "scopes": ["read"]}))[1]["data"]["key"]
        for name in ("one", "two")
    ]

    answers = {key: [(await by_key(instance, key)) for _ in range(4)] for key in keys}

    assert list(answers.values()) == [[200, 200, 200, 429]] * 2
    assert (await ada.rest("GET", "/auth/me"))[0] == 200


async def by_key(instance, key):
    async with instance.http.get(f"{instance.url}/api/v1/rooms", headers={"X-API-Key": key}) as answer:
        return answer.status


@pytest.mark.parametrize("limited", ["leaky"])
async def test_a_leaky_bucket_releases_one_at_a_time(instance):
    ada = await instance.register("ada")
    began = time.monotonic()

    answers = await asyncio.gather(*(ask(instance, "GET", "/auth/me", token=ada.token) for _ in range(12)))

    served = [status for status, _ in answers].count(200)
    assert 4 <= served < 12
    assert time.monotonic() - began >= (served - 1) / 2, "the fourth had to wait for three others"


@pytest.mark.parametrize("limited", ["limit_http"])
@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_instances_count_together(settings, redis_url, prefix):
    found = topology.from_url(redis_url)
    other = RedisRateLimiter(found, prefix, PATIENCE_S)
    async with LiveInstance(
        settings.model_copy(update={"redis_url": redis_url, "redis_prefix": prefix})
    ) as instance:
        instance.app.container.rate_limiter.timeout_s = PATIENCE_S
        ada = await instance.register("ada")
        for _ in range(2):
            await other.acquire("http", ada.id, settings.limit_http)

        answers = [(await ask(instance, "GET", "/auth/me", token=ada.token))[0] for _ in range(2)]

    await found.close()
    assert answers == [200, 429]


@pytest.mark.parametrize("limited", ["limit_http"])
@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_each_instance_counts_separately_without_redis(settings, redis_url, prefix):
    async with TcpProxy(redis_url) as proxy:
        shared = settings.model_copy(update={"redis_url": proxy.url, "redis_prefix": prefix})
        async with LiveInstance(shared) as instance:
            ada = await instance.register("ada")
            await proxy.stop()

            answers = [(await ask(instance, "GET", "/auth/me", token=ada.token))[0] for _ in range(8)]

    assert set(answers) == {200, 429}
    assert answers[-1] == 429
