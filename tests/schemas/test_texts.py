"""The text fields of all commands: each has a rule, or is never shown to users."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from hubbub.core.errors import InvalidPayload
from hubbub.core.text import names
from hubbub.http.app import ROUTES
from hubbub.http.routes import DOCS
from hubbub.realtime.chat import events
from hubbub.schemas.base import Command, parse
from hubbub.schemas.sync.connection import ConnectAuth, RefreshAuth

# Texts that only their sender sees, or that have no lines: each with its reason.
APART = {
    "tokens, codes and cursors, which are looked up": r".*token|code|cursor|epoch|state|verifier|challenge",
    "passwords, which are hashed": r".*password",
    "words to search for": r"query",
    "values that are compared": r"(Filters|ListAuditLog|ExportAuditLog)\.(action|target_kind|target_id|ip)"
    r"|List\w+\.(tags|technologies|platform|event)"
    r"|(ListJobs|RetryJobs)\.kind",
    "names in the path, which are looked up": r"\w*(Queue|Schedule|Job)(s|Ref)?\.name|id_or_slug",
    "what a provider says": r"Callback\.(error|iss)",
    "a URL of this site": r"Authorize\.redirect",
    "texts of several lines": r"(SendMessage|EditMessage|CreateAnnouncement)\.body"
    r"|(Update(Portfolio)?Profile|ProfileFields)\.bio|(New|Update)\w+\.(description|content|excerpt|summary)",
    "usernames, which have their own rule": r".*username",
    "e-mail addresses of accounts": r"email",
    "what an earlier release stored": r"RemoveReaction\.emoji",
}


def commands() -> set[type[Command]]:
    """All commands of the tables of events and routes, and the auth of sockets."""
    kinds: set[type[Any]] = {event.kind for _, event in events.events} | {ConnectAuth, RefreshAuth}
    for route in (route for routes in ROUTES for route in routes):
        for said in getattr(getattr(route, "handler", None), DOCS, {}).values():
            kinds |= {kind for kind in (said.body, said.query) if kind is not None}
    todo = list(kinds)
    while todo:
        for _, part in fields(todo.pop()):
            part = part.type if isinstance(part, inspect.Metadata) else part  # noqa: PLW2901
            if isinstance(part, inspect.StructType) and part.cls not in kinds:
                kinds.add(part.cls)
                todo.append(part.cls)
    return kinds


def fields(kind: type[msgspec.Struct]) -> Iterator[tuple[str, inspect.Type]]:
    """Each field with each type that it may have."""
    for field in msgspec.structs.fields(kind):
        found = inspect.type_info(field.type)
        for each in found.types if isinstance(found, inspect.UnionType) else (found,):
            yield field.name, each


def texts() -> list[tuple[type[Command], str, inspect.Type]]:
    found = []
    for kind in sorted(commands(), key=lambda kind: kind.__name__):
        for name, part in fields(kind):
            inner = part.type if isinstance(part, inspect.Metadata) else part
            inner = inner.item_type if isinstance(inner, inspect.ListType) else inner
            if isinstance(inner, inspect.StrType):
                found.append((kind, name, part))
    return found


def pattern(part: inspect.Type) -> str:
    schema = (part.extra_json_schema or {}) if isinstance(part, inspect.Metadata) else {}
    return str(schema.get("pattern", schema.get("lazy", "")))


def name_of(part: object) -> str | None:
    return part if isinstance(part, str) else getattr(part, "__name__", "")


TEXTS = texts()
NAMES = [each for each in TEXTS if pattern(each[2]) == names.NAME_PATTERN]
LINES = [each for each in TEXTS if pattern(each[2]) == names.LINE_PATTERN]


def test_every_text_has_a_rule():
    apart = re.compile("|".join(f"(?:{each})" for each in APART.values()))
    without = [(kind.__name__, name) for kind, name, part in TEXTS if not has_check(part)]

    assert len(TEXTS) > 60
    assert [
        each for each in without if not apart.fullmatch(each[1]) and not apart.fullmatch(".".join(each))
    ] == []


def has_check(part: inspect.Type) -> bool:
    return isinstance(part, inspect.Metadata) and "check" in (part.extra or {})


def refused(kind: type[Command], name: str, text: str) -> bool:
    """Whether a command of this field alone is refused for it."""
    found: Any = msgspec.defstruct("One", [field_of(kind, name)], bases=(Command,), frozen=True, kw_only=True)
    try:
        parse(found, {name: text})
    except InvalidPayload as error:
        return [field for field, _ in error.fields] == [name]
    return False


def field_of(kind: type[Command], name: str) -> tuple[str, Any]:
    return next((field.name, field.type) for field in msgspec.structs.fields(kind) if field.name == name)


@pytest.mark.parametrize(("kind", "name", "_"), NAMES + LINES, ids=name_of)
def test_a_line_is_a_single_line(kind, name, _):
    for breaking in "\n\r\t\x07\x1b\x7f\x85\u2028\u2029\u202e\u2066":
        assert refused(kind, name, f"a{breaking}b")
        assert refused(kind, name, f"ab{breaking}")
    assert not refused(kind, name, "Ada \u200d Lovelace")


@pytest.mark.parametrize(("kind", "name", "_"), NAMES, ids=name_of)
def test_a_name_has_a_visible_character(kind, name, _):
    for hidden in " \u3000\u200b\u00ad\u2060\ufeff\u3164\u2800\ufe0f\U000e0061":
        assert refused(kind, name, hidden)
        assert refused(kind, name, hidden * 2)


def test_names_and_lines_are_among_the_texts():
    assert {(kind.__name__, name) for kind, name, _ in NAMES} >= {
        *(
            ("Register", "name"),
            ("UpdateProfile", "display_name"),
            ("CreateApiKey", "name"),
            ("Suspend", "reason"),
            ("CreateAnnouncement", "title"),
        ),
        *(("CreateRoom", "name"), ("UpdateRoom", "name"), ("JoinRoom", "name")),
    }
    lines = {(kind.__name__, name) for kind, name, _ in LINES if not kind.is_normalized}
    assert lines == {  # and those of portfolios
        *(("Login", "device_name"), ("Exchange", "device_name"), ("UpdateProfile", "location")),
        *(("UpdateProfile", "first_name"), ("UpdateProfile", "last_name")),
        *(("CreateRoom", "topic"), ("UpdateRoom", "topic")),
    }
