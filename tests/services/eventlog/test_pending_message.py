"""The pieces of which the fast path makes an entry are the bytes of the encoded struct."""

from uuid import UUID, uuid4

import pytest

from hubbub.realtime.socketio import frames
from hubbub.schemas.events import MessageNew
from hubbub.schemas.users.users import User
from hubbub.services.eventlog.event_log import encode_entry
from hubbub.services.eventlog.pending_message import PendingMessage
from hubbub.services.instance.cached_user import CachedMembership

AT = "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize("seq", [1, 9_007_199_254_740_991])
@pytest.mark.parametrize(
    ("body", "mentions"), [("hello", []), ('"seq":0, "sender":{"id":" \\ \n 日本 👍', [uuid4(), uuid4()])]
)
def test_an_entry_of_the_fast_path_has_the_bytes_of_the_struct(
    seq: int, body: str, mentions: list[UUID]
) -> None:
    sender = User(id=uuid4(), username="ada", display_name='"seq":0', avatar_url=None)
    membership = CachedMembership(uuid4(), "private", "owner", False, 1, joined_seq=1)
    pending = PendingMessage(sender, membership, uuid4(), body, uuid4(), mentions)

    pending.encode_json(AT)
    made = pending.to_entry(seq)

    event = MessageNew(message=pending.to_view(seq))
    entry = encode_entry(event, membership.room_id, seq, AT, sender.id)
    assert made == entry
    assert event.content_id == pending.id


def test_a_frame_of_a_delivered_entry_has_the_bytes_of_the_encoded_event() -> None:
    sender = User(id=uuid4(), username="ada", display_name="Ada", avatar_url=None)
    membership = CachedMembership(uuid4(), "private", "owner", False, 1, joined_seq=1)
    pending = PendingMessage(sender, membership, uuid4(), "hello", None, [])
    pending.encode_json(AT)

    delivered = frames.event("/chat", MessageNew.event_name, pending.to_entry(3).payload)

    event = MessageNew(
        room_id=membership.room_id, seq=3, at=AT, actor_id=sender.id, message=pending.to_view(3)
    )
    assert delivered.wire == frames.encode_event("/chat", event).wire
