"""The namespace /notifications: `ready`, entries in order, reading, limits, and the ends of sockets."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from hubbub.cluster.bus import InboxAppended
from hubbub.config import Settings
from hubbub.core import clock
from hubbub.services import response_size
from tests.support.inboxes import counted_unread, notify
from tests.support.live_instance import Client, LiveInstance, OperationRefused
from tests.support.unreliable_bus import DroppingBus
from tests.support.waiting import until


def seqs(client: Client) -> list[int]:
    """The seqs of the entries that a client received."""
    return [payload["seq"] for name, payload in client.events if name == "notification:new"]


async def test_a_notification_reaches_every_socket_of_its_user_only(instance: LiveInstance) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    phone, laptop, other = [await user.connect_inbox() for user in (ada, ada, bob)]

    await notify(instance.app.container, ada.id)
    events = [await client.next_event("notification:new") for client in (phone, laptop)]
    await other.synchronize()

    assert phone.ready | {"server_time": "", "user": None} == {
        "user": None,
        "session_id": phone.ready["session_id"],
        "server_time": "",
        "epoch": instance.app.container.epoch_watch.epoch,
        "last_seq": 0,
        "unread": 0,
        "protocol": 1,
    }
    assert phone.ready["user"]["id"] == ada.id
    assert events[0] == events[1]
    assert (events[0]["seq"], events[0]["unread"]) == (1, 1)
    assert events[0]["notification"]["kind"] == "security.new_login"
    assert events[0]["at"] == events[0]["notification"]["created_at"]
    assert seqs(other) == []


async def test_the_inbox_is_listed_newest_first_in_pages(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    for _ in range(5):
        await notify(instance.app.container, ada.id)
    client = await ada.connect_inbox()

    first = await client.call("notification:list", limit=3)
    rest = await client.call("notification:list", limit=3, before_seq=first["notifications"][-1]["seq"])
    await client.call("notification:read", id=first["notifications"][1]["id"])
    unread = await client.call("notification:list", unread_only=True)

    assert [each["seq"] for each in first["notifications"]] == [5, 4, 3]
    assert (first["has_more"], first["unread"]) == (True, 5)
    assert [each["seq"] for each in rest["notifications"]] == [2, 1]
    assert not rest["has_more"]
    assert [each["seq"] for each in unread["notifications"]] == [5, 3, 2, 1]
    assert unread["unread"] == 4


async def test_reading_is_counted_and_shown_on_the_other_devices(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    reader, other = await ada.connect_inbox(), await ada.connect_inbox()
    appended = [(await notify(instance.app.container, ada.id))[0] for _ in range(4)]
    await other.next_event("notification:new", lambda it: it["seq"] == 4)

    one = await reader.call("notification:read", id=str(appended[1].id))
    hint = await other.next_event("notification:read")
    again = await reader.call("notification:read", id=str(appended[1].id))
    several = await reader.call("notification:read", up_to_seq=3)
    later = await other.next_event("notification:read")

    assert one == again == {"unread": 3}
    assert hint == {"ids": [str(appended[1].id)], "unread": 3}
    assert several == {"unread": 1}
    assert later == {"up_to_seq": 3, "unread": 1}
    assert reader.count_events("notification:read") == 0
    assert other.count_events("notification:read") == 2, "nothing changed the second time"
    assert await counted_unread(ada.id) == (1, 1)


async def test_sync_returns_what_a_client_missed_with_its_present_state(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    for _ in range(5):
        await notify(instance.app.container, ada.id)
    client = await ada.connect_inbox()
    await client.call("notification:read", up_to_seq=3)

    first = await client.call("sync", after_seq=1, limit=2)
    rest = await client.call("sync", after_seq=3)
    end = await client.call("sync", after_seq=99)

    assert client.ready["last_seq"] == 5
    assert [entry["event"] for entry in first["entries"]] == ["notification:new"] * 2
    assert [entry["payload"]["seq"] for entry in first["entries"]] == [2, 3]
    assert [bool(entry["payload"]["notification"]["read_at"]) for entry in first["entries"]] == [True] * 2
    assert "unread" not in first["entries"][0]["payload"]
    assert (first["complete"], first["last_seq"], first["unread"]) == (False, 5, 2)
    assert [entry["payload"]["seq"] for entry in rest["entries"]] == [4, 5]
    assert rest["complete"]
    assert (end["entries"], end["complete"], end["last_seq"]) == ([], True, 5)


async def test_concurrent_notifications_arrive_in_order_once(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    clients = [await ada.connect_inbox() for _ in range(2)]

    await asyncio.gather(*(notify(instance.app.container, ada.id) for _ in range(30)))
    for client in clients:
        await client.next_event("notification:new", lambda it: it["seq"] == 30)

    assert [seqs(client) for client in clients] == [list(range(1, 31))] * 2
    assert await counted_unread(ada.id) == (30, 30)


async def test_a_socket_that_connects_meanwhile_misses_nothing(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    appending = asyncio.gather(*(notify(instance.app.container, ada.id) for _ in range(40)))

    clients = [await ada.connect_inbox() for _ in range(8)]
    await appending

    for client in clients:
        if client.ready["last_seq"] < 40:
            await client.next_event("notification:new", lambda it: it["seq"] == 40)
        new = [seq for seq in seqs(client) if seq > client.ready["last_seq"]]
        assert new == list(range(client.ready["last_seq"] + 1, 41))


@pytest.fixture
async def dropping(settings: Settings) -> AsyncIterator[tuple[LiveInstance, DroppingBus]]:
    """An instance whose bus drops what a test selects."""
    bus = DroppingBus()
    async with LiveInstance(settings, bus) as instance:
        yield instance, bus


async def test_entries_that_the_bus_lost_arrive_within_a_second(
    dropping: tuple[LiveInstance, DroppingBus],
) -> None:
    instance, bus = dropping
    ada = await instance.register("ada")
    client = await ada.connect_inbox()
    bus.should_drop = lambda signal: isinstance(signal, InboxAppended)

    for _ in range(3):
        await notify(instance.app.container, ada.id)
    started_at = clock.monotonic()
    await client.next_event("notification:new", lambda it: it["seq"] == 3)
    took = clock.monotonic() - started_at
    bus.should_drop = lambda _: False
    await notify(instance.app.container, ada.id)
    await client.next_event("notification:new", lambda it: it["seq"] == 4)

    assert bus.losses >= 3
    assert seqs(client) == [1, 2, 3, 4]
    assert took < 1.5


# --- rejected events ---


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("notification:list", {"limit": 101}, "invalid_payload"),
        ("notification:list", {"limit": 0}, "invalid_payload"),
        ("notification:list", {"before_seq": -1}, "invalid_payload"),
        ("notification:list", {"unread_only": 1}, "invalid_payload"),
        ("notification:read", {}, "invalid_payload"),
        ("notification:read", {"id": str(uuid4()), "up_to_seq": 1}, "invalid_payload"),
        ("notification:read", {"id": "x"}, "invalid_payload"),
        ("notification:read", {"up_to_seq": -1}, "invalid_payload"),
        ("notification:read", {"id": str(uuid4())}, "not_found"),
        ("sync", {}, "invalid_payload"),
        ("sync", {"after_seq": 1.5}, "invalid_payload"),
        ("sync", {"after_seq": 0, "limit": 501}, "invalid_payload"),
        ("auth:refresh", {"token": "x"}, "unauthenticated"),
        ("message:send", {}, "unknown_event"),
        ("notification:list", {"x": "x" * 140_000}, "too_large"),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_rejected_event_changes_nothing(
    instance: LiveInstance, event: str, payload: dict[str, object], code: str
) -> None:
    ada = await instance.register("ada")
    await notify(instance.app.container, ada.id)
    client = await ada.connect_inbox()

    with pytest.raises(OperationRefused) as refused:
        await client.call(event, **payload)

    assert refused.value.code == code
    assert (await client.call("notification:list"))["unread"] == 1


async def test_the_notifications_of_another_user_are_not_found(instance: LiveInstance) -> None:
    ada, eve = await instance.register("ada"), await instance.register("eve")
    (appended,) = await notify(instance.app.container, ada.id)
    client = await eve.connect_inbox()

    with pytest.raises(OperationRefused) as refused:
        await client.call("notification:read", id=str(appended.id))

    assert refused.value.code == "not_found"
    assert (await client.call("sync", after_seq=0))["entries"] == []
    assert await counted_unread(ada.id) == (1, 1)


# --- limits and ends of sockets, shared with /chat ---


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_sockets_of_a_user_are_counted_in_both_namespaces(settings: Settings) -> None:
    async with LiveInstance(settings.model_copy(update={"sockets_per_user": 3})) as instance:
        ada = await instance.register("ada")
        await ada.connect_client()
        await ada.connect_inbox()
        await ada.connect_client()
        client = Client(instance.url, {"token": ada.token}, ["websocket"], "/notifications")
        instance.clients.append(client)

        with pytest.raises(NotConnected):
            await client.connect()

        assert client.connect_error["data"]["code"] == "too_many_connections"


async def test_a_revoked_session_ends_its_sockets_and_cannot_connect(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_inbox()

    await ada.rest("POST", "/auth/logout")

    assert (await client.next_event("auth:revoked"))["reason"] == "logged_out"
    assert (await client.next_event("closing"))["code"] == "session_revoked"
    await client.next_event("disconnect")
    again = Client(instance.url, {"token": ada.token}, ["websocket"], "/notifications")
    instance.clients.append(again)
    with pytest.raises(NotConnected):
        await again.connect()
    assert again.connect_error["data"]["code"] == "session_revoked"


async def test_a_revocation_whose_signal_is_lost_ends_the_socket_within_a_second(
    dropping: tuple[LiveInstance, DroppingBus],
) -> None:
    instance, bus = dropping
    ada = await instance.register("ada")
    client = await ada.connect_inbox()
    bus.should_drop = lambda signal: type(signal).__name__ == "SessionEnded"

    await ada.rest("POST", "/auth/logout")
    started_at = clock.monotonic()
    closing = await client.next_event("closing")

    assert closing["code"] == "session_revoked"
    assert clock.monotonic() - started_at < 1.5


async def test_a_token_is_renewed_and_its_expiry_ends_the_socket(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_inbox()
    (connection,) = instance.app.notifications.connections.by_sid.values()

    renewed = await client.call("auth:refresh", token=ada.token)
    connection.expires_at = clock.now() - timedelta(seconds=1)
    instance.app.notifications.token_expiry.watch(connection)
    await instance.app.notifications.token_expiry.run_due()

    assert renewed["expires_at"]
    await client.next_event("auth:expired")
    assert (await client.next_event("closing"))["code"] == "token_expired"


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_both_namespaces_of_one_transport_get_the_closing_event(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    received: list[tuple[str, str]] = []
    client = socketio.AsyncClient(reconnection=False)
    ready = asyncio.Semaphore(0)
    ended = asyncio.Event()
    for namespace in ("/chat", "/notifications"):
        client.on("ready", lambda _: ready.release(), namespace=namespace)
        client.on(
            "closing",
            lambda it, namespace=namespace: received.append((namespace, it["code"])),
            namespace=namespace,
        )
        client.on("disconnect", lambda *_: ended.set(), namespace=namespace)
    await client.connect(
        instance.url, namespaces=["/chat", "/notifications"], auth={"token": ada.token}, wait_timeout=10
    )
    async with asyncio.timeout(10):
        await ready.acquire()
        await ready.acquire()

        await instance.app.drain()
        await ended.wait()

    assert sorted(received) == [("/chat", "draining"), ("/notifications", "draining")]


async def test_a_user_with_one_socket_of_each_namespace_leaves_nothing_behind(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    chat, client = await ada.connect_client(), await ada.connect_inbox()
    cache = instance.app.container.membership_cache

    await chat.close()
    await until(lambda: not instance.app.chat.connections.by_sid)
    assert cache.is_connected(UUID(ada.id))
    await client.close()
    await until(lambda: not instance.app.notifications.connections.by_sid)

    assert not cache.is_connected(UUID(ada.id))
    assert instance.app.notifications.delivery.feeds == {}
    assert len(instance.app.user_sockets) == 0


async def test_a_page_of_long_texts_fits_into_the_output_of_a_socket(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    for _ in range(100):
        await notify(instance.app.container, ada.id, body="é" * 4000)
    client = await ada.connect_inbox()

    page = await client.call("notification:list", limit=100)
    entries = await client.call("sync", after_seq=0)

    assert 10 < len(page["notifications"]) < 100
    assert page["has_more"]
    assert 10 < len(entries["entries"]) < 100
    assert not entries["complete"]
    assert instance.settings.max_output_bytes > response_size.MAX_PAGE_BYTES
