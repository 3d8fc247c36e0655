"""The database stops, hangs and recovers. An instance is paused and resumed (G6, G10, without Redis)."""

import asyncio
import time
from collections import Counter
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.core import metrics
from hubbub.db import database
from hubbub.db.engines import pool
from hubbub.services.eventlog import message_writer
from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import LiveInstance, OperationRefused, RemoteInstances
from tests.support.raw_client import RawClient
from tests.support.server_process import ServerProcess, run_together
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
PATIENCE_S = 30.0


# --- the database ---


@pytest.fixture
async def proxy(database_url):
    """A proxy between the instance and its PostgreSQL."""
    async with TcpProxy(database_url) as made:
        yield made


@pytest.fixture
async def instance(settings, proxy):
    """An instance that reaches its database through the proxy."""
    async with LiveInstance(
        settings.model_copy(update={"database_url": proxy.url, "database_pool": 4})
    ) as made:
        yield made


class Sender:
    """Sends on and on; what is refused is sent again, under its `client_id`, until it is stored."""

    def __init__(self, client, room_id):
        self.client = client
        self.room_id = room_id
        self.stored = {}  # client_id → seq
        self.refusals = Counter()
        self.slowest = 0.0
        self.acked_at = 0.0
        self.enough = asyncio.Event()

    async def run(self):
        while not self.enough.is_set():
            client_id = str(uuid4())
            while client_id not in self.stored:
                began = time.monotonic()
                try:
                    sent = await self.client.send(self.room_id, "x", client_id=client_id)
                except OperationRefused as refused:
                    self.refusals[refused.code] += 1
                    await asyncio.sleep(0.05)
                else:
                    self.stored[client_id] = sent["seq"]
                    self.acked_at = time.monotonic()
                self.slowest = max(self.slowest, time.monotonic() - began)


async def ready(instance):
    async with instance.http.get(f"{instance.url}/health/ready") as answer:
        return answer.status, (await answer.json())["checks"]["database"]


async def exactly_once(instance, senders, listener, room_id):
    """Each acknowledged message is stored once, and all clients received one log without gaps."""
    last = (await senders[0].client.send(room_id, "the end"))["seq"]
    first = min(await models.Message.filter(room_id=room_id).values_list("seq", flat=True))
    for client in {listener, *(sender.client for sender in senders)}:
        await client.next_event("message:new", lambda it: it["seq"] == last)
        # A member added at the creation receives it once, and starts behind the entries of the members.
        received = [it["seq"] for _, it in client.entries(room_id)]
        assert received == list(range(received[0], last + 1))
        assert received[0] <= first
        assert client.count_events("disconnect") == 0
    rows = await models.Message.filter(room_id=room_id).values_list("client_id", "seq")
    stored = {str(client_id): seq for client_id, seq in rows}
    assert len(stored) == len(rows)
    for sender in senders:
        assert sender.stored.items() <= stored.items()


@pytest.mark.parametrize("fault", ["down", "frozen"])
async def test_an_unavailable_database_is_reported_as_unavailable(
    instance, proxy, fault, monkeypatch, caplog, figures
):
    caplog.set_level("INFO")
    monkeypatch.setattr(message_writer, "WRITE_TIMEOUT_S", 1.0)
    monkeypatch.setattr(pool, "ROLLBACK_S", 0.5)
    monkeypatch.setattr(pool, "ACQUIRE_S", 1.0)
    room_id, (ada, bob, eve) = await instance.room_with_clients("ada", "bob", "eve")
    late = await instance.register("late")
    senders = [Sender(client, room_id) for client in (ada, bob) for _ in range(5)]
    running = [asyncio.ensure_future(sender.run()) for sender in senders]
    await until(lambda: all(sender.stored for sender in senders), PATIENCE_S)  # every client sent something

    await (proxy.stop() if fault == "down" else asyncio.to_thread(proxy.freeze))
    await until(lambda: all(sender.refusals for sender in senders), PATIENCE_S)  # every client was refused
    assert (await eve.call_for_ack("room:list"))["error"]["code"] == "unavailable"
    assert await ready(instance) == (503, "unavailable")
    status, problem = await instance.users["ada"].rest("GET", "/rooms")
    assert (status, problem["code"]) == (503, "unavailable")
    fan = RawClient(instance.http, instance.url, late.token)
    waiting = asyncio.ensure_future(fan.connect_with_retries())
    await until(lambda: metrics.gauges["connects_waiting"]() == 1, PATIENCE_S)  # a connect waits
    back = time.monotonic()
    await (proxy.start() if fault == "down" else asyncio.to_thread(proxy.thaw))
    await until(lambda: all(sender.acked_at > back for sender in senders), PATIENCE_S)  # all send again
    resumed = min(sender.acked_at for sender in senders) - back
    await until(lambda: not database.unavailable(), PATIENCE_S)  # it is available again
    assert await ready(instance) == (200, "ok")
    await asyncio.wait_for(waiting, PATIENCE_S)
    await fan.close()
    for sender in senders:
        sender.enough.set()
    await asyncio.gather(*running)

    await exactly_once(instance, senders, eve, room_id)
    assert set().union(*(sender.refusals for sender in senders)) == {"unavailable"}
    said = [record.message for record in caplog.records if record.name.startswith("hubbub")]
    assert said.count("the database is unavailable") == said.count("the database is available") == 1
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
    slowest = max(sender.slowest for sender in senders)
    figures(f"{fault}: answered within {slowest:.1f} s, all sending {resumed:.2f} s after its return")


async def test_a_commit_of_unknown_outcome_is_resolved_by_sending_again(instance, proxy):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    client_id = str(uuid4())
    proxy.freeze_at(b"was it?")  # the statement that stores it
    asked = asyncio.ensure_future(
        ada.call_for_ack("message:send", room_id=room_id, client_id=client_id, body="was it?")
    )
    await asyncio.wait_for(proxy.pattern_seen.wait(), PATIENCE_S)
    proxy.reset_connections()
    proxy.thaw()
    assert (await asked)["error"]["code"] == "unavailable"

    sent = await ada.send(room_id, "was it?", client_id=client_id)
    last = await ada.send(room_id, "it was")

    assert last["seq"] == sent["seq"] + 1
    await bob.next_event("message:new", lambda it: it["seq"] == last["seq"])
    assert [it["message"]["id"] for name, it in bob.events if name == "message:new"] == [
        sent["id"],
        last["id"],
    ]


# --- instances, with nothing between them but the database ---


@pytest.fixture
async def pair(database_url, tmp_path):
    """Two instances without a connection to each other."""
    options = {"database_url": database_url, "default_rooms": "", **UNLIMITED}
    processes = ServerProcess(tmp_path, **options), ServerProcess(tmp_path, **options)
    async with run_together(*processes) as (one, other):
        yield one, other
        other.resume()
        assert one.error_lines() == other.error_lines() == []


@pytest.fixture
async def remote_instances(pair):
    async with RemoteInstances(*(each.url for each in pair)) as made:
        yield made


async def meet(remote_instances):
    """Ada here, Bob and Eve there, in a room."""
    ada, bob, eve = [await remote_instances.register(name) for name in ("ada", "bob", "eve")]
    here = await ada.connect_client()
    made = await here.call("room:create", kind="private", name="both", member_ids=[bob.id, eve.id])
    there = [await user.connect_client(url=remote_instances.urls[1]) for user in (bob, eve)]
    return made["room"]["id"], here, there


async def test_revocations_take_effect_within_a_second_without_a_bus(remote_instances, figures):
    room_id, here, (bob, eve) = await meet(remote_instances)
    took = {}

    began = time.monotonic()
    await here.call("room:remove", room_id=room_id, user_id=remote_instances.users["bob"].id)
    await here.send(room_id, "without Bob")
    await bob.next_event("room:gone")
    took["removal"] = time.monotonic() - began
    began = time.monotonic()
    await remote_instances.users["eve"].rest("POST", "/auth/logout")
    assert (await eve.next_event("auth:revoked"))["reason"] == "logged_out"
    took["logout"] = time.monotonic() - began
    await eve.next_event("disconnect")
    began = time.monotonic()
    await here.call("room:invite", room_id=room_id, user_id=remote_instances.users["bob"].id)
    await bob.next_event("room:added")
    took["invitation"] = time.monotonic() - began
    last = await here.send(room_id, "with Bob")
    await bob.next_event("message:new", lambda it: it["seq"] == last["seq"])

    received = [(name, it["seq"]) for name, it in bob.entries(room_id)]
    assert received == [("member:left", 4), ("member:joined", 6), ("message:new", 7)]
    figures(", ".join(f"{what} {seconds:.2f} s" for what, seconds in took.items()))
    assert max(took.values()) < 5  # on a machine that may be busy


async def test_a_paused_instance_is_consistent_again(remote_instances, pair, figures):
    room_id, here, (bob, eve) = await meet(remote_instances)
    other = pair[1]

    other.pause()
    await here.send(room_id, "all three")
    await here.call("room:remove", room_id=room_id, user_id=remote_instances.users["bob"].id)
    sent = await here.send(room_id, "without Bob")
    await remote_instances.users["ada"].rest("GET", "/auth/me")
    asked = asyncio.ensure_future(bob.call_for_ack("message:history", room_id=room_id))
    tried = asyncio.ensure_future(
        bob.call_for_ack("message:send", room_id=room_id, client_id=str(uuid4()), body="still here")
    )
    await asyncio.sleep(4)  # longer than a cache is trusted without a comparison
    began = time.monotonic()
    other.resume()

    assert (await asked)["error"]["code"] == "not_found"
    assert (await tried)["error"]["code"] in ("not_found", "not_a_member")
    await eve.next_event("message:new", lambda it: it["seq"] == sent["seq"])
    figures(f"caught up {time.monotonic() - began:.2f} s after a halt of 4 s")
    await bob.next_event("room:gone")
    assert bob.entries(room_id)[-1][0] == "member:left"
    assert [it["seq"] for _, it in eve.entries(room_id)] == [4, 5, 6]
