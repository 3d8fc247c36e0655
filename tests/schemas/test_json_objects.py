"""Objects of free form: their limits."""

from typing import Annotated, Any

import pytest
from msgspec import Meta

from hubbub.core.errors import InvalidPayload
from hubbub.schemas import faults
from hubbub.schemas.base import Command, decode, encode, parse
from hubbub.schemas.json_objects import MAX_DEPTH, object_rules


class Store(Command, frozen=True, kw_only=True):
    value: Annotated[dict[str, Any], Meta(**object_rules(20))]
    name: str = ""


def nested(levels: int) -> Any:
    return {"": nested(levels - 1)} if levels > 1 else {}


def fault_of(**fields: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidPayload) as refused:
        parse(Store, fields)
    return tuple(f"{field}: {reason}" for field, reason in refused.value.fields)


@pytest.mark.parametrize(
    "value", [{}, {"a": None}, {"a": [1.5, True, "x"]}, {"a": "x" * 12}, {"é": "é" * 5}, {"a": 10**13}]
)
def test_an_object_of_any_form_is_accepted(value):
    assert parse(Store, {"value": value}).value == value


class Deep(Command, frozen=True, kw_only=True):
    value: Annotated[dict[str, Any], Meta(**object_rules(1000))]


def test_the_depth_has_a_limit():
    assert parse(Deep, {"value": nested(MAX_DEPTH)})
    with pytest.raises(InvalidPayload, match="levels deep"):
        parse(Deep, {"value": nested(MAX_DEPTH + 1)})
    with pytest.raises(InvalidPayload, match="levels deep"):
        parse(Deep, {"value": {"a": [[[[[[[[{}]]]]]]]]}})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": "x" * 13}, "at most 20 bytes"),
        ({"é": "é" * 6}, "at most 20 bytes"),
        ({"a": "\x00"}, "not text"),
        ({"a": ["\ud800"]}, "not text"),
        ([], "object"),
        (None, "required"),
    ],
)
def test_a_fault_is_described(value, reason):
    (fault,) = fault_of(value=value)

    assert fault.startswith("value: ")
    assert reason in fault


def test_a_name_that_is_not_text_is_a_fault():
    assert fault_of(value={"a\x00": 1}) == (f"value.a?: {faults.NOT_TEXT}",)


def test_a_number_of_any_size_is_kept():
    value = {"a": [10**300, -(10**300), 1e300]}

    stored = parse(Deep, {"value": value}).value

    assert decode(encode(stored)) == value


def test_members_that_are_null_are_no_fault_of_another_field():
    assert fault_of(value={"a": None}, name=1) == ("name: Must be text.",)
