"""How a client that keeps no messages counts: the rule of docs/protocol.md, and nothing besides.

The counts of a `Room` are those at its `last_seq`. From there on each entry of the room is counted once, in
the order of its seq. What can't be known from an entry or a hint is a doubt: the client requests the room
again.
"""

from typing import Any

Json = dict[str, Any]
MOST = 1000


class Counts:
    """`last_read_seq`, `unread` and `mentions` of one room."""

    def __init__(self, me: str, room: Json) -> None:
        self._me = me
        self._fresh: dict[str, tuple[int, bool]] = {}  # counted here, by message id: seq, mentions me
        self._as_of = -1
        self.doubts = 0  # grows with each; settled when a Room requested after the last one was taken
        self._settled = 0
        self.take(room)

    @property
    def in_doubt(self) -> bool:
        """Whether to request the room again."""
        return self.doubts != self._settled

    def take(self, room: Json, doubts: int | None = None) -> None:
        """A Room with `my`, as of its `last_seq`; `doubts` is how many there were when it was requested."""
        if room["last_seq"] < self._as_of:
            return
        self._as_of = room["last_seq"]
        self._mark: int = room["my"]["last_read_seq"]
        self._unread: int = room["my"]["unread"]
        self._mentions: int = room["my"]["mentions"]
        self._fresh = {key: it for key, it in self._fresh.items() if it[0] > self._as_of}
        if doubts is not None:
            self._settled = doubts

    def entry(self, event: str, payload: Json) -> None:
        """The next entry of the room."""
        if payload["seq"] <= self._as_of:
            return
        if event == "message:new":
            self._new(payload["message"])
        elif event == "message:updated":
            self._updated(payload["message"])
        elif event == "message:deleted" and self._fresh.pop(payload["message_id"], None) is None:
            self.doubts += self._unread > 0  # it may have been one of these

    def _new(self, message: Json) -> None:
        if message["sender"]["id"] == self._me:
            self.read(message["seq"])
        elif message["deleted_at"] is None:
            self._fresh[message["id"]] = (message["seq"], self._me in message["mentions"])

    def _updated(self, message: Json) -> None:
        if message["id"] in self._fresh:
            self._fresh[message["id"]] = (message["seq"], self._me in message["mentions"])
        elif message["sender"]["id"] != self._me and self._mark < message["seq"] <= self._as_of:
            self.doubts += 1  # it may mention me now, or no longer

    def read(self, seq: int) -> None:
        """The mark is at `seq`: the ack of `room:read` and `room:mark_unread`, one's own hint `read`."""
        self._mark = seq
        if seq >= self._as_of:
            self._unread = self._mentions = 0
        else:
            self.doubts += 1

    def my(self) -> Json:
        """As in `Room.my`."""
        fresh = [mentions for seq, mentions in self._fresh.values() if seq > self._mark]
        return {
            "last_read_seq": self._mark,
            "unread": min(MOST, self._unread + len(fresh)),
            "mentions": min(MOST, self._mentions + sum(fresh)),
        }
