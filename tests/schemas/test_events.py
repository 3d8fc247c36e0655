"""The events of the server: their bytes are those that earlier releases sent, and nothing else is sent."""

import ast
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

import hubbub
from hubbub.cluster import bus as signals
from hubbub.cluster.redis import codec
from hubbub.core.errors import InvalidPayload, RateLimited
from hubbub.schemas import errors, events
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message, ReactionCount
from hubbub.schemas.chat.rooms import LastMessage, OwnMembership, Room
from hubbub.schemas.events import EVENTS, EntryEvent, EventSpec, OutgoingEvent
from hubbub.schemas.notifications.events import (
    INBOX_EVENTS,
    InboxReady,
    NotificationNew,
    NotificationReadHint,
)
from hubbub.schemas.notifications.notifications import Notification, NotificationData
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.schemas.users.users import User
from hubbub.services.eventlog.event_log import encode_entry

PACKAGE = Path(hubbub.__file__).parent
# Payloads as the release before the structs encoded them: a name, a tab, JSON.
RECORDED = dict(
    line.split("\t") for line in (Path(__file__).parent / "recorded_events.tsv").read_text().splitlines()
)

ROOM, USER, MESSAGE = UUID(int=1), UUID(int=2), UUID(int=3)
STAMP, LATER = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
ada = User(id=USER, username="ada", display_name="Ada Lövelace", avatar_url=None)
message = Message(
    id=MESSAGE,
    room_id=ROOM,
    seq=7,
    client_id=UUID(int=4),
    sender=ada,
    body='a "quote"\nand 日本',
    reply_to=None,
    attachments=[],
    mentions=[USER],
    reactions=[ReactionCount(emoji="👍", count=2)],
    created_at=STAMP,
    edited_at=None,
    deleted_at=None,
)
broadcast_room = Room(
    id=ROOM,
    kind="private",
    name="r",
    topic="",
    created_by=USER,
    created_at=STAMP,
    last_seq=7,
    member_count=2,
    peer=None,
    last_message=None,
    my=None,
)
room = msgspec.structs.replace(
    broadcast_room,
    last_message=LastMessage(id=MESSAGE, seq=7, sender=ada, preview="a", at=STAMP),
    my=OwnMembership(role="owner", last_read_seq=3, unread=4, mentions=0, muted=False),
)
notification = Notification(
    id=MESSAGE,
    seq=7,
    kind="message.mention",
    title="Ada mentioned you in r",
    body="a",
    data=NotificationData(room_id=ROOM, message_id=MESSAGE, seq=9),
    actor=ada,
    read_at=None,
    created_at=STAMP,
)
bad_field = InvalidPayload(fields=(("body", "Required."),))

SAMPLES: dict[str, OutgoingEvent] = {
    "message:new": events.MessageNew(message=message),
    "message:updated": events.MessageUpdated(message=message),
    "message:deleted": events.MessageDeleted(message_id=MESSAGE),
    "reaction:added": events.ReactionAdded(message_id=MESSAGE, emoji="👍", user_id=USER),
    "reaction:removed": events.ReactionRemoved(message_id=MESSAGE, emoji="👍", user_id=USER),
    "member:joined": events.MemberJoined(user=ada, role="owner"),
    "member:left": events.MemberLeft(user=ada, role="member"),
    "member:role": events.MemberRole(user_id=USER, role="moderator"),
    "room:updated": events.RoomUpdated(room=broadcast_room),
    "room:added": events.RoomAddedHint(room=room),
    "room:gone": events.RoomGoneHint(room_id=ROOM),
    "room:muted": events.RoomMutedHint(room_id=ROOM, muted=True),
    "typing": events.TypingHint(room_id=ROOM, user_id=USER, typing=True),
    "presence": events.PresenceHint(user_id=USER, status="offline", last_seen_at=STAMP),
    "read": events.ReadHint(room_id=ROOM, user_id=USER, seq=7),
    "read own": events.ReadHint(room_id=ROOM, user_id=USER, seq=7, unread=4, mentions=1),
    "ready": events.Ready(
        user=ada, session_id=MESSAGE, server_time=STAMP, epoch="e1", rooms=[room], rooms_complete=True
    ),
    "error": events.RequestFailed(event="message:send", error=errors.to_view(RateLimited(retry_after_ms=5))),
    "error fields": events.RequestFailed(event="message:send", error=errors.to_view(bad_field)),
    "server:draining": events.ServerDraining(reconnect_in_ms=1500),
    "auth:expiring": events.AuthExpiring(expires_at=STAMP),
    "auth:expired": events.AuthExpired(),
    "auth:revoked": events.AuthRevoked(reason=SessionEndReason.LOGGED_OUT),
    "closing": events.Closing(
        code=CloseCode.DRAINING, message="This instance is going down.", retry_after_ms=1500
    ),
    "notifications.ready": InboxReady(
        user=ada, session_id=MESSAGE, server_time=STAMP, epoch="e1", last_seq=7, unread=1000
    ),
    "notifications.notification:new": NotificationNew(seq=7, at=STAMP, notification=notification, unread=3),
    "notifications.notification:new sync": NotificationNew(seq=7, at=STAMP, notification=notification),
    "notifications.notification:read": NotificationReadHint(ids=[MESSAGE], unread=2),
    "notifications.notification:read all": NotificationReadHint(up_to_seq=7, unread=0),
    "closing null": events.Closing(code=CloseCode.SUSPENDED, message="x", retry_after_ms=None),
}


@pytest.mark.parametrize("name", RECORDED)
def test_an_event_is_encoded_as_before(name: str) -> None:
    event = SAMPLES[name]

    if isinstance(event, EntryEvent):
        payload = encode_entry(event, ROOM, 7, LATER, USER).payload
    else:
        payload = encode(event).decode()

    assert payload == RECORDED[name]


def test_every_event_has_a_recorded_sample() -> None:
    assert {type(event) for event in SAMPLES.values()} == {spec.struct for spec in _specs()}
    assert SAMPLES.keys() == RECORDED.keys()


def _specs() -> list[EventSpec]:
    return [*EVENTS.values(), *INBOX_EVENTS.values()]


def _leaves(struct: type[OutgoingEvent]) -> Iterator[type[OutgoingEvent]]:
    subclasses = struct.__subclasses__()
    if not subclasses:
        yield struct
    for subclass in subclasses:
        yield from _leaves(subclass)


def test_the_table_holds_every_event() -> None:
    assert {spec.struct for spec in _specs()} == set(_leaves(OutgoingEvent))
    assert all(
        name == spec.struct.event_name for table in (EVENTS, INBOX_EVENTS) for name, spec in table.items()
    )
    assert all(spec.description.endswith(".") for spec in _specs())


def test_the_name_of_an_event_is_not_in_its_payload() -> None:
    named = [spec for spec in _specs() if {"event_name", "kind"} & set(spec.struct.__struct_fields__)]

    assert named == []


def test_an_entry_names_the_user_and_the_message_that_it_is_about() -> None:
    subjects = {name: e.subject for name, e in SAMPLES.items() if isinstance(e, EntryEvent)}
    contents = {name: e.content_id for name, e in SAMPLES.items() if isinstance(e, EntryEvent)}

    assert {name for name, subject in subjects.items() if subject == USER} == {
        *("member:joined", "member:left", "member:role")
    }
    assert {name for name, content in contents.items() if content == MESSAGE} == {
        *("message:new", "message:updated")
    }


def test_a_reason_of_another_release_is_read_as_a_session_that_ended() -> None:
    assert SessionEndReason("stolen") is SessionEndReason.SESSION_ENDED


def test_the_end_of_a_session_by_another_release_is_understood() -> None:
    fields = {"user_id": str(USER), "session_id": None, "code": "session_revoked", "reason": "stolen"}

    signal = codec.build_decoder().decode(msgspec.msgpack.encode({"type": "SessionEnded", **fields}))

    assert signal == signals.SessionEnded(USER, None, CloseCode.SESSION_REVOKED, "stolen")


# --- what the source hands over ---

# python-socketio's interface: an event is a name and data. Logging has an `emit`, too.
OF_EXTENSIONS = (
    "realtime/socketio/",
    "cluster/redis/emitter.py",
    "cluster/socketio_signals.py",
    "core/logs.py",
)
APPENDING = {"unit.append", "event_log.append", "log.append"}
HINT_SIGNALS = {"RoomHint", "UserHint"}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(OF_EXTENSIONS):
            yield from (
                (name, node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
            )


def _is_untyped(argument: ast.expr) -> bool:
    """Whether an argument is text or a dict as written."""
    if isinstance(argument, ast.Starred):
        return _is_untyped(argument.value)
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    is_made = isinstance(argument, ast.Call) and ast.unparse(argument.func) in {"dict", "str", "to_builtins"}
    return is_text or is_made or isinstance(argument, ast.Dict | ast.DictComp | ast.JoinedStr)


def test_no_event_is_appended_or_emitted_by_name_and_dict() -> None:
    sending, untyped = set(), []
    for name, call in _calls():
        callee = ast.unparse(call.func)
        method = callee.rpartition(".")[2]
        if callee in APPENDING or method in {"emit", "_emit", "encode_event", "encode_entry"}:
            sending.add(method)
            arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
            if any(_is_untyped(argument) for argument in arguments):
                untyped.append(f"{name}:{call.lineno}")

    assert untyped == []
    expected = {"append", "emit", "_emit", "encode_event", "encode_entry"}
    assert sending >= expected  # the search finds something


def test_hints_are_published_as_structs_only() -> None:
    callees = [(name, ast.unparse(call.func).split("signals.")[-1]) for name, call in _calls()]

    assert [each for each in callees if each[1] in HINT_SIGNALS] == []
    assert {callee for _, callee in callees} >= {"RoomHint.of", "UserHint.of"}


def test_the_signal_of_a_hint_has_the_names_and_fields_of_the_previous_release() -> None:
    hint = events.ReadHint(room_id=ROOM, user_id=USER, seq=7)

    of_room = msgspec.msgpack.decode(msgspec.msgpack.encode(signals.RoomHint.of(ROOM, hint, skip_user=USER)))
    of_user = msgspec.msgpack.decode(msgspec.msgpack.encode(signals.UserHint.of(USER, hint, "abc")))

    payload = {"room_id": str(ROOM), "user_id": str(USER), "seq": 7}
    assert of_room == {
        "type": "RoomHint",
        "room_id": str(ROOM),
        "event": "read",
        "payload": payload,
        "skip_user": str(USER),
        "skip_sockets": [],
    }
    assert of_user == {
        "type": "UserHint",
        "user_id": str(USER),
        "event": "read",
        "payload": payload,
        "skip_socket": "abc",
    }
