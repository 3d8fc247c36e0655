"""Lost signals are found in the database within one or two seconds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hubbub import models
from hubbub.cluster.bus import EntriesAppended, MemberChanged, MemberJoined, SessionEnded
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.sync import change_counters
from hubbub.schemas.chat.rooms import CreateRoom
from hubbub.services.chat import rooms
from hubbub.services.context import Context
from hubbub.services.instance.cached_user import CachedUser
from tests.support.live_instance import Client, LiveInstance, OperationRefused
from tests.support.unreliable_bus import DroppingBus


@pytest.fixture
def bus() -> DroppingBus:
    return DroppingBus()


@pytest.fixture
async def instance(settings: Any, bus: DroppingBus) -> AsyncIterator[LiveInstance]:
    """An instance whose bus drops the signals that a test selects."""
    async with LiveInstance(settings, bus) as made:
        yield made


def seqs(client: Client, room_id: str) -> list[int]:
    return [it["seq"] for _, it in client.entries(room_id)]


def known(instance: LiveInstance, user_id: UUID) -> CachedUser:
    resident = instance.app.container.membership_cache.get_any(user_id)
    assert resident is not None
    return resident


async def refusal(client: Client, event: str, **payload: Any) -> str:
    with pytest.raises(OperationRefused) as refused:
        await client.call(event, **payload)
    return str(refused.value.code)


async def until_unknown(instance: LiveInstance, user_id: UUID, room_id: UUID) -> None:
    """Wait until the instance no longer treats the user as a member."""
    async with asyncio.timeout(10):
        while room_id in known(instance, user_id).rooms:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# --- memberships ---


@pytest.mark.parametrize("lost", [object, MemberChanged, EntriesAppended])
async def test_a_removed_member_is_found_despite_lost_signals(
    instance: LiveInstance, bus: DroppingBus, lost: type
) -> None:
    room_id, (ada, bob, eve) = await instance.room_with_clients("ada", "bob", "eve")
    bob_id = instance.users["bob"].id
    bus.should_drop = lambda signal: isinstance(signal, lost)

    await ada.call("room:remove", room_id=room_id, user_id=bob_id)
    sent = [await ada.send(room_id, str(index)) for index in range(3)]
    await eve.next_event("message:new", lambda it: it["seq"] == sent[-1]["seq"])
    await bob.next_event("room:gone")
    await until_unknown(instance, UUID(bob_id), UUID(room_id))

    assert bob.entries(room_id)[-1][0] == "member:left"
    assert seqs(bob, room_id) == [4]
    assert seqs(eve, room_id) == list(range(4, sent[-1]["seq"] + 1))
    assert await refusal(bob, "message:history", room_id=room_id) == "not_found"
    assert await refusal(bob, "typing:start", room_id=room_id) == "not_found"
    assert bus.losses


@pytest.mark.parametrize("lost", [object, MemberJoined, EntriesAppended])
async def test_a_new_member_is_found_despite_lost_signals(
    instance: LiveInstance, bus: DroppingBus, lost: type
) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    eve = await (await instance.register("eve")).connect_client()
    bus.should_drop = lambda signal: isinstance(signal, lost)

    await ada.call("room:invite", room_id=room_id, user_id=instance.users["eve"].id)
    sent = await ada.send(room_id, "welcome")
    await eve.next_event("message:new", lambda it: it["seq"] == sent["seq"])
    bus.should_drop = lambda _: False
    await eve.send(room_id, "thank you")
    await eve.next_event("message:new", lambda it: it["seq"] == sent["seq"] + 1)

    added = next(it for name, it in eve.events if name == "room:added")["room"]
    # The room as it was read later may include entries that follow as well.
    assert seqs(eve, room_id) == ([4, 5] if lost is EntriesAppended else [3, 4, 5])
    assert (added["id"], added["my"]["role"]) == (room_id, "member")


async def test_a_changed_role_and_mute_are_found(instance: LiveInstance, bus: DroppingBus) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    room, bob_id = UUID(room_id), UUID(instance.users["bob"].id)
    bus.should_drop = lambda signal: isinstance(signal, MemberChanged)
    await instance.app.chat.reconciler.close()  # compared below, and not before
    membership = known(instance, bob_id).rooms[room]

    await ada.call("room:set_role", room_id=room_id, user_id=str(bob_id), role="moderator")
    await bob.call("room:mute", room_id=room_id, muted=True)
    assert (membership.role, membership.muted) == ("member", False)
    await instance.app.chat.reconciler.check()

    assert (membership.role, membership.muted) == ("moderator", True)


@pytest.mark.parametrize("lost", [(), MemberJoined, MemberChanged, (MemberJoined, MemberChanged)])
async def test_a_readmitted_member_receives_entries_though_the_removal_was_lost(
    instance: LiveInstance, bus: DroppingBus, lost: Any
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    bob_id = instance.users["bob"].id

    def loses(signal: object) -> bool:
        entries = signal.entries if isinstance(signal, EntriesAppended) else ()
        return any(each.event == "member:left" for each in entries) or isinstance(signal, lost)

    bus.should_drop = loses
    await ada.call("room:remove", room_id=room_id, user_id=bob_id)
    await ada.call("room:invite", room_id=room_id, user_id=bob_id)
    bus.should_drop = lambda _: False
    sent = await ada.send(room_id, "hello again")
    await bob.next_event("message:new", lambda it: it["seq"] == sent["seq"])
    again = await ada.send(room_id, "still here?")
    await bob.next_event("message:new", lambda it: it["seq"] == again["seq"])

    left, joined = 3, 4
    received = seqs(bob, room_id)
    if bob.count_events("room:gone"):  # the removal was found before the invitation: `room:added` followed
        assert [seq for seq in received if seq != joined] == [left, *range(joined + 1, again["seq"] + 1)]
    else:
        assert received == list(range(left, again["seq"] + 1))
    assert (await bob.send(room_id, "yes"))["seq"] == again["seq"] + 1


async def test_a_socket_still_subscribed_after_its_last_entry_is_removed(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    room, bob_id = UUID(room_id), UUID(instance.users["bob"].id)
    connection = instance.app.chat.connections.of_user(bob_id)[0]
    resident = known(instance, bob_id)
    membership = resident.rooms[room]
    await ada.call("room:remove", room_id=room_id, user_id=str(bob_id))
    await bob.next_event("room:gone")

    # As for a client that connected with memberships read just before, when all feeds were past that entry.
    resident.rooms[room], resident.version = membership, -1
    instance.app.chat.delivery.attach(connection, [room])
    await bob.next_event("room:gone")
    await ada.send(room_id, "among us")
    await bob.synchronize()

    assert bob.entries(room_id)[-1][0] == "member:left"
    assert room not in connection.rooms


async def test_concurrent_changes_of_the_same_users_do_not_block_each_other(instance: LiveInstance) -> None:
    users = [await instance.register(f"person{index}") for index in range(6)]
    ids = [UUID(each.id) for each in users]

    made = await asyncio.gather(
        *(
            rooms.create(
                Context(instance.app.container, ids[first]),
                CreateRoom(kind="private", member_ids=[*ids[first:], *ids[:first]][:: 1 if turn % 2 else -1]),
            )
            for turn in range(5)
            for first in range(6)
        )
    )

    assert len(made) == 30
    assert {row.version for row in await models.User.filter(id__in=ids)} == {31}, "30 rooms and the default"


# --- sessions and accounts ---


async def closed(client: Client) -> str:
    closing = await client.next_event("closing")
    await client.next_event("disconnect")
    return str(closing["code"])


async def test_an_ended_session_is_found(instance: LiveInstance, bus: DroppingBus) -> None:
    ada = await instance.register("ada")
    devices = [await ada.connect_client(), await ada.connect_client(transports=["polling"])]
    _, other = await instance.rest(
        "POST", "/auth/login", json={"email": "ada@example.com", "password": "correct horse battery"}
    )
    await ada.rest("GET", "/auth/me")
    ended = ada.token
    ada.token = other["data"]["access_token"]
    stays = await ada.connect_client()
    bus.should_drop = lambda signal: isinstance(signal, SessionEnded)

    await instance.rest("POST", "/auth/logout", headers={"Authorization": f"Bearer {ended}"})

    for device in devices:
        assert (await device.next_event("auth:revoked"))["reason"] == "logged_out"
        assert await closed(device) == "session_revoked"
    await stays.synchronize()
    assert bus.losses == 1


async def test_a_session_that_ended_right_after_its_connect_is_found(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    container, user_id = instance.app.container, UUID(ada.id)
    admitted = instance.app.chat.connections.of_user(user_id)[0].auth_session
    async with database.transaction() as tx:  # as another instance does it, without a signal
        await models.Session.filter(id=admitted.session_id).update(revoked_at=clock.now())
        await change_counters.bump_version(tx, [user_id])
    known(instance, user_id).version += 1  # as if a comparison had run before that socket connected

    container.membership_cache.add_socket(admitted)

    assert await closed(client) == "session_revoked"
    container.membership_cache.remove_socket(user_id, admitted.session_id)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"suspended_at": clock.now()}, "suspended"),
        ({"suspended_at": clock.now(), "suspended_until": clock.now() + timedelta(days=1)}, "suspended"),
        ({"deleted_at": clock.now()}, "session_revoked"),
    ],
)
async def test_a_suspended_or_deleted_user_is_found(instance: LiveInstance, fields: Any, code: str) -> None:
    ada, bob = [await instance.register(name) for name in ("ada", "bob")]
    devices = [await ada.connect_client(), await ada.connect_client()]
    other = await bob.connect_client()

    await models.User.filter(id=ada.id).update(**fields)

    assert [await closed(device) for device in devices] == [code, code]
    await other.synchronize()
    assert instance.app.container.membership_cache.get(UUID(ada.id)) is None, "nothing is remembered of them"


async def test_an_expired_suspension_is_ignored(instance: LiveInstance) -> None:
    client = await (await instance.register("ada")).connect_client()
    past = clock.now() - timedelta(days=1)

    await models.User.all().update(suspended_at=past, suspended_until=past)
    await instance.app.chat.reconciler.check()

    await client.synchronize()


async def test_a_new_name_and_a_new_role_are_found(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    made = await client.call("room:create", kind="private")

    async with database.transaction() as tx:
        await models.User.filter(id=ada.id).update(display_name="Countess", role="admin")
        await change_counters.bump_version(tx, [UUID(ada.id)])
    await instance.app.chat.reconciler.check()

    sent = await client.send(made["room"]["id"], "me")
    assert sent["sender"]["display_name"] == "Countess"
    assert instance.app.chat.connections.of_user(UUID(ada.id))[0].ctx.role == "admin"


async def test_the_cache_is_trusted_only_while_it_is_compared(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    room, bob_id = UUID(room_id), UUID(instance.users["bob"].id)
    await instance.app.chat.reconciler.close()
    membership = known(instance, bob_id).rooms[room]
    await ada.call("room:remove", room_id=room_id, user_id=str(bob_id))
    known(instance, bob_id).rooms[room] = membership  # as if no signal had been received

    # As after a long halt of the process.
    instance.app.container.membership_cache.reconciled_at = clock.monotonic() - 60

    assert await refusal(bob, "message:history", room_id=room_id) == "not_found"
    assert await refusal(bob, "message:send", room_id=room_id, client_id=str(room), body="x") in (
        "not_a_member",
        "not_found",
    )
