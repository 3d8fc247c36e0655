"""Unread counts of a client that stores no messages: exactly the rule of docs/protocol.md.

The counts of a `Room` are those at its `last_seq`. From there on each entry of the room is counted once, in
the order of its seq. A count that cannot be derived from an entry or a hint is in doubt: the client requests
the room again.
"""

from typing import Any

Json = dict[str, Any]
MAX_COUNT = 1000


class UnreadCounts:
    """`last_read_seq`, `unread` and `mentions` of one room."""

    def __init__(self, user_id: str, room: Json) -> None:
        self._user_id = user_id
        self._counted: dict[str, tuple[int, bool]] = {}  # counted here, by message id: seq, mentions me
        self._as_of_seq = -1
        self.doubts = 0  # grows with each; settled when a Room requested after the last one was taken
        self._resolved_doubts = 0
        self.update(room)

    @property
    def in_doubt(self) -> bool:
        """Whether to request the room again."""
        return self.doubts != self._resolved_doubts

    def update(self, room: Json, doubts: int | None = None) -> None:
        """A Room with `my`, as of its `last_seq`; `doubts` is how many there were when it was requested."""
        if room["last_seq"] < self._as_of_seq:
            return
        self._as_of_seq = room["last_seq"]
        self._read_seq: int = room["my"]["last_read_seq"]
        self._own_if_unlisted: int = room["my"]["unread"]
        self._find_mentions: int = room["my"]["mentions"]
        self._counted = {key: it for key, it in self._counted.items() if it[0] > self._as_of_seq}
        if doubts is not None:
            self._resolved_doubts = doubts

    def apply_entry(self, event: str, payload: Json) -> None:
        """The next entry of the room."""
        if payload["seq"] <= self._as_of_seq:
            return
        if event == "message:new":
            self._apply_new(payload["message"])
        elif event == "message:updated":
            self._apply_updated(payload["message"])
        elif event == "message:deleted" and self._counted.pop(payload["message_id"], None) is None:
            self.doubts += self._own_if_unlisted > 0  # it may have been one of these

    def _apply_new(self, message: Json) -> None:
        if message["sender"]["id"] == self._user_id:
            self.apply_read(message["seq"])
        elif message["deleted_at"] is None:
            self._counted[message["id"]] = (message["seq"], self._user_id in message["mentions"])

    def _apply_updated(self, message: Json) -> None:
        if message["id"] in self._counted:
            self._counted[message["id"]] = (message["seq"], self._user_id in message["mentions"])
        elif message["sender"]["id"] != self._user_id and self._read_seq < message["seq"] <= self._as_of_seq:
            self.doubts += 1  # it may mention me now, or no longer

    def apply_read(self, seq: int) -> None:
        """Set the mark to `seq`: the ack of `room:read` and `room:mark_unread`, the own hint `read`."""
        self._read_seq = seq
        if seq >= self._as_of_seq:
            self._own_if_unlisted = self._find_mentions = 0
        else:
            self.doubts += 1

    def as_my(self) -> Json:
        """As in `Room.my`."""
        mentions_of_unread = [mentions for seq, mentions in self._counted.values() if seq > self._read_seq]
        return {
            "last_read_seq": self._read_seq,
            "unread": min(MAX_COUNT, self._own_if_unlisted + len(mentions_of_unread)),
            "mentions": min(MAX_COUNT, self._find_mentions + sum(mentions_of_unread)),
        }
