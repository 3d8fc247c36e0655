"""How sockets connect and end."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from hubbub.schemas.sync.connection import SessionEndReason
from hubbub.services.auth import sessions
from tests.support.live_instance import Client, LiveInstance


async def refused(instance: LiveInstance, auth: Any = None, **options: Any) -> dict[str, Any]:
    """The error object of a refused connection."""
    client = Client(instance.url, auth, ["websocket"])
    instance.clients.append(client)
    with pytest.raises(NotConnected):
        await client.sio.connect(
            instance.url + options.pop("query", ""),
            namespaces=["/chat"],
            auth=auth,
            transports=["websocket"],
            **options,
        )
    error: dict[str, Any] = client.connect_error["data"]
    assert error["message"] == client.connect_error["message"]
    return error


async def handshake(instance: LiveInstance) -> tuple[int, str]:
    """Status and Retry-After of a refused handshake."""
    url = f"{instance.url}/socket.io/?EIO=4&transport=polling"
    async with instance.http.get(url) as response:
        return response.status, response.headers["Retry-After"]


# --- connecting ---


async def test_a_token_is_accepted_in_auth_header_and_query(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    header = {"Authorization": f"Bearer {ada.token}"}

    for auth, headers, query in (
        ({"token": ada.token}, {}, ""),
        (None, header, ""),
        (None, {}, f"?token={ada.token}"),
        ({"token": ada.token}, {"Authorization": "Bearer nonsense"}, "?token=nonsense"),
    ):
        client = Client(instance.url, auth, ["websocket"])  # type: ignore[arg-type]
        instance.clients.append(client)
        await client.sio.connect(instance.url + query, namespaces=["/chat"], auth=auth, headers=headers)
        assert (await client.next_event("ready"))["user"]["id"] == ada.id


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(
    "auth", [None, {}, {"token": None}, {"token": 5}, {"token": ""}, {"token": "x.y.z"}, [], "text"]
)
async def test_a_connect_without_a_valid_token_is_refused(instance: LiveInstance, auth: Any) -> None:
    assert (await refused(instance, auth))["code"] == "unauthenticated"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_other_token_kinds_have_their_own_errors(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    tokens = instance.app.container.token_issuer
    session_id = (await ada.connect_client()).ready["session_id"]
    old = type(tokens)(instance.settings.secret_key, -5, 100).issue_access(UUID(ada.id), UUID(session_id))[0]
    forged = type(tokens)("x" * 40, 900, 100).issue_access(UUID(ada.id), UUID(session_id))[0]
    unknown_user = tokens.issue_access(uuid4(), uuid4())[0]

    assert (await refused(instance, {"token": old}))["code"] == "token_expired"
    assert (await refused(instance, {"token": forged}))["code"] == "unauthenticated"
    assert (await refused(instance, {"token": unknown_user}))["code"] == "unauthenticated"
    assert (await refused(instance, {"token": ada.refresh_token}))["code"] == "unauthenticated"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_unknown_namespace_is_refused(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = socketio.AsyncClient()
    refusals: list[Any] = []
    client.on("connect_error", refusals.append, namespace="/other")

    with pytest.raises(NotConnected):
        await client.connect(instance.url, namespaces=["/other"], auth={"token": ada.token})

    assert refusals == [{"message": "Invalid namespace"}]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_sockets_of_a_user_are_limited(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    for _ in range(instance.settings.sockets_per_user):
        await ada.connect_client()

    error = await refused(instance, {"token": ada.token})

    assert error["code"] == "too_many_connections"
    await instance.clients[0].close()
    await ada.connect_client()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_sockets_of_an_ip_address_are_limited(instance: LiveInstance) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    await ada.connect_client()
    (share,) = instance.app.sio.eio.ip_limits.shares._by_key.values()
    assert share.session_count == 1
    share.session_count = instance.settings.sockets_per_address

    assert await handshake(instance) == (503, "5")
    share.session_count = 1
    await bob.connect_client()


async def test_a_revoked_session_cannot_reconnect(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    await ada.rest("POST", "/auth/logout")

    assert (await refused(instance, {"token": ada.token}))["code"] == "session_revoked"


# --- tokens that run out ---


async def test_an_expiring_token_is_announced_and_closes_the_socket(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    instance.app.container.token_issuer.access_ttl_s = 3
    _, answer = await instance.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})
    ada.token = answer["data"]["access_token"]

    client = await ada.connect_client()

    assert (await client.next_event("auth:expiring"))["expires_at"]
    assert (await client.next_event("auth:expired")) == {}
    assert (await client.next_event("closing"))["code"] == "token_expired"
    assert (await client.next_event("disconnect"))["reason"] == "server disconnect"


async def test_a_new_token_keeps_the_socket_open(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    _, answer = await instance.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})
    eve = await instance.register("eve")

    assert (await client.call("auth:refresh", token=answer["data"]["access_token"]))["expires_at"]
    assert (await client.call_for_ack("auth:refresh", token=eve.token))["error"]["code"] == "forbidden"
    assert (await client.call_for_ack("auth:refresh", token="nonsense"))["error"]["code"] == "unauthenticated"
    await client.synchronize()


# --- the end ---


async def test_a_revoked_session_is_closed_at_once_on_all_its_sockets(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    devices = [await ada.connect_client(), await ada.connect_client(transports=["polling"])]
    _, other = await instance.rest(
        "POST", "/auth/login", json={"email": "ada@example.com", "password": "correct horse battery"}
    )

    await ada.rest("POST", "/auth/logout")

    for device in devices:
        assert (await device.next_event("auth:revoked"))["reason"] == "logged_out"
        assert (await device.next_event("closing"))["code"] == "session_revoked"
        assert (await device.next_event("disconnect"))["reason"] == "server disconnect"
    ada.token = other["data"]["access_token"]
    assert (await ada.connect_client()).ready


async def test_a_reused_refresh_token_ends_the_session_and_its_sockets(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    await instance.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})

    status, _ = await instance.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token})

    assert status == 400
    assert (await client.next_event("closing"))["code"] == "session_revoked"


async def test_ending_a_session_twice_is_no_error(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    session_id = UUID(client.ready["session_id"])

    await sessions.revoke(instance.app.container, UUID(ada.id), session_id, SessionEndReason.LOGGED_OUT)
    await sessions.revoke(instance.app.container, UUID(ada.id), session_id, SessionEndReason.LOGGED_OUT)

    await client.next_event("disconnect")
    assert client.count_events("closing") == 1


async def test_draining_emits_to_all_clients_and_refuses_new_ones(instance: LiveInstance) -> None:
    _, (ada, bob) = await instance.room_with_clients("ada", "bob")

    await instance.app.drain()

    for client in (ada, bob):
        wait_ms = (await client.next_event("server:draining"))["reconnect_in_ms"]
        assert 0 <= wait_ms < 10_000
        closing = await client.next_event("closing")
        assert (closing["code"], closing["retry_after_ms"]) == ("draining", wait_ms)
        # Python's client reports an error when the server closes. Node's reports "transport close".
        assert (await client.next_event("disconnect"))["reason"] in ("transport close", "transport error")
    assert await handshake(instance) == (503, "2")


async def test_refused_connects_end_a_session_with_an_open_namespace(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    url = f"{instance.url}/socket.io/?EIO=4&transport=websocket"
    async with asyncio.timeout(10), instance.http.ws_connect(url) as socket:
        await socket.send_str("40/chat," + json.dumps({"token": ada.token}))
        for _ in range(5):
            await socket.send_str("40/other,")
        received = [message.data async for message in socket]

    assert sum(text.startswith("44/other,") for text in received) == 5
    assert socket.close_code == 1008


async def is_accepted(instance: LiveInstance, client: Client, token: str) -> bool:
    """Return whether a client was accepted, even for a moment."""
    auth = {"token": token}
    try:
        await client.sio.connect(
            instance.url, namespaces=["/chat"], auth=auth, transports=["websocket"], wait_timeout=10
        )
    except NotConnected:
        return False
    return True


async def test_a_session_that_ends_during_a_connect_gets_no_socket(instance: LiveInstance) -> None:
    await instance.register("ada")
    login = {"email": "ada@example.com", "password": "correct horse battery"}
    for _ in range(8):
        _, signed = await instance.rest("POST", "/auth/login", json=login)
        ada = instance.users["ada"]
        ada.token = signed["data"]["access_token"]
        clients = [Client(instance.url, {"token": ada.token}, ["websocket"]) for _ in range(3)]
        instance.clients += clients

        first, second, left, third = await asyncio.gather(
            *(is_accepted(instance, each, ada.token) for each in clients[:2]),
            ada.rest("POST", "/auth/logout"),
            is_accepted(instance, clients[2], ada.token),
        )

        assert left == (204, None)
        for client, inside in zip(clients, (first, second, third), strict=True):
            if inside:
                await client.next_event("disconnect")
    async with asyncio.timeout(5):
        await instance.app.chat.connections.empty.wait()
