"""A well-behaved client: reconnects, syncs, sends again, and records everything in its journal."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hubbub.core import ids, tasks
from hubbub.prove.accounts import User
from hubbub.prove.journal import (
    Acked,
    AnyEvent,
    Checkpoint,
    Disconnected,
    EntryReceived,
    ExpectedRooms,
    Journal,
    Json,
    ReadyReceived,
    Rejected,
    RoomAdded,
    RoomGone,
    RoomReset,
    Sent,
    SyncReceived,
)
from hubbub.prove.shared_state import SharedState
from hubbub.prove.socketio_client import ConnectionLost, ConnectRefused, Socket

ACK_TIMEOUT_S = 6.0  # after which the client treats the connection as lost
RECONNECT_DELAY_S = (0.05, 0.4)  # random, before it reconnects
SYNC_LIMIT = 200  # entries of one `sync`
FINAL_CODES = frozenset({"session_revoked", "unauthenticated", "suspended"})  # do not reconnect


class Client:
    """One device of a user. `start` it, `send` through it, `stop` it. The journal remains."""

    def __init__(self, shared: SharedState, user: User, name: str) -> None:
        self.shared = shared  # with the other clients
        self.user = user  # whose session the client uses
        self.http = shared.http  # the probe of a slow client replaces it
        self.journal = Journal(name, user.id)
        self.next_instance: int | None = None  # number of the next connection's instance; None: random
        self.ready = asyncio.Event()  # set while the client is connected and has received `ready`
        self.session_ended = asyncio.Event()  # set by a refusal after which a client must not reconnect
        self.socket: Socket | None = None  # the current or the last one
        self.cursors: dict[str, int] = {}  # room → seq up to which the client has all entries
        self._sent_cursors: dict[str, int] = {}  # the cursors of the current handshake
        self._epoch: str | None = None  # of the last `ready`
        self._last_seqs: dict[str, int] = {}  # room → highest seq that this client has seen
        self._connection_number = 0  # 1, 2, 3, …
        self._ready_received = False  # on this connection
        self.instance = 0  # number of the current connection's instance
        self._reconnect_delay_s = 0.0  # requested by the server
        self._connect_task: asyncio.Task[None] | None = None
        self._sync_task: asyncio.Task[None] | None = None  # fetches missing entries
        self._sync_needed = asyncio.Event()  # set when entries may be missing

    def start(self) -> None:
        """Connect, and reconnect after each loss."""
        self._connect_task = tasks.spawn(self._run(), name=self.journal.name)
        self._sync_task = tasks.spawn(self._sync_when_needed(), name=f"{self.journal.name} sync")

    async def stop(self) -> None:
        """Disconnect for good."""
        await tasks.stop(self._connect_task)
        await tasks.stop(self._sync_task)
        await self._disconnect("ours")

    async def _run(self) -> None:
        while not self.session_ended.is_set():
            try:
                await self._connect()
                assert self.socket is not None  # noqa: S101 - for the type checker
                await self._wait_ready(self.socket)
                await self.socket.closed.wait()
                await self._disconnect(self.socket.close_reason)
            except ConnectRefused as refusal:
                self._reconnect_delay_s = refusal.retry_s
                if refusal.code in FINAL_CODES:
                    self.session_ended.set()
            except ConnectionLost:
                await self._disconnect("lost")
            await asyncio.sleep(self._reconnect_delay_s + self.shared.rng.uniform(*RECONNECT_DELAY_S))
            self._reconnect_delay_s = 0.0

    async def _connect(self) -> None:
        random_instance = self.shared.rng.randrange(len(self.shared.urls))
        self.instance = random_instance if self.next_instance is None else self.next_instance
        self.next_instance = None
        self._connection_number += 1
        self._sent_cursors = dict(self.cursors)
        auth = {"token": self.user.token, "epoch": self._epoch, "cursors": self._sent_cursors}
        self.socket = await Socket.connect(self.http, self.shared.urls[self.instance], auth, self._on_event)

    async def _wait_ready(self, socket: Socket) -> None:
        """Wait for `ready`. Without it in time, the client reconnects: the instance may be paused."""
        try:
            async with asyncio.timeout(ACK_TIMEOUT_S):
                await self.ready.wait()
        except TimeoutError:
            socket.drop("not ready")

    async def _disconnect(self, reason: str) -> None:
        if self.socket is not None:
            if self._ready_received:
                self._record(Disconnected(*self._stamp, reason))
            self._ready_received = False
            self.ready.clear()
            await self.socket.close()

    # Events.

    @property
    def _stamp(self) -> tuple[float, int]:
        """The first two fields of an event that is recorded now."""
        return self.shared.elapsed_s, self._connection_number

    def _record(self, event: AnyEvent) -> None:
        self.journal.events.append(event)

    def _on_event(self, event: str, payload: Json) -> None:
        if event == "ready":
            self._on_ready(payload)
        elif event == "room:added":
            self._on_room_added(payload["room"])
        elif event == "room:gone":
            self._record(RoomGone(*self._stamp, payload["room_id"]))
            self._last_seqs.pop(payload["room_id"], None)
        elif event == "server:draining":
            self._reconnect_delay_s = payload["reconnect_in_ms"] / 1000
        elif "seq" in payload and "at" in payload:
            self._on_entry(event, payload)

    def _on_ready(self, payload: Json) -> None:
        self._epoch = payload["epoch"]
        listed = {room["id"]: room["last_seq"] for room in payload["rooms"]}
        self._last_seqs = {**self._sent_cursors, **listed}
        self._record(ReadyReceived(*self._stamp, self.instance, dict(self._last_seqs)))
        self._ready_received = True
        self.ready.set()
        self._sync_needed.set()

    def _on_room_added(self, room: Json) -> None:
        self._last_seqs[room["id"]] = room["last_seq"]
        self._record(RoomAdded(*self._stamp, room["id"], room["last_seq"]))
        self._sync_needed.set()

    def _on_entry(self, event: str, payload: Json) -> None:
        room_id, seq = payload["room_id"], payload["seq"]
        user, message = payload.get("user") or {}, payload.get("message") or {}
        is_own = event.startswith("member:") and user.get("id") == self.user.id
        text, client_id = self.shared.canonical_text(payload), message.get("client_id", "")
        own = event.partition(":")[2] if is_own else ""
        self._record(EntryReceived(*self._stamp, room_id, seq, event, text, client_id, own))
        self._last_seqs[room_id] = max(seq, self._last_seqs.get(room_id, 0))
        self.shared.record_seq(room_id, seq)
        if seq == self.cursors.get(room_id, 0) + 1:
            self.cursors[room_id] = seq
        else:
            self._sync_needed.set()

    # Sync.

    def incomplete_rooms(self) -> dict[str, int]:
        """Return the rooms with missing entries, each with the seq up to which the client has all entries."""
        return {
            room_id: self.cursors.get(room_id, 0)
            for room_id, end in self._last_seqs.items()
            if self.cursors.get(room_id, 0) < end
        }

    async def _sync_when_needed(self) -> None:
        while True:
            await self._sync_needed.wait()
            self._sync_needed.clear()
            while self.ready.is_set() and (rooms := self.incomplete_rooms()):
                with suppress(ConnectionLost):
                    await self._sync(rooms)

    async def _sync(self, rooms: dict[str, int]) -> None:
        ack = await self.call("sync", {"epoch": self._epoch, "rooms": rooms, "limit": SYNC_LIMIT})
        if not ack["ok"]:
            await asyncio.sleep(0.2)
            return
        for room_id, room in ack["data"]["rooms"].items():
            if "entries" in room:
                self._on_synced(room_id, rooms[room_id], room["entries"])
            elif "gone" in room:
                self._last_seqs.pop(room_id, None)
            elif "reset" in room:
                self._record(RoomReset(*self._stamp, room_id))
                self.cursors[room_id] = self._last_seqs[room_id] = room["last_seq"]
            else:
                await asyncio.sleep(0.2)

    def _on_synced(self, room_id: str, after: int, entries: list[Json]) -> None:
        received = [
            (each["payload"]["seq"], each["event"], self.shared.canonical_text(each["payload"]))
            for each in entries
        ]
        self._record(SyncReceived(*self._stamp, room_id, after, received))
        last = max([self.cursors.get(room_id, 0), *(seq for seq, _, _ in received)])
        self.cursors[room_id] = last
        self.shared.record_seq(room_id, last)
        if room_id in self._last_seqs:
            self._last_seqs[room_id] = max(last, self._last_seqs[room_id])

    def expect_rooms(self, rooms: list[str], ended: list[str]) -> None:
        """Record the memberships that the next connection must show."""
        at, connection = self._stamp
        self._record(ExpectedRooms(at, connection + 1, rooms, ended))

    def record_checkpoint(self) -> None:
        """Record what the client has when all should have arrived; nothing while it is disconnected."""
        if self.ready.is_set():
            cursors = {room_id: self.cursors.get(room_id, 0) for room_id in self._last_seqs}
            self._record(Checkpoint(*self._stamp, cursors, dict(self.shared.last_seqs)))

    def is_complete(self) -> bool:
        """Return whether it is connected and has all entries that any client has seen or that are stored."""
        ends = self.shared.last_seqs.items()
        return self.ready.is_set() and all(self.cursors.get(room_id, 0) >= end for room_id, end in ends)

    # Calls.

    async def call(self, event: str, payload: Json) -> Json:
        """Return the whole ack. Raises ConnectionLost, also for an ack that is late."""
        socket = self.socket
        if socket is None or not self.ready.is_set():
            raise ConnectionLost("not connected")
        try:
            return await socket.call(event, payload, ACK_TIMEOUT_S)
        except ConnectionLost:
            if not socket.closed.is_set():
                socket.drop("no ack")
            if self.socket is socket:
                self.ready.clear()  # so that an immediate retry waits for the next connection
            raise

    async def send_once(self, room_id: str, body: str, client_id: str) -> str:
        """Send once. Return `ok`, the code of a rejection, or `lost`."""
        self._record(Sent(*self._stamp, room_id, client_id, body))
        connection = self._connection_number
        try:
            ack = await self.call("message:send", {"room_id": room_id, "client_id": client_id, "body": body})
        except ConnectionLost:
            return "lost"
        at = self.shared.elapsed_s
        if not ack["ok"]:
            code = ack["error"]["code"]
            self._record(Rejected(at, connection, client_id, code))
            return str(code)
        stored = ack["data"]["message"]
        message_fields = (stored["id"], stored["room_id"], stored["seq"], stored["body"])
        self._record(Acked(at, connection, client_id, *message_fields))
        self.shared.ack_count += 1
        self.shared.record_seq(stored["room_id"], stored["seq"])
        return "ok"

    async def send(self, room_id: str, body: str, should_stop: Callable[[], bool]) -> None:
        """Send until an ack, over any number of connections, or until `should_stop()`."""
        client_id = str(ids.uuid7())
        while not should_stop() and not self.session_ended.is_set():
            await self.ready.wait()
            outcome = await self.send_once(room_id, body, client_id)
            if outcome in {"ok", "not_a_member", "forbidden"}:
                return
            if outcome != "lost":
                await asyncio.sleep(0.1)
