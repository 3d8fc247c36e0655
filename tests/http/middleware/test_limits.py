"""A caller over the rate limit gets the time to retry; others are not affected."""

import asyncio
import time
from ipaddress import ip_network
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.rate_limiter import RedisRateLimiter
from hubbub.config import Settings
from hubbub.config.production import TEST_SECRET
from hubbub.core import clock
from hubbub.core.auth_tokens import TokenIssuer
from hubbub.db.sql import Sql
from hubbub.services.auth import login_throttle
from tests.support.live_instance import LiveInstance
from tests.support.signing import sign
from tests.support.tcp_proxy import TcpProxy

SLOW = "3/0.001"
PATIENCE_S = 20.0  # with a Redis on a busy machine
OTHERWISE = {"off": {}, "leaky": {"limit_http": "4/2 leaky"}, "waits": {"limit_auth": "3/1000"}}


@pytest.fixture
def prefix():
    return f"test-{uuid4().hex}"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture(params=["limit_http", "limit_auth", "limit_register", "off"])
def limited(request):
    return request.param


@pytest.fixture
def settings(database_url, tmp_path, limited):
    limits = OTHERWISE.get(limited, {limited: SLOW})
    if limited == "limit_auth":
        limits["limit_register"] = "off"
    return Settings.for_tests(
        database_url=database_url,
        data_dir=tmp_path,
        port=0,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        limit_tiers="moderator=2,admin=off",
        **limits,
    )


async def ask(instance, method, path, *, address="192.0.2.1", token=None, **options):
    """Status and headers of a request that came through the proxy."""
    headers = {"X-Forwarded-For": address}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    url = f"{instance.url}/api/v1{path}"
    async with instance.http.request(method, url, headers=headers, **options) as answer:
        body = await answer.json()
        if answer.status == 429:
            assert body["code"] == "rate_limited"
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["RateLimit-Remaining"] == "0"
        return answer.status, answer.headers


def credentials(email):
    return {"email": email, "password": "the wrong battery"}


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
async def test_refused_tokens_count_for_their_ip_address(instance):
    answers = [(await ask(instance, "GET", "/auth/me", token="nonsense"))[0] for _ in range(5)]

    assert answers == [401, 401, 401, 429, 429]
    assert (await ask(instance, "GET", "/auth/me", token="nonsense", address="192.0.2.2"))[0] == 401
    ada = await instance.register("ada")  # whose good token still works from there
    assert (await ask(instance, "GET", "/auth/me", token=ada.token))[0] == 200


# --- refused credentials ---


async def _key(user, **more):
    await user.mark_sessions_confirmed()
    body = {"name": "k", "scopes": ["read"], **more}
    made = (await user.rest("POST", "/api-keys", json=body))[1]["data"]
    return {"X-API-Key": made["key"]}, made


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def _no_token(_person):
    return {}


async def _nonsense(_person):
    return _bearer("nonsense")


async def _of_another_secret(user):
    other = TokenIssuer("another secret, which is long enough for it", 900, 900)
    return _bearer(other.issue_access(UUID(user.id), uuid4())[0])


async def _of_no_session(user):
    return _bearer(user.token_issuer.issue_access(UUID(user.id), uuid4())[0])


async def _expired(user):
    return _bearer(TokenIssuer(TEST_SECRET, -60, 900).issue_access(UUID(user.id), uuid4())[0])


async def _logged_out(user):
    await user.rest("POST", "/auth/logout")
    return _bearer(user.token)


async def _suspend(user):
    await models.User.filter(id=user.id).update(suspended_at=clock.now())


async def _suspended(user):
    await _suspend(user)
    return _bearer(user.token)


async def _deleted(user):
    await models.User.filter(id=user.id).update(deleted_at=clock.now())
    return _bearer(user.token)


async def _unknown_key(_person):
    return {"X-API-Key": "hub_0123456789ab_unknown"}


async def _no_key(_person):
    return {"X-API-Key": "nonsense"}


async def _both(user):
    return {**(await _key(user))[0], **_bearer(user.token)}


async def _wrong_key(user):
    headers, _ = await _key(user)
    return {"X-API-Key": headers["X-API-Key"] + "x"}


async def _expired_key(user):
    headers, made = await _key(user)
    await models.ApiKey.filter(id=made["id"]).update(expires_at=clock.now())
    return headers


async def _revoked_key(user):
    headers, made = await _key(user)
    await user.rest("DELETE", f"/api-keys/{made['id']}")
    return headers


async def _key_of_a_suspended_user(user):
    headers, _ = await _key(user)
    await _suspend(user)
    return headers


async def _unsigned(user):
    return (await _key(user, signed=True))[0]


async def _badly_signed(user):
    headers, _ = await _key(user, signed=True)
    return {**headers, "X-Signature": sign("another secret", "GET", "/api/v1/auth/me")}


async def _signed_long_ago(user):
    headers, made = await _key(user, signed=True)
    signature = sign(made["signing_secret"], "GET", "/api/v1/auth/me", timestamp=time.time() - 3600)
    return {**headers, "X-Signature": signature}


REFUSED = [
    *(_no_token, _nonsense, _of_another_secret, _of_no_session, _expired, _logged_out, _suspended, _deleted),
    *(_unknown_key, _no_key, _both, _wrong_key, _expired_key, _revoked_key, _key_of_a_suspended_user),
    *(_unsigned, _badly_signed, _signed_long_ago),
]


@pytest.fixture
def lookups(monkeypatch):
    """The statements that look up a credential, or record that one was refused."""
    texts, fetch, execute = [], Sql.fetch, Sql.execute

    def noted(real):
        async def query(self, sql, *values):
            if "FROM sessions s JOIN" in sql or "FROM api_keys k JOIN" in sql or "INTO audit_log" in sql:
                texts.append(sql)
            return await real(self, sql, *values)

        return query

    monkeypatch.setattr(Sql, "fetch", noted(fetch))
    monkeypatch.setattr(Sql, "execute", noted(execute))
    return texts


async def refusals(instance, headers, times):
    """Return (status, has Retry-After) of repeated requests from one IP address."""
    found = []
    for _ in range(times):
        url, given = f"{instance.url}/api/v1/auth/me", {"X-Forwarded-For": "192.0.2.7", **headers}
        async with instance.http.get(url, headers=given) as answer:
            found.append((answer.status, "Retry-After" in answer.headers))
    return found


@pytest.mark.parametrize("limited", ["limit_http"])
@pytest.mark.parametrize("refused", REFUSED)
async def test_every_refused_credential_is_limited_and_then_costs_no_query(instance, lookups, refused):
    user = await instance.register("ada")
    user.token_issuer = instance.app.container.token_issuer
    headers = await refused(user)

    first = await refusals(instance, headers, 5)
    lookups.clear()
    later = await refusals(instance, headers, 20)

    assert {status for status, _ in first[:3]} <= {401, 403}
    assert first[4:] == [(429, True)]
    assert later == [(429, True)] * 20
    assert lookups == []


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_new_invalid_keys_cost_no_query_once_their_ip_address_is_limited(instance, lookups):
    for number in range(3):
        await refusals(instance, {"X-API-Key": f"hub_0123456789a{number}_unknown"}, 1)
    lookups.clear()

    for number in range(20):
        assert await refusals(instance, {"X-API-Key": f"hub_{number:012}_unknown"}, 1) == [(429, True)]
    assert lookups == []


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_valid_credentials_are_not_limited_by_refusals_of_their_ip_address(instance):
    ada = await instance.register("ada")
    bob = await instance.register("bob")
    key, _ = await _key(ada)
    assert await refusals(instance, key, 1) == [(200, False)]

    await refusals(instance, _bearer("nonsense"), 5)
    await refusals(instance, {"X-API-Key": "nonsense"}, 5)

    assert await refusals(instance, key, 1) == [(200, False)]
    assert await refusals(instance, _bearer(bob.token), 1) == [(200, False)]


@pytest.mark.parametrize("limited", ["off"])
async def test_a_user_is_accepted_again_after_a_suspension(instance):
    ada = await instance.register("ada")
    await _suspend(ada)
    assert await refusals(instance, _bearer(ada.token), 2) == [(403, False)] * 2

    await models.User.filter(id=ada.id).update(suspended_at=None)

    assert await refusals(instance, _bearer(ada.token), 2) == [(200, False)] * 2


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_probes_are_not_limited(instance):
    for _ in range(6):
        async with instance.http.get(f"{instance.url}/health/live") as answer:
            assert answer.status == 200
            assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_logins_are_limited_per_ip_address(instance):
    tries = [
        (await ask(instance, "POST", "/auth/login", json=credentials(f"who{n}@example.com")))[0]
        for n in range(4)
    ]

    assert tries == [401, 401, 401, 429]


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_callbacks_of_providers_are_limited_per_ip_address(instance):
    path = "/auth/oauth/nobody/callback"
    answers = [(await ask(instance, "GET", path))[0] for _ in range(5)]

    assert answers == [404, 404, 404, 429, 429]
    assert (await ask(instance, "GET", path, address="192.0.2.2"))[0] == 404


@pytest.mark.parametrize("limited", ["limit_auth"])
@pytest.mark.parametrize("known", [True, False])
async def test_logins_are_limited_per_account_existing_or_not(instance, known):
    if known:
        await instance.register("ada")
    spellings = ["ada@example.com", "ADA@example.com", " ada@example.com", "Ada@Example.com"]

    tries = [
        (await ask(instance, "POST", "/auth/login", json=credentials(email), address=f"192.0.2.{n}"))[0]
        for n, email in enumerate(spellings)
    ]

    assert tries == [401, 401, 401, 429]
    other = credentials("bob@example.com")
    assert (await ask(instance, "POST", "/auth/login", json=other, address="192.0.2.9"))[0] == 401


@pytest.mark.parametrize("limited", ["limit_register"])
async def test_registrations_are_limited_per_ip_address(instance):
    def account(n):
        return {"name": "Ada", **credentials(f"ada{n}@example.com")}

    tries = [(await ask(instance, "POST", "/auth/register", json=account(n)))[0] for n in range(4)]

    assert tries == [201, 201, 201, 429]
    assert (await ask(instance, "POST", "/auth/register", json=account(9), address="192.0.2.2"))[0] == 201


@pytest.mark.parametrize("limited", ["off"])
async def test_off_disables_a_limit(instance):
    tries = [await ask(instance, "POST", "/auth/login", json=credentials("a@example.com")) for _ in range(15)]

    assert {status for status, _ in tries} == {401}
    assert not any("RateLimit-Limit" in headers for _, headers in tries)


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_password_reset_requests_are_limited_per_account(instance):
    url = f"{instance.url}/api/v1/auth/forgot-password"
    tries = []
    for email in ["ada@example.com", "ADA@example.com"] * 3 + ["bob@example.com"]:
        async with instance.http.post(url, json={"email": email}) as answer:
            tries.append(answer.status)

    assert tries == [202] * 5 + [429, 202]


# --- roles ---


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


# --- API keys ---


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


# --- leaky buckets ---


@pytest.mark.parametrize("limited", ["leaky"])
async def test_a_leaky_bucket_releases_one_at_a_time(instance):
    ada = await instance.register("ada")
    began = time.monotonic()

    answers = await asyncio.gather(*(ask(instance, "GET", "/auth/me", token=ada.token) for _ in range(12)))

    served = [status for status, _ in answers].count(200)
    assert 4 <= served < 12
    assert time.monotonic() - began >= (served - 1) / 2, "the fourth had to wait for three others"


# --- failed logins ---


@pytest.mark.parametrize("limited", ["waits"])
@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_failures_delay_the_next_login(instance, email):
    await instance.register("ada")

    assert (await ask(instance, "POST", "/auth/login", json=credentials(email)))[0] == 401
    for _ in range(10):
        await login_throttle.record_failure(
            instance.app.container, login_throttle.throttle_key(email, "192.0.2.1")
        )

    status, headers = await ask(instance, "POST", "/auth/login", json=credentials(email))

    assert status == 429
    assert 64 < int(headers["Retry-After"]) <= 128
    elsewhere, _ = await ask(instance, "POST", "/auth/login", json=credentials(email), address="192.0.2.2")
    assert elsewhere == 401
    other = await ask(instance, "POST", "/auth/login", json=credentials("bob@example.com"))
    assert other[0] == 401


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_flooding_an_account_does_not_lock_out_its_owner(instance):
    await instance.register("ada")
    right = {"email": "ada@example.com", "password": "correct horse battery"}
    assert (await ask(instance, "POST", "/auth/login", json=right, address="192.0.2.1"))[0] == 200

    flood = [
        (
            await ask(
                instance, "POST", "/auth/login", json=credentials(right["email"]), address=f"198.51.100.{n}"
            )
        )[0]
        for n in range(5)
    ]

    assert flood == [401, 401, 429, 429, 429]
    assert (await ask(instance, "POST", "/auth/login", json=right, address="192.0.2.1"))[0] == 200
    assert (await ask(instance, "POST", "/auth/login", json=right, address="192.0.2.2"))[0] == 429


@pytest.mark.parametrize("limited", ["waits"])
async def test_a_stolen_session_cannot_be_used_to_guess_the_password(instance):
    ada = await instance.register("ada")

    async def change(current):
        body = {"current_password": current, "new_password": "another horse battery"}
        url, headers = f"{instance.url}/api/v1/auth/change-password", {"Authorization": f"Bearer {ada.token}"}
        async with instance.http.post(url, headers=headers, json=body) as answer:
            return answer.status

    assert await change("not it at all") == 422
    for _ in range(12):
        await login_throttle.record_reauthentication(instance.app.container, UUID(ada.id), success=False)

    assert await change("not it at all") == 429
    assert await change("correct horse battery") == 429, "nothing is told by it either"
    await login_throttle.record_reauthentication(instance.app.container, UUID(ada.id), success=True)
    assert await change("correct horse battery") == 204


# --- several instances ---


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
