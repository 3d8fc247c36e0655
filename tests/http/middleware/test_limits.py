"""Who asks too often is told when to come again; others notice nothing."""

from ipaddress import ip_network

import pytest

from hubbub.config import Settings

SLOW = "3/0.001"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture(params=["limit_http", "limit_auth", "limit_register", "off"])
def limited(request):
    return request.param


@pytest.fixture
def settings(database_url, tmp_path, limited):
    limits = {} if limited == "off" else {limited: SLOW}
    if limited == "limit_auth":
        limits["limit_register"] = "off"
    return Settings.for_tests(
        database_url=database_url,
        data_dir=tmp_path,
        port=0,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        **limits,
    )


async def ask(world, method, path, *, address="192.0.2.1", token=None, **options):
    """Status and headers of a request that came through the proxy."""
    headers = {"X-Forwarded-For": address}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    url = f"{world.url}/api/v1{path}"
    async with world.http.request(method, url, headers=headers, **options) as answer:
        body = await answer.json()
        if answer.status == 429:
            assert body["code"] == "rate_limited"
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["RateLimit-Remaining"] == "0"
        return answer.status, answer.headers


def credentials(email):
    return {"email": email, "password": "the wrong battery"}


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_a_user_is_limited_wherever_they_are_and_nobody_else(world):
    ada, bob = await world.person("ada"), await world.person("bob")

    answers = [
        await ask(world, "GET", "/auth/me", token=ada.token, address=f"192.0.2.{last}") for last in range(4)
    ]

    assert [status for status, _ in answers] == [200, 200, 200, 429]
    said = [
        (headers["RateLimit-Limit"], headers["RateLimit-Remaining"], headers["RateLimit-Reset"])
        for _, headers in answers[:3]
    ]
    assert said == [("3", "2", "1000"), ("3", "1", "2000"), ("3", "0", "3000")]
    assert (await ask(world, "GET", "/auth/me", token=bob.token, address="192.0.2.0"))[0] == 200


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_refused_tokens_count_for_their_address(world):
    answers = [(await ask(world, "GET", "/auth/me", token="nonsense"))[0] for _ in range(5)]

    assert answers == [401, 401, 401, 429, 429]
    assert (await ask(world, "GET", "/auth/me", token="nonsense", address="192.0.2.2"))[0] == 401
    ada = await world.person("ada")  # whose good token still works from there
    assert (await ask(world, "GET", "/auth/me", token=ada.token))[0] == 200


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_probes_are_not_limited(world):
    for _ in range(6):
        async with world.http.get(f"{world.url}/health/live") as answer:
            assert answer.status == 200
            assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_logins_are_limited_per_address(world):
    tries = [
        (await ask(world, "POST", "/auth/login", json=credentials(f"who{n}@example.com")))[0]
        for n in range(4)
    ]

    assert tries == [401, 401, 401, 429]


@pytest.mark.parametrize("limited", ["limit_auth"])
@pytest.mark.parametrize("known", [True, False])
async def test_logins_are_limited_per_account_whether_there_is_one_or_not(world, known):
    if known:
        await world.person("ada")
    spellings = ["ada@example.com", "ADA@example.com", " ada@example.com", "Ada@Example.com"]

    tries = [
        (await ask(world, "POST", "/auth/login", json=credentials(email), address=f"192.0.2.{n}"))[0]
        for n, email in enumerate(spellings)
    ]

    assert tries == [401, 401, 401, 429]
    other = credentials("bob@example.com")
    assert (await ask(world, "POST", "/auth/login", json=other, address="192.0.2.9"))[0] == 401


@pytest.mark.parametrize("limited", ["limit_register"])
async def test_registrations_are_limited_per_address(world):
    def account(n):
        return {"name": "Ada", **credentials(f"ada{n}@example.com")}

    tries = [(await ask(world, "POST", "/auth/register", json=account(n)))[0] for n in range(4)]

    assert tries == [201, 201, 201, 429]
    assert (await ask(world, "POST", "/auth/register", json=account(9), address="192.0.2.2"))[0] == 201


@pytest.mark.parametrize("limited", ["off"])
async def test_off_is_off(world):
    tries = [await ask(world, "POST", "/auth/login", json=credentials("a@example.com")) for _ in range(15)]

    assert {status for status, _ in tries} == {401}
    assert not any("RateLimit-Limit" in headers for _, headers in tries)


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_forgotten_passwords_are_limited_per_account(world):
    url = f"{world.url}/api/v1/auth/forgot-password"
    tries = []
    for email in ["ada@example.com", "ADA@example.com"] * 3 + ["bob@example.com"]:
        async with world.http.post(url, json={"email": email}) as answer:
            tries.append(answer.status)

    assert tries == [202] * 5 + [429, 202]
