"""Parsing commands: one parser, and a field named in each error."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.errors import InvalidPayload
from hubbub.realtime.chat import events
from hubbub.schemas.base import encode, parse, strict
from hubbub.schemas.chat.messages import EditMessage, SendMessage
from hubbub.schemas.chat.rooms import CreateRoom
from hubbub.schemas.faults import is_text

GOOD = {"message_id": str(uuid4()), "body": "x"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"body": 5}, "body"),
        ({"body": "x" * 8001}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"body": "\udfff"}, "body"),
        ({"message_id": "1"}, "message_id"),
        ({"message_id": None}, "message_id"),
    ],
)
def test_a_refusal_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        parse(EditMessage, {**GOOD, **change})

    assert [name for name, _ in refusal.value.fields] == [field]


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidPayload) as refusal:
        parse(EditMessage, {"message_id": GOOD["message_id"]})

    assert refusal.value.fields[0][0] == "body"


def test_an_item_of_a_list_is_named() -> None:
    with pytest.raises(InvalidPayload) as refusal:
        parse(CreateRoom, {"kind": "private", "member_ids": [str(uuid4()), "x"]})

    assert refusal.value.fields[0][0] == "member_ids[1]"


def test_sockets_ignore_unknown_fields_and_rest_refuses_them() -> None:
    assert parse(EditMessage, {**GOOD, "colour": "blue"}).body == "x"
    with pytest.raises(InvalidPayload) as refusal:
        parse(strict(EditMessage), {**GOOD, "colour": "blue"})

    assert refusal.value.fields[0][0] == "colour"


def test_null_equals_absence_for_optional_fields() -> None:
    command = parse(
        SendMessage, {"room_id": str(uuid4()), "client_id": str(uuid4()), "body": "", "reply_to": None}
    )

    assert command.reply_to is None


@given(st.text())
def test_text_must_be_encodable_as_utf8_without_nul(text: str) -> None:
    assert is_text(text) == ("\x00" not in text)
    assert not is_text(text + "\ud800")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([event.kind for _, event in events.events]), st.data())
def test_any_json_is_a_command_or_a_clear_error(kind: Any, data: st.DataObject) -> None:
    fields = st.sampled_from([*kind.__struct_fields__, "other"])
    raw = data.draw(st.dictionaries(fields, JSON, max_size=5) | JSON)

    outcome: Any
    try:
        outcome = parse(kind, raw)
    except InvalidPayload as refusal:
        outcome = refusal

    assert isinstance(outcome, kind) or encode({"message": outcome.message, "fields": outcome.fields})
