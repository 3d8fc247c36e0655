"""What a good client knows of its rooms: made from what it heard, and from nothing else.

A pure reducer without a connection. `ready`, `room:added`, `room:gone`, entries by seq and the answers of
`sync` go in; what comes out must be what the server shows.
"""

from collections import Counter
from typing import Any

from tests.support.counts import Counts

PREVIEW = 140

Json = dict[str, Any]
Entry = tuple[str, Json]


class Room:
    """One room: its whole log, and what follows from it."""

    def __init__(self, me: str, shown: Json) -> None:
        self._me = me
        self.shown = shown
        self.my: Json = dict(shown["my"])
        self.target: int = shown["last_seq"]  # how far the log goes, as far as is known here
        self.counted: int = shown["last_seq"]  # `my` was told when the log ended here
        self.cursor = 0
        self.log: list[Entry] = []
        self.held: dict[int, Entry] = {}
        self.members: dict[str, Json] = {}
        self.messages: dict[str, Json] = {}
        self.reactions: dict[str, list[tuple[str, str]]] = {}
        self.counts = Counts(me, shown)  # without the messages that are known here

    def refresh(self, shown: Json, doubts: int | None = None) -> None:
        """The server showed the room again."""
        self.counts.take(shown, doubts)
        self.target = max(self.target, shown["last_seq"])
        if shown["last_seq"] >= self.counted:
            self.counted = shown["last_seq"]
            self.my = dict(shown["my"])

    @property
    def behind(self) -> bool:
        """Whether something is missing that exists."""
        return self.cursor < self.target or bool(self.held)

    def take(self, event: str, payload: Json) -> None:
        """Drop what is known, hold what is early, apply what is next."""
        seq = payload["seq"]
        if seq <= self.cursor:
            return
        self.held[seq] = (event, payload)
        while (entry := self.held.pop(self.cursor + 1, None)) is not None:
            self.cursor += 1
            self.target = max(self.target, self.cursor)
            self.log.append(entry)
            self._apply(*entry)

    # Entries.

    def _apply(self, event: str, payload: Json) -> None:
        getattr(self, "_" + event.replace(":", "_"))(payload)
        self.counts.entry(event, payload)

    def _message_new(self, payload: Json) -> None:
        message = payload["message"]
        assert message["seq"] == payload["seq"]
        assert message["reactions"] == []
        self.messages[message["id"]] = message
        self.reactions[message["id"]] = []
        if message["sender"]["id"] == self._me and payload["seq"] > self.counted:
            self.my["last_read_seq"] = max(self.my["last_read_seq"], payload["seq"])

    def _message_updated(self, payload: Json) -> None:
        message = payload["message"]
        self.messages[message["id"]] = message
        if message["deleted_at"] is None:  # else it was emptied in the log
            assert message["edited_at"] == payload["at"]
            counts = Counter(emoji for emoji, _ in self.reactions[message["id"]])
            assert {each["emoji"]: each["count"] for each in message["reactions"]} == counts

    def _message_deleted(self, payload: Json) -> None:
        emptied = {"body": "", "mentions": [], "attachments": [], "deleted_at": payload["at"]}
        self.messages[payload["message_id"]] = {**self.messages[payload["message_id"]], **emptied}
        self.reactions[payload["message_id"]] = []

    def _reaction_added(self, payload: Json) -> None:
        own = (payload["emoji"], payload["user_id"])
        assert own not in self.reactions[payload["message_id"]]
        self.reactions[payload["message_id"]].append(own)

    def _reaction_removed(self, payload: Json) -> None:
        self.reactions[payload["message_id"]].remove((payload["emoji"], payload["user_id"]))

    def _member_joined(self, payload: Json) -> None:
        assert payload["user"]["id"] not in self.members
        self.members[payload["user"]["id"]] = {"user": payload["user"], "role": payload["role"]}

    def _member_left(self, payload: Json) -> None:
        left = self.members.pop(payload["user"]["id"])
        assert left["role"] == payload["role"]

    def _member_role(self, payload: Json) -> None:
        self.members[payload["user_id"]]["role"] = payload["role"]

    def _room_updated(self, payload: Json) -> None:
        room = payload["room"]
        assert (room["my"], room["last_seq"], room["member_count"]) == (
            None,
            payload["seq"],
            len(self.members),
        )
        self.shown = {**self.shown, "name": room["name"], "topic": room["topic"]}

    # What is to be compared.

    def unread(self, last_read_seq: int) -> tuple[int, int]:
        """Others' messages past a mark, and how many of them mention this client's user."""
        left = [
            message
            for message in self.messages.values()
            if message["seq"] > last_read_seq
            and message["sender"]["id"] != self._me
            and message["deleted_at"] is None
        ]
        return len(left), sum(self._me in message["mentions"] for message in left)

    def as_listed(self) -> Json:
        """The Room, as `GET /rooms` has it."""
        unread, mentions = self.unread(self.my["last_read_seq"])
        mine = {"role": self.members[self._me]["role"], "unread": unread, "mentions": mentions}
        return {
            **self.shown,
            "last_seq": self.cursor,
            "member_count": len(self.members),
            "last_message": self._last_message(),
            "my": {**self.my, **mine},
        }

    def _last_message(self) -> Json | None:
        if not self.messages:
            return None
        last = max(self.messages.values(), key=lambda message: int(message["seq"]))
        preview = {"preview": last["body"][:PREVIEW], "at": last["created_at"]}
        return {**{name: last[name] for name in ("id", "seq", "sender")}, **preview}

    def as_members(self) -> list[Json]:
        """The members by username, without their presence."""
        return sorted(self.members.values(), key=lambda member: str(member["user"]["username"]))

    def as_history(self) -> list[Json]:
        """Every Message, ascending, as this client's user sees it."""
        return [self._seen(message) for message in sorted(self.messages.values(), key=lambda it: it["seq"])]

    def _seen(self, message: Json) -> Json:
        given = self.reactions[message["id"]]
        counts = Counter(emoji for emoji, _ in given)
        reactions = [
            {"emoji": emoji, "count": count, "mine": (emoji, self._me) in given}
            for emoji, count in counts.items()
        ]
        return {**message, "reactions": reactions}

    def as_log(self) -> list[Entry]:
        """Every entry. Deleting takes a message's words out of the log: who heard them forgets them here."""
        return [(event, self._without_deleted(payload)) for event, payload in self.log]

    def _without_deleted(self, payload: Json) -> Json:
        if "message" not in payload:
            return payload
        deleted = self.messages[payload["message"]["id"]]["deleted_at"] is not None
        return {**payload, "message": {"id": payload["message"]["id"]}} if deleted else payload


class Mirror:
    """All that one client knows."""

    def __init__(self, me: str) -> None:
        self.me = me
        self.epoch: str | None = None
        self.rooms: dict[str, Room] = {}
        self._early: dict[str, list[Entry]] = {}  # of rooms whose beginning is still to be told, by an ack
        self.resets = 0

    def ready(self, payload: Json, asked: dict[str, int]) -> None:
        """A connection began; `asked` are the cursors that it came with."""
        assert payload["rooms_complete"]
        if payload["epoch"] != self.epoch:
            self.rooms.clear()
        self.epoch = payload["epoch"]
        if not asked:
            listed = {room["id"] for room in payload["rooms"]}
            self.rooms = {room_id: room for room_id, room in self.rooms.items() if room_id in listed}
        self._early.clear()
        for room in payload["rooms"]:
            self.added(room)

    def added(self, shown: Json) -> None:
        """A room begins here, or is shown again: `ready`, `room:added`, `room:list`, some acks."""
        if shown["id"] in self.rooms:
            self.rooms[shown["id"]].refresh(shown)
        else:
            self.rooms[shown["id"]] = Room(self.me, shown)
        for entry in self._early.pop(shown["id"], []):
            self.rooms[shown["id"]].take(*entry)

    def gone(self, room_id: str) -> None:
        self.rooms.pop(room_id, None)
        self._early.pop(room_id, None)

    def entry(self, event: str, payload: Json) -> None:
        """An entry as it was heard."""
        if (room := self.rooms.get(payload["room_id"])) is not None:
            room.take(event, payload)
        else:
            self._early.setdefault(payload["room_id"], []).append((event, payload))

    def read(self, room_id: str, last_read_seq: int) -> None:
        """A read mark moved: the ack of this client, or the hint of another device."""
        if room_id in self.rooms:
            self.rooms[room_id].my["last_read_seq"] = last_read_seq
            self.rooms[room_id].counts.read(last_read_seq)

    def muted(self, room_id: str, muted: bool) -> None:
        """A room was muted, or unmuted, here or on another device."""
        if room_id in self.rooms:
            self.rooms[room_id].my["muted"] = muted

    def in_doubt(self) -> dict[str, int]:
        """The rooms to request again, with the doubts that this settles."""
        return {room_id: room.counts.doubts for room_id, room in self.rooms.items() if room.counts.in_doubt}

    def requested(self, shown: Json, doubts: int) -> None:
        """The answer to that."""
        if (room := self.rooms.get(shown["id"])) is not None:
            room.refresh(shown, doubts)

    def behind(self) -> dict[str, Room]:
        """The rooms to sync."""
        return {room_id: room for room_id, room in self.rooms.items() if room.behind}

    def cursors(self) -> dict[str, int]:
        return {room_id: room.cursor for room_id, room in self.rooms.items()}

    def synced(self, asked: dict[str, Room], answer: Json) -> None:
        """The answer to `sync`. What was asked of a membership that ended meanwhile no longer counts."""
        assert answer["epoch"] == self.epoch
        for room_id, part in answer["rooms"].items():
            room = self.rooms.get(room_id)
            if room is None or room is not asked[room_id]:
                continue
            if part.get("gone"):
                self.gone(room_id)
            elif part.get("reset"):
                self.resets += 1
                self.rooms[room_id] = Room(self.me, {**room.shown, "my": room.my})
            else:
                room.target = max(room.target, part["last_seq"])
                for entry in part["entries"]:
                    room.take(entry["event"], entry["payload"])
