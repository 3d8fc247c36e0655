"""Field errors: all at once, each a readable sentence, the same over both edges."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import inspect

import hubbub
from hubbub.core import errors
from hubbub.core.errors import MAX_SUMMARY_FIELDS, InvalidPayload
from hubbub.http.app import ROUTES
from hubbub.http.routes import doc_of
from hubbub.realtime.chat import events
from hubbub.schemas import faults
from hubbub.schemas.base import EventDecoder, parse, strict
from hubbub.schemas.chat import messages
from hubbub.schemas.eventlog import entries
from hubbub.schemas.sync import connection
from tests.support.live_instance import LiveInstance

SENTENCE = re.compile(r"[A-Z][^`<>\n]*[^ .`<>\n][.?]")
VALIDATORS = re.compile(
    r"\b(str|int|bool|dict|uuid|null|none|float|length|regex|type|expected|invalid|got|payload)\b",
    re.IGNORECASE,
)


def kinds() -> dict[str, type]:
    """Every struct that a client fills in; those of REST bodies refuse unknown fields."""
    found: dict[str, type] = {name: event.kind for name, event in events.events}
    found["CONNECT"] = connection.ConnectAuth
    app = web.Application()
    for routes in ROUTES:
        app.add_routes(routes)
    for route in app.router.routes():
        said = doc_of(route)
        if said is not None and route.resource is not None:
            name = f"{route.method} {route.resource.canonical}"
            found |= {f"{name} body": strict(said.body)} if said.body else {}
            found |= {f"{name} query": said.query} if said.query else {}
    return found


KINDS = kinds()


def bare(kind: inspect.Type) -> inspect.Type:
    """The type without null and without its description."""
    if isinstance(kind, inspect.UnionType):
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def wrong(kind: inspect.Type) -> Iterator[Any]:
    """Values that violate each constraint of a type."""
    yield from (object, [[]])  # of no type here. `object` stands for null
    yield True if isinstance(kind, inspect.FloatType) else 1.5
    is_free = isinstance(kind, inspect.DictType) and isinstance(kind.value_type, inspect.AnyType)
    is_optional = isinstance(kind, inspect.StructType) and not any(each.required for each in kind.fields)
    yield "no object" if is_optional else {"a": ["\x00"]} if is_free else {"a": []}
    match kind:
        case inspect.StrType():
            yield from (7, "a\x00b" + "x" * (kind.min_length or 0), "\ud800" + "x" * (kind.min_length or 0))
            yield from () if not kind.min_length else ("x" * (kind.min_length - 1),)
            yield from () if not kind.max_length else ("x" * (kind.max_length + 1),)
            yield from () if not kind.pattern else ("?",)
        case inspect.IntType():
            yield from ("7", True)
            yield from () if kind.ge is None else (kind.ge - 1, -(10**40))
            yield from () if kind.le is None else (kind.le + 1, 10**40)
        case inspect.FloatType():
            yield from ("7", 1.001)
            yield from () if kind.ge is None else (kind.ge - 1,)
            yield from () if kind.le is None else (kind.le + 1,)
        case inspect.ListType():
            too_many = range((kind.max_length or 0) + 1)
            yield from () if kind.max_length is None else ([f"x{number}" for number in too_many],)
            yield from ([] if kind.min_length else "no list", ["x", 7, None])
        case inspect.DictType():
            yield from () if kind.max_length is None else ({str(n): n for n in range(kind.max_length + 1)},)
            yield {"no id": "no text\x00" if is_free else "no number"}
        case inspect.StructType():
            yield from ({},) if any(each.required for each in kind.fields) else ()
            yield {kind.fields[0].encode_name: [[]], "more": 8}
        case _:
            yield "something else"


def fields(kind: type) -> tuple[inspect.Field, ...]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return described.fields


def refusal(kind: type, raw: dict[str, Any]) -> InvalidPayload:
    """The refusal by the parser of REST, which must be that of sockets."""
    with pytest.raises(InvalidPayload) as refused:
        parse(kind, raw)
    return refused.value


def read(refused: InvalidPayload) -> None:
    """Assert that every word is readable text."""
    for name, reason in refused.fields:
        assert SENTENCE.fullmatch(reason), reason
        assert not VALIDATORS.search(reason), reason
        assert len(name) < 2 * faults.MAX_NAME_CHARS
    first = [f"{name}: {reason}" for name, reason in refused.fields[:MAX_SUMMARY_FIELDS]]
    assert refused.message.startswith(" ".join(first))


def top(field: str) -> str:
    return re.split(r"[.\[]", field)[0]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_constraint_of_every_field_is_refused_in_a_sentence(kind: type) -> None:
    for field in fields(kind):
        for value in wrong(bare(field.type)):
            outer = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
            optional = isinstance(outer, inspect.UnionType)
            raw = {field.name: None if value is object else value}
            refused = refusal(kind, raw) if not (optional and value is object) else None
            if refused is None:
                continue
            read(refused)
            required = {each.name for each in fields(kind) if each.required}
            assert {top(name) for name, _ in refused.fields} == required | {field.name}, value


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_all_bad_fields_are_named_at_once(kind: type) -> None:
    is_number = {field.name: isinstance(bare(field.type), inspect.FloatType) for field in fields(kind)}
    names = is_number.keys()
    strictly = inspect.type_info(kind).forbid_unknown_fields  # type: ignore[attr-defined]
    unknown = {"no such field": 1} if strictly else {}
    bad = {name: True if is_number[name] else 1.5 for name in names}

    refused = refusal(kind, bad | unknown) if names | unknown.keys() else None

    assert refused is None or {name for name, _ in refused.fields} == names | unknown.keys()
    missing = {field.name for field in fields(kind) if field.required}
    assert not missing or {name for name, _ in refusal(kind, {}).fields} == missing


@pytest.mark.parametrize(("name", "event"), list(events.events), ids=[name for name, _ in events.events])
def test_an_event_is_refused_like_a_body(name: str, event: Any) -> None:
    decode = EventDecoder(event.kind)
    for field in fields(event.kind):
        for value in wrong(bare(field.type)):
            raw = {field.name: None if value is object else value}
            text = json.dumps([name, raw | {"unknown": {"deep": [1]}}])
            outcomes = []
            for reading in (lambda: decode(text), lambda: parse(event.kind, raw)):  # noqa: B023 - used at once
                try:
                    outcomes.append(reading())
                except InvalidPayload as refused:
                    outcomes.append((refused.message, refused.fields))
                except ValueError:  # halves of surrogate pairs: then the dispatcher takes the other parser
                    outcomes.append(None)
            assert outcomes[0] in (outcomes[1], None), value


def test_an_error_is_bounded_whatever_was_sent() -> None:
    raw = {f"unknown {index}" + "x" * 500: index for index in range(5000)}

    refused = refusal(strict(connection.RefreshAuth), raw)

    assert len(refused.fields) == faults.MAX_FAULTS
    assert len(refused.message) < 1000
    read(refused)


def test_the_last_of_duplicate_fields_counts() -> None:
    decode = EventDecoder(connection.RefreshAuth)

    assert decode('["auth:refresh", {"token": 5, "token": "good"}]').token == "good"
    with pytest.raises(InvalidPayload):
        decode('["auth:refresh", {"token": "good", "token": 5}]')


def test_an_id_with_an_unpaired_surrogate_is_a_fault() -> None:
    for kind, name in ((messages.MessageRef, "message_id"), (messages.SendMessage, "client_id")):
        with pytest.raises(InvalidPayload) as refused:
            parse(kind, {name: "\ud800"})
        assert name in [field for field, _ in refused.value.fields]
    with pytest.raises(InvalidPayload):
        parse(entries.Sync, {"rooms": {"\ud800": 1}})


async def test_both_edges_name_all_bad_fields_in_the_same_words(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    device = await ada.connect_client()
    given = {"kind": "secret", "topic": "x" * 251, "member_ids": ["x"]}

    answer = await device.call_for_ack("room:create", **given)
    status, problem = await ada.rest("POST", "/rooms", json={**given, "colour": 1})

    assert (answer["error"]["code"], status, problem["code"]) == ("invalid_payload", 422, "invalid_payload")
    assert [it["field"] for it in answer["error"]["fields"]] == ["kind", "topic", "member_ids[0]"]
    assert problem["errors"][:-1] == answer["error"]["fields"]
    assert problem["errors"][-1] == {"field": "colour", "message": faults.UNKNOWN}
    said = [f"{it['field']}: {it['message']}" for it in answer["error"]["fields"]]
    assert answer["error"]["message"] == " ".join(said)
    assert problem["detail"] == f"{answer['error']['message']} colour: {faults.UNKNOWN}"


async def test_registering_names_all_bad_fields_at_once(instance: LiveInstance) -> None:
    body = {"name": "", "email": "nobody", "password": "short", "device": "x"}

    status, problem = await instance.rest("POST", "/auth/register", json=body)

    assert status == 422
    assert {it["field"]: it["message"] for it in problem["errors"]} == {
        "name": "Must not be empty.",
        "email": "Must be an e-mail address.",
        "password": "Must have at least 8 characters.",
        "device": "There is no such field.",
    }


@pytest.mark.parametrize(
    ("password", "why"),
    [("password123", "most common"), ("aaaaaaaaaaaa", "one repeated"), ("short", "at least 8")],
)
@pytest.mark.parametrize(
    ("username", "wrong"), [(".ada", "3 to 32 letters"), ("admin", "reserved"), ("ab", "at least 3")]
)
async def test_a_password_and_a_username_are_named_with_the_others(
    instance: LiveInstance, password: str, why: str, username: str, wrong: str
) -> None:
    body = {"name": "A\n", "email": "nobody", "password": password, "username": username}

    status, problem = await instance.rest("POST", "/auth/register", json=body)

    assert status == 422
    found = {it["field"]: it["message"] for it in problem["errors"]}
    assert sorted(found) == ["email", "name", "password", "username"]
    assert why in found["password"]
    assert wrong in found["username"]


def said_in_code() -> Iterator[tuple[str, str]]:
    """Every message of a refusal that is written out in the code, with its place."""
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    names = {name for name in names if issubclass(vars(errors)[name], errors.HubbubError)} | {"BadRequest"}
    root = Path(hubbub.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in names:
                continue
            reasons = [node.args[0]] if node.args else []
            for keyword in node.keywords:
                if keyword.arg == "fields" and isinstance(keyword.value, ast.Tuple):
                    pairs = [each for each in keyword.value.elts if isinstance(each, ast.Tuple)]
                    reasons += [pair.elts[1] for pair in pairs]
            for reason in reasons:
                if isinstance(reason, ast.Constant) and isinstance(reason.value, str):
                    yield f"{path.name}:{reason.lineno}", reason.value


def test_every_refusal_in_the_code_is_a_sentence() -> None:
    found = list(said_in_code())

    assert len(found) > 50
    assert [(place, text) for place, text in found if not SENTENCE.fullmatch(text)] == []
