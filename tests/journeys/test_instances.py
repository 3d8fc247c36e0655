"""Several instances on one PostgreSQL and one Redis behave like one."""

import asyncio
import time
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import RemoteInstances
from tests.support.server_process import ServerProcess, run_together
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


@pytest.fixture
async def proxy(redis_url):
    """What the instances take for Redis."""
    async with TcpProxy(redis_url) as made:
        yield made


@pytest.fixture
async def remote_instances(database_url, proxy, tmp_path):
    """Two instances of one deployment."""
    shared = {"database_url": database_url, "redis_url": proxy.url, "redis_prefix": f"t-{uuid4().hex}"}
    options = {**shared, "default_rooms": "", **UNLIMITED}
    async with (
        run_together(ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)) as (one, other),
        RemoteInstances(one.url, other.url) as made,
    ):
        made.processes = (one, other)
        yield made
        assert one.error_lines() == other.error_lines() == []


async def pair(remote_instances):
    """Ada on one instance, Bob on the other, in a room."""
    ada, bob = await remote_instances.register("ada"), await remote_instances.register("bob")
    here = await ada.connect_client()
    there = await bob.connect_client(url=remote_instances.urls[1])
    made = await here.call("room:create", kind="private", name="both", member_ids=[bob.id])
    room_id = made["room"]["id"]
    await there.next_event("room:added", lambda added: added["room"]["id"] == room_id)
    return room_id, here, there


async def test_a_conversation_with_all_hints_spans_instances(remote_instances):
    room_id, here, there = await pair(remote_instances)
    ada, bob = remote_instances.users["ada"], remote_instances.users["bob"]
    phone = await ada.connect_client(url=remote_instances.urls[1])

    sent = await here.send(room_id, "hello over there")
    for client in (here, there, phone):
        assert (await client.next_event("message:new"))["message"] == sent
    await there.call("typing:start", room_id=room_id)
    assert await here.next_event("typing") == {"room_id": room_id, "user_id": bob.id, "typing": True}
    await there.send(room_id, "hello over here")
    await there.call("typing:stop", room_id=room_id)
    await here.next_event("typing", lambda it: not it["typing"])
    await here.call("room:read", room_id=room_id, seq=4)
    read = {"room_id": room_id, "user_id": ada.id, "seq": 4}
    assert await there.next_event("read") == read
    assert await phone.next_event("read") == {**read, "unread": 0, "mentions": 0}
    await there.call("presence:set", status="busy")
    await here.next_event("presence", lambda it: it["user_id"] == bob.id and it["status"] == "busy")
    assert (await ada.rest("PATCH", "/users/profile", json={"username": "countess"}))[0] == 200

    async def sender_is_renamed() -> bool:
        message = await phone.send(room_id, "with a new username, once the other instance knows it")
        return bool(message["sender"]["username"] == "countess")

    await until(sender_is_renamed, seconds=5)
    await here.call("room:remove", room_id=room_id, user_id=bob.id)
    await there.next_event("room:gone", lambda it: it["room_id"] == room_id)
    ack = await there.call_for_ack("message:send", room_id=room_id, client_id=str(uuid4()), body="?")
    assert ack["ok"] is False

    for client in (here, there, phone):
        seqs = [payload["seq"] for _, payload in client.entries(room_id)]
        assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert there.count_events("typing") == 0


async def _stop(remote_instances, here, phone, room_id):
    await phone.call("typing:stop", room_id=room_id)


async def _send(remote_instances, here, phone, room_id):
    await here.send(room_id, "here it is")


async def _send_elsewhere(remote_instances, here, phone, room_id):
    await phone.send(room_id, "here it is")


async def _post(remote_instances, here, phone, room_id):
    body = {"body": "here it is", "client_id": str(uuid4())}
    status, _ = await remote_instances.users["ada"].rest("POST", f"/rooms/{room_id}/messages", json=body)
    assert status == 201


async def _leave(remote_instances, here, phone, room_id):
    await phone.call("room:leave", room_id=room_id)


async def _be_removed(remote_instances, here, phone, room_id):
    path = f"/rooms/{room_id}/members/{remote_instances.users['ada'].id}"
    assert (await remote_instances.users["bob"].rest("DELETE", path))[0] == 204


async def test_typing_ends_once_on_all_instances(remote_instances):
    _, here, there = await pair(remote_instances)
    ada, bob = remote_instances.users["ada"], remote_instances.users["bob"]
    phone = await ada.connect_client(url=remote_instances.urls[1])
    listeners, rooms = [there, await bob.connect_client()], {}

    for way in (_stop, _send, _send_elsewhere, _post, _leave, _be_removed):
        made = await there.call("room:create", kind="private", member_ids=[ada.id])
        room_id = rooms[way.__name__] = made["room"]["id"]
        for client in (here, phone):
            await client.next_event("room:added", lambda it, room_id=room_id: it["room"]["id"] == room_id)
        await here.call("typing:start", room_id=room_id)
        await here.call("typing:start", room_id=room_id)
        for listener in listeners:
            displayed = await listener.next_event(
                "typing", lambda it, room_id=room_id: it["room_id"] == room_id
            )
            assert displayed == {"room_id": room_id, "user_id": ada.id, "typing": True}
        await way(remote_instances, here, phone, room_id)
        for listener in listeners:
            await listener.next_event(
                "typing", lambda it, room_id=room_id: it["room_id"] == room_id and not it["typing"]
            )

    for listener in listeners:
        received = [(it["room_id"], it["typing"]) for name, it in listener.events if name == "typing"]
        assert received == [(room_id, typing) for room_id in rooms.values() for typing in (True, False)]
    assert here.count_events("typing") == phone.count_events("typing") == 0


async def test_without_redis_a_message_ends_typing_by_its_entry(remote_instances, proxy):
    room_id, here, _ = await pair(remote_instances)
    ada, bob = remote_instances.users["ada"], remote_instances.users["bob"]
    phone, listener = await ada.connect_client(url=remote_instances.urls[1]), await bob.connect_client()
    await proxy.stop()

    await here.call("typing:start", room_id=room_id)
    await listener.next_event("typing", lambda it: it["typing"])
    await phone.send(room_id, "here it is")

    await listener.next_event("typing", lambda it: not it["typing"], seconds=4)


async def test_a_revoked_session_ends_on_every_instance(remote_instances):
    ada = await remote_instances.register("ada")
    there = await ada.connect_client(url=remote_instances.urls[1])

    status, _ = await ada.rest("POST", "/auth/logout", json={"refresh_token": ada.refresh_token})

    assert status in {200, 204}
    await there.next_event("auth:revoked")
    await there.next_event("disconnect")


async def _as_admin(remote_instances, database_url, name):
    user = await remote_instances.register(name)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE users SET role = 'admin' WHERE id = $1", UUID(user.id))
    finally:
        await connection.close()
    return user


async def test_an_admin_action_applies_on_all_instances(remote_instances, proxy, database_url):
    root, ada = (
        await _as_admin(remote_instances, database_url, "boss"),
        await remote_instances.register("ada"),
    )
    there = await ada.connect_client(url=remote_instances.urls[1])

    async with asyncio.timeout(20):  # the description of an instance is as old as its lease
        while True:
            _, answer = await root.rest("GET", "/admin/realtime")
            if answer["data"]["connections"] == 1:
                break
            await asyncio.sleep(0.1)
    assert [each["current"] for each in answer["data"]["instances"]] == [True, False]
    assert [each["connections"] for each in answer["data"]["instances"]] == [0, 1]

    suspended = {"suspended": {"reason": "spam"}}
    assert (await root.rest("PATCH", f"/admin/users/{ada.id}", json=suspended))[0] == 200
    assert (await there.next_event("closing"))["message"] == "This account is suspended: spam"
    await there.next_event("disconnect")

    await root.rest("PATCH", f"/admin/users/{ada.id}", json={"suspended": None})
    there = await ada.connect_client(url=remote_instances.urls[1])
    await proxy.stop()  # no signal arrives: the reconciler finds it
    assert (await root.rest("PATCH", f"/admin/users/{ada.id}", json=suspended))[0] == 200
    assert (await there.next_event("closing"))["code"] == "suspended"
    assert not (await root.rest("GET", "/admin/realtime"))[1]["data"]["complete"]


async def test_chat_continues_without_redis(remote_instances, proxy):
    room_id, here, there = await pair(remote_instances)

    await proxy.stop()
    first = await here.send(room_id, "no redis")
    await there.next_event("message:new", lambda it: it["seq"] == first["seq"])
    async with remote_instances.http.get(f"{remote_instances.url}/health/ready") as answer:
        assert answer.status == 200
    await proxy.start()
    last = await there.send(room_id, "redis again")
    await here.next_event("message:new", lambda it: it["seq"] == last["seq"])

    for client in (here, there):
        seqs = [payload["seq"] for _, payload in client.entries(room_id)]
        assert seqs == list(range(seqs[0], last["seq"] + 1))


@pytest.mark.slow("13 s: a lease ends")
async def test_users_of_a_killed_instance_become_offline(remote_instances, figures):
    _, here, there = await pair(remote_instances)
    ada, bob = remote_instances.users["ada"], remote_instances.users["bob"]
    roaming = await ada.connect_client(url=remote_instances.urls[1])
    seen = await here.call("presence:get", user_ids=[ada.id, bob.id])
    assert [it["status"] for it in seen["presences"]] == ["online", "online"]

    await remote_instances.processes[1].kill()
    killed = time.monotonic()
    await there.next_event("disconnect")
    await roaming.next_event("disconnect")
    gone = await here.next_event("presence", lambda it: it["status"] == "offline", seconds=30)
    figures(f"offline {time.monotonic() - killed:.1f} s after the kill")

    assert gone["user_id"] == bob.id
    seen = await here.call("presence:get", user_ids=[ada.id, bob.id])
    assert [it["status"] for it in seen["presences"]] == ["online", "offline"]
    assert seen["presences"][1]["last_seen_at"]
    assert not [
        it
        for name, it in here.events
        if name == "presence" and it == {**it, "user_id": ada.id, "status": "offline"}
    ]


async def test_a_user_who_changes_instances_stays_online(remote_instances):
    room_id, here, there = await pair(remote_instances)
    bob = remote_instances.users["bob"]

    await there.close()
    again = await bob.connect_client()
    await here.send(room_id, "still there?")
    await again.next_event("message:new")
    await again.close()
    gone = await here.next_event("presence", lambda it: it["status"] == "offline")

    assert gone["user_id"] == bob.id
    statuses = [it["status"] for name, it in here.events if name == "presence" and it["user_id"] == bob.id]
    assert statuses in (["online", "offline"], ["offline"])
