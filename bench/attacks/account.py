"""Attacks over sockets by a user with one ordinary account."""

from collections.abc import Callable
from itertools import count
from typing import Any

from bench.attacks import polling, wire
from bench.attacks.script import (
    ANY_RESPONSE,
    KEEP_OPEN,
    Attack,
    Script,
    Steps,
    Target,
    WaitFor,
    flood,
    stream,
)
from bench.attacks.websocket import FRAMES, HANDSHAKE, LARGE_PACKETS, MAX_PACKET_BYTES, many_lists
from bench.attacks.wire import TEXT, event_packet, frame, repeat_to_size

READY_PATTERN = rb"(42/chat,\[\"ready\")"
UNKNOWN_ID = "01890000-0000-7000-8000-000000000001"
EVENTS_PER_CHUNK = 200
MAX_SOCKETS_PER_USER = 20


def _id(number: int) -> str:
    return f"01890000-0000-7000-8000-{number:012x}"


def connect_frames(target: Target) -> bytes:
    """Return a handshake and the CONNECT of the account."""
    return HANDSHAKE + frame(wire.connect_packet(target.token))


def _flood(frame_of: Callable[[Target], bytes], *, reads: bool = True) -> Callable[[Target], Script]:
    """Send the same frames repeatedly on twenty accepted sockets."""
    return lambda target: flood(
        connect_frames(target), repeat_to_size(frame_of(target)), until=READY_PATTERN, reads=reads
    )


def _event(name: str, payload: Callable[[Target], Any], *, reads: bool = True) -> Callable[[Target], Script]:
    return _flood(lambda target: frame(event_packet(name, payload(target), 1)), reads=reads)


def _events(name: str, payload: Callable[[Target, int], Any]) -> Callable[[Target], Script]:
    """Send events that differ by a number."""

    def script(target: Target) -> Script:
        start = target.seed * 1_000_000_000

        def chunk(number: int) -> bytes:
            numbers = range(start + number * EVENTS_PER_CHUNK, start + (number + 1) * EVENTS_PER_CHUNK)
            return b"".join(frame(event_packet(name, payload(target, each), each % 1000)) for each in numbers)

        return stream(connect_frames(target), chunk, until=READY_PATTERN)

    return script


def _message_payload(room: str, body: str, number: int) -> dict[str, Any]:
    return {"room_id": room, "client_id": _id(number), "body": body}


# One event, repeated: name of the attack, description, event, payload.
REPEATED_EVENTS: list[tuple[str, str, str, Callable[[Target], Any]]] = [
    ("send-same", "one message, repeated", "message:send", lambda it: _message_payload(it.own_room_id, "again", 7)),
    ("send-invalid", "messages that are invalid", "message:send", lambda it: {"room_id": it.room_id}),
    ("send-not-found", "messages to an unknown room", "message:send", lambda _: _message_payload(UNKNOWN_ID, "a", 8)),
    ("send-too-large", "messages of 200 kB", "message:send", lambda it: _message_payload(it.room_id, "x" * 200_000, 9)),
    ("send-990k", "messages of 990 kB", "message:send", lambda it: _message_payload(it.room_id, "x" * MAX_PACKET_BYTES, 10)),
    ("send-unknown-fields", "messages with 60 kB of unknown fields", "message:send", lambda it: {**_message_payload(it.room_id, "a", 11), "more": [[]] * 20_000}),
    ("send-deep", "messages with nested unknown fields", "message:send", lambda it: {**_message_payload(it.room_id, "a", 12), "more": _nested(90)}),
    ("room-list", "`room:list`", "room:list", lambda _: {"limit": 200}),
    ("room-browse", "`room:browse`", "room:browse", lambda _: {"query": "a", "limit": 200}),
    ("room-direct", "direct rooms with one user", "room:create", lambda it: {"kind": "direct", "member_ids": it.user_ids[:1]}),
    ("room-update", "new topics of a room", "room:update", lambda it: {"room_id": it.own_room_id, "topic": "x" * 250}),
    ("room-update-forbidden", "new topics of a room of others", "room:update", lambda it: {"room_id": it.room_id, "topic": "x"}),
    ("room-join", "`room:join`, repeated", "room:join", lambda it: {"room_id": it.room_id}),
    ("room-join-name", "`room:join` by an unknown name", "room:join", lambda _: {"name": "nothing like it"}),
    ("room-leave", "`room:leave` of an unknown room", "room:leave", lambda _: {"room_id": UNKNOWN_ID}),
    ("room-invite", "invitations of one user", "room:invite", lambda it: {"room_id": it.own_room_id, "user_id": it.user_ids[0]}),
    ("room-remove", "removals of a user who is no member", "room:remove", lambda it: {"room_id": it.own_room_id, "user_id": it.user_ids[1]}),
    ("room-role", "roles of a user who is no member", "room:set_role", lambda it: {"room_id": it.own_room_id, "user_id": it.user_ids[1], "role": "moderator"}),
    ("room-members", "`room:members`", "room:members", lambda it: {"room_id": it.room_id, "limit": 200}),
    ("edit", "edits of a message of others", "message:edit", lambda it: {"message_id": it.message_ids[0], "body": "x" * 8000}),
    ("delete", "deletions of a message of others", "message:delete", lambda it: {"message_id": it.message_ids[0]}),
    ("reaction-add", "one reaction, repeated", "reaction:add", lambda it: {"message_id": it.message_ids[0], "emoji": "👍"}),
    ("history", "100 messages of history", "message:history", lambda it: {"room_id": it.room_id, "limit": 100}),
    ("search", "`message:search`", "message:search", lambda _: {"query": "the", "limit": 100}),
    ("search-prefix", "searches for one letter", "message:search", lambda _: {"query": "a", "limit": 100}),
    ("search-long", "searches for 200 words", "message:search", lambda _: {"query": "a " * 100}),
    ("sync", "`sync` of all rooms from their beginning", "sync", lambda it: {"rooms": dict.fromkeys(it.room_ids, 0), "limit": 500}),
    ("sync-500", "`sync` of 500 unknown rooms", "sync", lambda _: {"rooms": {_id(n): 0 for n in range(500)}}),
    ("read", "`room:read`", "room:read", lambda it: {"room_id": it.room_id, "seq": 1}),
    ("mark-unread", "`room:mark_unread`", "room:mark_unread", lambda it: {"room_id": it.room_id, "seq": 1}),
    ("mute", "`room:mute`", "room:mute", lambda it: {"room_id": it.room_id, "muted": True}),
    ("typing", "`typing:start`", "typing:start", lambda it: {"room_id": it.room_id}),
    ("presence-get", "200 presences", "presence:get", lambda it: {"user_ids": it.user_ids[:200]}),
    ("refresh-invalid", "`auth:refresh` with a bad token", "auth:refresh", lambda _: {"token": "x"}),
    ("refresh", "`auth:refresh` with the same token", "auth:refresh", lambda it: {"token": it.token}),
    ("refresh-expired", "`auth:refresh` with an expired token", "auth:refresh", lambda it: {"token": it.expired_token}),
    ("unknown-event", "unknown events", "no:such", lambda _: {}),
    ("reserved-event", "reserved events", "disconnect", lambda _: {}),
    ("invalid", "events whose payload is no object", "room:list", lambda _: 1),
    ("unknown-fields", "events with 60 kB of unknown fields", "room:read", lambda it: {"room_id": it.room_id, "seq": 1, "more": [[]] * 20_000}),
    ("too-large", "events of 200 kB", "room:read", lambda it: {"room_id": it.room_id, "seq": 1, "more": "x" * 200_000}),
]  # fmt: skip

# Events that differ by a number.
NUMBERED_EVENTS: list[tuple[str, str, str, Callable[[Target, int], Any]]] = [
    ("send", "messages to an own room", "message:send", lambda it, n: _message_payload(it.own_room_id, "a", n)),
    ("send-busy", "messages to a room of many", "message:send", lambda it, n: _message_payload(it.room_id, f"hello {n}", n)),
    ("send-long", "messages of 8,000 escaped characters", "message:send", lambda it, n: _message_payload(it.own_room_id, "\u00e9" * 8000, n)),
    ("send-mentions", "messages full of mentions", "message:send", lambda it, n: _message_payload(it.room_id, "@ada " * 1500, n)),
    ("send-code", "messages full of backticks", "message:send", lambda it, n: _message_payload(it.own_room_id, "`" * 7000 + str(n), n)),
    ("rooms", "new private rooms", "room:create", lambda _, n: {"kind": "private", "name": f"room {n}"}),
    ("rooms-public", "new public rooms", "room:create", lambda _, n: {"kind": "public", "name": f"public {n}"}),
    ("rooms-100", "new rooms with 100 members", "room:create", lambda it, n: {"kind": "private", "name": f"crowd {n}", "member_ids": it.user_ids[:100]}),
    ("rooms-direct", "direct rooms with all users", "room:create", lambda it, n: {"kind": "direct", "member_ids": [it.user_ids[n % len(it.user_ids)]]}),
    ("invites", "invitations of all users", "room:invite", lambda it, n: {"room_id": it.own_room_id, "user_id": it.user_ids[n % len(it.user_ids)]}),
    ("sends-not-found", "messages to unknown rooms", "message:send", lambda _, n: _message_payload(_id(n), "a", n)),
    ("reactions", "reactions to many messages", "reaction:add", lambda it, n: {"message_id": it.message_ids[n % len(it.message_ids)], "emoji": "👍🎉❤😄"[n % 4]}),
    ("reads", "read marks up and down", "room:mark_unread", lambda it, n: {"room_id": it.room_id, "seq": n % 100}),
    ("mutes", "muting on and off", "room:mute", lambda it, n: {"room_id": it.room_id, "muted": bool(n % 2)}),
    ("presence", "another status each time", "presence:set", lambda _, n: {"status": ("online", "away", "busy")[n % 3]}),
    ("searches", "searches for words without a hit", "message:search", lambda _, n: {"query": f"word{n}"}),
    ("names", "unknown events of many names", "room:list", lambda _, n: {"cursor": f"c{n}"}),
]  # fmt: skip


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def _reconnects(extra_auth: Callable[[Target], dict[str, Any]]) -> Callable[[Target], Script]:
    """Reset connections after they are accepted."""

    def script(target: Target) -> Script:
        opening = HANDSHAKE + frame(wire.connect_packet(target.token, **extra_auth(target)))

        def steps(_: int) -> Steps:
            yield opening
            yield WaitFor(READY_PATTERN)

        return Script(steps)

    return script


def _namespace_reconnects(target: Target) -> Script:
    """Send CONNECT and DISCONNECT in turn on each socket."""
    return flood(HANDSHAKE, frame(wire.connect_packet(target.token)) + frame("41/chat,"))


def _full_queue(target: Target) -> Script:
    """Send slow events, then the largest possible events, as many as may wait."""
    slow_payload = {"kind": "private", "name": "slow", "member_ids": target.user_ids[:100]}
    large = event_packet("room:read", {"room_id": target.room_id, "seq": 1, "more": [[]] * 21_000}, 2)
    return flood(
        connect_frames(target),
        frame(event_packet("room:create", slow_payload, 1)) * 3 + frame(large) * 124,
        until=READY_PATTERN,
    )


def _random_events(target: Target) -> Script:
    """Send events of all kinds in random order."""
    rng = target.rng()
    frames = [frame(event_packet(name, payload(target), 1)) for _, _, name, payload in REPEATED_EVENTS]
    frames = [each for each in frames if len(each) < 10_000]
    return stream(connect_frames(target), lambda _: b"".join(rng.choices(frames, k=100)), until=READY_PATTERN)


def _polled_events(*packets: Callable[[Target], str], repeats: int) -> Callable[[Target], Script]:
    """Send many packets in each body of accepted long-polling sessions."""

    def script(target: Target) -> Script:
        def steps(_: int) -> Steps:
            yield polling.HANDSHAKE
            sid = yield WaitFor(polling.SID_PATTERN)
            yield polling.post_request(sid, wire.connect_packet(target.token))
            yield WaitFor(rb"(ok)")
            yield polling.poll_request(sid)
            yield ANY_RESPONSE
            body = polling.post_request(sid, *[packet(target) for packet in packets] * repeats)
            while True:
                yield body
                yield ANY_RESPONSE
                yield polling.poll_request(sid)
                yield ANY_RESPONSE

        return Script(steps)

    return script


def _unread_busy_room(target: Target) -> Script:
    """Open sockets that read nothing, one of which sends to their common room."""
    numbers = count(target.seed * 1_000_000)

    def steps(number: int) -> Steps:
        yield connect_frames(target)
        yield WaitFor(READY_PATTERN)
        while number == 1:
            yield frame(
                event_packet("message:send", _message_payload(target.room_id, "x" * 8000, next(numbers)), 1)
            )
        yield KEEP_OPEN

    return Script(steps, MAX_SOCKETS_PER_USER, reads=False)


ATTACKS: list[Attack] = [
    *(Attack(f"account-{name}", description, _event(kind, payload), needs_account=True, quick=name == "send-not-found") for name, description, kind, payload in REPEATED_EVENTS),
    *(Attack(f"account-{name}", description, _events(kind, payload), needs_account=True, quick=name == "rooms-100") for name, description, kind, payload in NUMBERED_EVENTS),
    *(Attack(f"account-ws-{name}", f"{description}, after acceptance", _flood(lambda _, piece=piece: piece), needs_account=True) for name, (description, piece) in (FRAMES | LARGE_PACKETS).items()),  # type: ignore[misc]
    Attack("account-unread-ping", "PINGs after acceptance, reading nothing", _flood(lambda _: FRAMES["ping"][1], reads=False), needs_account=True),
    Attack("account-unread-history", "100 messages of history, reading nothing", _event("message:history", lambda it: {"room_id": it.room_id, "limit": 100}, reads=False), needs_account=True),
    Attack("account-unread-sync", "`sync` from the beginning, reading nothing", _event("sync", lambda it: {"rooms": dict.fromkeys(it.room_ids, 0), "limit": 500}, reads=False), needs_account=True),
    Attack("account-unread-invalid", "invalid events, reading nothing", _event("room:list", lambda _: 1, reads=False), needs_account=True),
    Attack("account-unread-busy", "reading nothing in a room of many", _unread_busy_room, needs_account=True),
    Attack("account-no-ack", "events without an ack that are refused", _flood(lambda _: frame(event_packet("room:list", 1))), needs_account=True),
    Attack("account-ack", "unrequested acks, after acceptance", _flood(lambda _: frame("43/chat,1[]")), needs_account=True),
    Attack("account-bad-connect", "CONNECTs to /notifications with a bad token", _flood(lambda _: frame(wire.connect_packet("x", "/notifications"))), needs_account=True),
    Attack("account-connect-twice", "a second CONNECT", lambda target: flood(connect_frames(target), frame(wire.connect_packet(target.token)), until=READY_PATTERN), needs_account=True),
    Attack("account-rejoin", "CONNECT and DISCONNECT in turn", _namespace_reconnects, needs_account=True),
    Attack("account-reconnect", "accepted connections that are reset", _reconnects(lambda _: {}), needs_account=True),
    Attack("account-reconnect-cursors", "accepted connections with cursors", _reconnects(lambda it: {"epoch": "x", "cursors": dict.fromkeys(it.room_ids, 1)}), needs_account=True),
    Attack("account-sockets", "100 sockets of one user", lambda target: flood(connect_frames(target), frame("3", TEXT), until=READY_PATTERN, connections=100), needs_account=True),
    Attack("account-sockets-twice", "200 sockets that try to be accepted", lambda target: Script(_reconnects(lambda _: {})(target).steps, 200), needs_account=True),
    Attack("account-waiting", "as many of the largest events as may wait", _full_queue, needs_account=True),
    Attack("account-mixed", "events of all kinds in random order", _random_events, needs_account=True),
    Attack("account-attachments", "binary events", _flood(lambda _: frame('451-/chat,1["room:list",{"_placeholder":true,"num":0}]') + frame(b"x", 2)), needs_account=True),
    Attack("account-lists", "events with 120 kB of lists", _flood(lambda _: frame(many_lists(120_000, '42/chat,1["room:list",{"a":[', "]}]"))), needs_account=True),
    Attack("account-poll-events", "1,000 events in each body", _polled_events(lambda _: event_packet("room:list", {}, 1), repeats=1000), needs_account=True),
    Attack("account-poll-invalid", "5,000 invalid events in each body", _polled_events(lambda _: event_packet("room:list", 1, 1), repeats=5000), needs_account=True),
    Attack("account-poll-sends", "1,000 refused messages in each body", _polled_events(lambda _: event_packet("message:send", _message_payload(UNKNOWN_ID, "a", 3), 1), repeats=1000), needs_account=True),
    Attack("account-poll-large", "events of 900 kB", _polled_events(lambda it: event_packet("message:send", _message_payload(it.room_id, "x" * 900_000, 4), 1), repeats=1), needs_account=True),
]  # fmt: skip
