"""Limits of logins, registrations and password resets, and the backoff after failures."""

from uuid import UUID

import pytest

from hubbub.services.auth import login_throttle
from tests.http.middleware.limits.requests import ask, credentials


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


@pytest.mark.parametrize("limited", ["limit_auth"])
async def test_password_reset_requests_are_limited_per_account(instance):
    url = f"{instance.url}/api/v1/auth/forgot-password"
    tries = []
    for email in ["ada@example.com", "ADA@example.com"] * 3 + ["bob@example.com"]:
        async with instance.http.post(url, json={"email": email}) as answer:
            tries.append(answer.status)

    assert tries == [202] * 5 + [429, 202]


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
    assert await change("correct horse battery") == 429, "the response reveals nothing either"
    await login_throttle.record_reauthentication(instance.app.container, UUID(ada.id), success=True)
    assert await change("correct horse battery") == 204
