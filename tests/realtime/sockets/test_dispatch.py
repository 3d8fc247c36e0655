"""The protocol page, the playground and the client model agree with the tables of events."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from hubbub.core import errors
from hubbub.realtime.chat import events
from hubbub.realtime.notifications import events as inbox
from hubbub.schemas.events import EVENTS, EntryEvent, Kind
from hubbub.schemas.notifications.events import INBOX_EVENTS
from hubbub.schemas.sync.connection import CloseCode, RefreshAuth, SessionEndReason
from tests.support.client_model import Room

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
PLAYGROUND = ROOT / "hubbub" / "http" / "playground"

INCOMING: dict[str, type[msgspec.Struct]] = {
    **{name: event.kind for name, event in events.events},
    "auth:refresh": RefreshAuth,
}
COMMON_FIELDS = set(EntryEvent.__struct_fields__)
# Of the stock client itself.
SOCKET_EVENTS = {"connect", "connect_error", "disconnect"}


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table below a heading: the event in the first column, then the other cells."""
    below = PAGE.split(heading, 1)[1]
    found = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert found is not None
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found[0].splitlines()[2:]]
    return {cells[0].strip(" |`"): cells[1:] for cells in rows}


def named_fields(text: str) -> set[str]:
    """The names in the first code span of a cell, with the mark `?` of optional ones."""
    found = re.match(r"`([^`]*)`", text)
    assert found is not None, text
    return {name.strip() for name in found[1].strip("{ }").split(",") if name.strip()}


def declared_fields(struct: type[msgspec.Struct], without: Iterable[str] = ()) -> set[str]:
    """The fields of a struct as the page names them."""
    optional = {field.name for field in msgspec.structs.fields(struct) if field.default is msgspec.UNSET}
    return {
        f"{name}?" if name in optional else name
        for name in struct.__struct_fields__
        if name not in set(without)
    }


def test_the_events_of_the_inbox_are_documented_with_their_fields() -> None:
    own = {name: spec.struct for name, spec in INBOX_EVENTS.items() if name not in EVENTS or name == "ready"}
    commands: dict[str, type[msgspec.Struct]] = {
        **{name: event.kind for name, event in inbox.events},
        "auth:refresh": RefreshAuth,
    }

    to_server = table("### Client events of the inbox")
    to_client = table("### Server events of the inbox")

    assert to_server.keys() == commands.keys()
    for name, cells in to_server.items():
        documented = {field.rstrip("?") for field in re.findall(r"[a-z_]+\??(?= [≤}]|[,} ])", cells[0])}
        assert documented - {"or"} == set(commands[name].__struct_fields__), name
    assert {name: named_fields(cells[0]) for name, cells in to_client.items()} == {
        name: declared_fields(struct) for name, struct in own.items()
    }


def test_every_event_of_clients_is_documented() -> None:
    assert table("## Client events").keys() == INCOMING.keys()


@pytest.mark.parametrize("name", INCOMING)
def test_the_fields_of_a_clients_event_are_on_the_page(name: str) -> None:
    payload = table("## Client events")[name][0]

    fields = msgspec.structs.fields(INCOMING[name])
    documented = {field.name for field in fields if re.search(rf"\b{field.name}\b", payload)}
    optional = {field.name for field in fields if not field.required}

    assert {field.name for field in fields} <= documented
    assert set(re.findall(r"(\w+)\?", payload)) <= optional


def test_every_code_is_documented() -> None:
    only_rest = {
        "confirmation_required",
        "invalid_token",
    }

    listed = set(re.findall(r"`([a-z_]+)`", PAGE.split("## Codes", 1)[1].split("\n\n", 2)[1]))

    assert listed == set(errors.codes()) - only_rest


def test_every_close_code_is_on_the_page_with_what_a_stock_client_does() -> None:
    lines = PAGE.split("### Closed connections", 1)[1].split("\n\n", 2)[1].splitlines()[2:]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]

    documented = {(row[1], row[4] == "reconnects") for row in rows if row[1] != "none"}

    assert documented == {(code.value, code.reconnects) for code in CloseCode}


@pytest.mark.parametrize(
    ("kind", "heading", "without"),
    [
        (Kind.ENTRY, "**Entries** are durable", COMMON_FIELDS),
        (Kind.HINT, "**Hints** have no `seq`", set()),
        (Kind.CONNECTION, "**Events of a connection**", set()),
    ],
)
def test_every_event_of_the_server_is_documented_with_its_fields(
    kind: Kind, heading: str, without: set[str]
) -> None:
    documented = {name: named_fields(cells[0]) for name, cells in table(heading).items()}

    assert documented == {
        name: declared_fields(spec.struct, without) for name, spec in EVENTS.items() if spec.kind is kind
    }


def test_the_reasons_why_a_session_ends_are_on_the_page() -> None:
    cell = table("**Events of a connection**")["auth:revoked"][0]

    assert set(re.findall(r"`(\w+)`", cell.split("one of", 1)[1])) == set(SessionEndReason)


def test_the_common_fields_of_entries_are_on_the_page() -> None:
    sentence = PAGE.split("**Entries** are durable", 1)[1].split("\n\n", 1)[0]

    assert set(re.findall(r"`(\w+)`", sentence)) == COMMON_FIELDS


ENTRIES = {name for name, spec in EVENTS.items() if spec.kind is Kind.ENTRY}


def test_the_playground_receives_every_entry() -> None:
    received = re.search(r"const ENTRIES = \[([^\]]+)\]", (PLAYGROUND / "connection.js").read_text())
    reducers = (PLAYGROUND / "state.js").read_text().split("\nconst entries = {\n", 1)[1].split("\n};", 1)[0]

    assert received is not None
    assert set(re.findall(r'"([^"]+)"', received[1])) == ENTRIES
    assert set(re.findall(r'^  "([a-z:]+)"', reducers, re.MULTILINE)) == ENTRIES


def test_the_playground_listens_to_events_of_the_table_only() -> None:
    source = "".join(path.read_text() for path in PLAYGROUND.rglob("*.js") if "vendor" not in path.parts)

    listened = set(re.findall(r'(?:socket|connection)\.on\("([^"]+)"', source))

    assert listened <= EVENTS.keys() | SOCKET_EVENTS | {"notification:new", "notification:read"}
    assert listened >= {"ready", "closing", "typing", "presence", "read", "room:added", "room:gone"}


def test_the_model_of_the_tests_applies_every_entry() -> None:
    assert [name for name in ENTRIES if not hasattr(Room, "_" + name.replace(":", "_"))] == []
