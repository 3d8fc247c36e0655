"""The state of a client's rooms, built from received events only.

A pure reducer without a connection. Its input is `ready`, `room:added`, `room:gone`, entries by seq and the
acks of `sync`. Its state must equal that of the server.
"""

from collections import Counter
from typing import Any

from tests.support.unread_counts import UnreadCounts

PREVIEW_CHARS = 140

Json = dict[str, Any]
Entry = tuple[str, Json]


class Room:
    """One room: its whole log, and what follows from it."""

    def __init__(self, user_id: str, view: Json) -> None:
        self._user_id = user_id
        self.view = view
        self.membership: Json = dict(view["my"])
        self.known_last_seq: int = view["last_seq"]  # the end of the log, as far as the client has it
        self.membership_seq: int = view["last_seq"]  # `my` was received when the log ended here
        self.cursor = 0
        self.log: list[Entry] = []
        self.early: dict[int, Entry] = {}
        self.members: dict[str, Json] = {}
        self.messages: dict[str, Json] = {}
        self.reactions: dict[str, list[tuple[str, str]]] = {}
        self.counts = UnreadCounts(user_id, view)  # without the messages that the client has

    def refresh(self, view: Json, doubts: int | None = None) -> None:
        """The server showed the room again."""
        self.counts.update(view, doubts)
        self.known_last_seq = max(self.known_last_seq, view["last_seq"])
        if view["last_seq"] >= self.membership_seq:
            self.membership_seq = view["last_seq"]
            self.membership = dict(view["my"])

    @property
    def is_behind(self) -> bool:
        """Whether something is missing that exists."""
        return self.cursor < self.known_last_seq or bool(self.early)

    def receive(self, event: str, payload: Json) -> None:
        """Drop known entries, hold early ones, apply the next ones."""
        seq = payload["seq"]
        if seq <= self.cursor:
            return
        self.early[seq] = (event, payload)
        while (entry := self.early.pop(self.cursor + 1, None)) is not None:
            self.cursor += 1
            self.known_last_seq = max(self.known_last_seq, self.cursor)
            self.log.append(entry)
            self._apply(*entry)

    # Entries.

    def _apply(self, event: str, payload: Json) -> None:
        getattr(self, "_" + event.replace(":", "_"))(payload)
        self.counts.apply_entry(event, payload)

    def _message_new(self, payload: Json) -> None:
        message = payload["message"]
        assert message["seq"] == payload["seq"]
        assert message["reactions"] == []
        self.messages[message["id"]] = message
        self.reactions[message["id"]] = []
        if message["sender"]["id"] == self._user_id and payload["seq"] > self.membership_seq:
            self.membership["last_read_seq"] = max(self.membership["last_read_seq"], payload["seq"])

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
        self.view = {**self.view, "name": room["name"], "topic": room["topic"]}

    # What is to be compared.

    def unread_counts(self, last_read_seq: int) -> tuple[int, int]:
        """Others' messages past a mark, and how many of them mention this client's user."""
        messages = [
            message
            for message in self.messages.values()
            if message["seq"] > last_read_seq
            and message["sender"]["id"] != self._user_id
            and message["deleted_at"] is None
        ]
        return len(messages), sum(self._user_id in message["mentions"] for message in messages)

    def as_listed(self) -> Json:
        """The Room, as `GET /rooms` has it."""
        unread, mentions = self.unread_counts(self.membership["last_read_seq"])
        own_fields = {"role": self.members[self._user_id]["role"], "unread": unread, "mentions": mentions}
        return {
            **self.view,
            "last_seq": self.cursor,
            "member_count": len(self.members),
            "last_message": self._last_message(),
            "my": {**self.membership, **own_fields},
        }

    def _last_message(self) -> Json | None:
        if not self.messages:
            return None
        last = max(self.messages.values(), key=lambda message: int(message["seq"]))
        preview = {"preview": last["body"][:PREVIEW_CHARS], "at": last["created_at"]}
        return {**{name: last[name] for name in ("id", "seq", "sender")}, **preview}

    def as_members(self) -> list[Json]:
        """The members by username, without their presence."""
        return sorted(self.members.values(), key=lambda member: str(member["user"]["username"]))

    def as_history(self) -> list[Json]:
        """Every Message, ascending, as this client's user sees it."""
        return [
            self._as_seen(message) for message in sorted(self.messages.values(), key=lambda it: it["seq"])
        ]

    def _as_seen(self, message: Json) -> Json:
        pairs = self.reactions[message["id"]]
        counts = Counter(emoji for emoji, _ in pairs)
        reactions = [
            {"emoji": emoji, "count": count, "mine": (emoji, self._user_id) in pairs}
            for emoji, count in counts.items()
        ]
        return {**message, "reactions": reactions}

    def as_log(self) -> list[Entry]:
        """Return every entry, without what depends on the time at which it was received.

        A new message is replayed as it is now. A deletion removes its text from the entries of its edits.
        """
        return [(event, self._without_changes(event, payload)) for event, payload in self.log]

    def _without_changes(self, event: str, payload: Json) -> Json:
        if "message" not in payload:
            return payload
        last = self.messages[payload["message"]["id"]]
        deleted = last["deleted_at"] is not None
        edited = event == "message:new" and last["edited_at"] is not None
        return {**payload, "message": {"id": last["id"]}} if deleted or edited else payload


class ClientModel:
    """The state of one client."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.epoch: str | None = None
        self.rooms: dict[str, Room] = {}
        self._early_entries: dict[str, list[Entry]] = {}  # of rooms whose beginning an ack has yet to report
        self.resets = 0

    def on_ready(self, payload: Json, sent_cursors: dict[str, int]) -> None:
        """A connection began. `asked` are the cursors that it sent."""
        assert payload["rooms_complete"]
        if payload["epoch"] != self.epoch:
            self.rooms.clear()
        self.epoch = payload["epoch"]
        if not sent_cursors:
            listed = {room["id"] for room in payload["rooms"]}
            self.rooms = {room_id: room for room_id, room in self.rooms.items() if room_id in listed}
        self._early_entries.clear()
        for room in payload["rooms"]:
            self.add_or_refresh(room)

    def add_or_refresh(self, view: Json) -> None:
        """Add a room or update it: `ready`, `room:added`, `room:list`, some acks."""
        if view["id"] in self.rooms:
            self.rooms[view["id"]].refresh(view)
        else:
            self.rooms[view["id"]] = Room(self.user_id, view)
        for entry in self._early_entries.pop(view["id"], []):
            self.rooms[view["id"]].receive(*entry)

    def remove_room(self, room_id: str) -> None:
        self.rooms.pop(room_id, None)
        self._early_entries.pop(room_id, None)

    def on_entry(self, event: str, payload: Json) -> None:
        """Apply a received entry."""
        if (room := self.rooms.get(payload["room_id"])) is not None:
            room.receive(event, payload)
        else:
            self._early_entries.setdefault(payload["room_id"], []).append((event, payload))

    def on_read(self, room_id: str, last_read_seq: int) -> None:
        """A read mark moved: the ack of this client, or the hint of another device."""
        if room_id in self.rooms:
            self.rooms[room_id].membership["last_read_seq"] = last_read_seq
            self.rooms[room_id].counts.apply_read(last_read_seq)

    def on_muted(self, room_id: str, muted: bool) -> None:
        """A room was muted, or unmuted, here or on another device."""
        if room_id in self.rooms:
            self.rooms[room_id].membership["muted"] = muted

    def rooms_in_doubt(self) -> dict[str, int]:
        """The rooms to request again, with the doubts that this settles."""
        return {room_id: room.counts.doubts for room_id, room in self.rooms.items() if room.counts.in_doubt}

    def on_room_response(self, view: Json, doubts: int) -> None:
        """Apply the ack of that request."""
        if (room := self.rooms.get(view["id"])) is not None:
            room.refresh(view, doubts)

    def rooms_behind(self) -> dict[str, Room]:
        """The rooms to sync."""
        return {room_id: room for room_id, room in self.rooms.items() if room.is_behind}

    def cursors(self) -> dict[str, int]:
        return {room_id: room.cursor for room_id, room in self.rooms.items()}

    def on_synced(self, requested: dict[str, Room], response: Json) -> None:
        """Apply the ack of `sync`. Requests for a membership that ended meanwhile are ignored."""
        assert response["epoch"] == self.epoch
        for room_id, result in response["rooms"].items():
            room = self.rooms.get(room_id)
            if room is None or room is not requested[room_id]:
                continue
            if result.get("gone"):
                self.remove_room(room_id)
            elif result.get("reset"):
                self.resets += 1
                self.rooms[room_id] = Room(self.user_id, {**room.view, "my": room.membership})
            else:
                room.known_last_seq = max(room.known_last_seq, result["last_seq"])
                for entry in result["entries"]:
                    room.receive(entry["event"], entry["payload"])
