"""Tokens that expire while their socket is open."""

from datetime import timedelta
from typing import Any

import pytest

from hubbub.core import clock
from tests.support.live_instance import ApiUser, Client, LiveInstance


async def renewed(instance: LiveInstance, user: ApiUser, ttl_s: int) -> str:
    """A new access token of the same session, valid for this time."""
    instance.app.container.token_issuer.access_ttl_s = ttl_s
    _, answer = await instance.rest("POST", "/auth/refresh", json={"refresh_token": user.refresh_token})
    user.refresh_token = answer["data"]["refresh_token"]
    token: str = answer["data"]["access_token"]
    return token


async def sent(client: Client, token: str, times: int) -> list[Any]:
    return [(await client.call("auth:refresh", token=token))["expires_at"] for _ in range(times)]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("ttl_s", "warnings"), [(30, 1), (600, 0)])
async def test_a_token_sent_repeatedly_has_one_timer(
    instance: LiveInstance, ttl_s: int, warnings: int
) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    expiry = instance.app.chat.token_expiry
    (connection,) = instance.app.chat.connections.by_sid.values()
    connection.expires_at = clock.now() + timedelta(seconds=20)  # as if the first token were short

    answers = await sent(client, await renewed(instance, ada, ttl_s), 20)
    await client.synchronize()

    assert len(set(answers)) == 1
    assert client.count_events("auth:expiring") == warnings
    assert len(expiry) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_an_older_token_does_not_shorten_the_lifetime(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    short = await renewed(instance, ada, 100)
    long = await renewed(instance, ada, 500)
    client = await ada.connect_client()

    answers = [*await sent(client, long, 1), *await sent(client, short, 2), *await sent(client, long, 1)]

    assert len(set(answers)) == 1
    assert len(instance.app.chat.token_expiry) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_each_token_is_announced_once_and_the_last_one_closes_the_socket(
    instance: LiveInstance,
) -> None:
    ada = await instance.register("ada")
    ada.token = await renewed(instance, ada, 2)
    client = await ada.connect_client()
    first = await client.next_event("auth:expiring")

    (expires_at,) = set(await sent(client, await renewed(instance, ada, 3), 3))

    assert (await client.next_event("auth:expiring"))["expires_at"] == expires_at != first["expires_at"]
    assert await client.next_event("auth:expired") == {}
    assert (await client.next_event("closing"))["code"] == "token_expired"
    assert client.count_events("auth:expiring") == 2
