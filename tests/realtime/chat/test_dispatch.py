"""The page about the protocol says what the code does, and nothing else."""

import re
from pathlib import Path

from hubbub.core import errors
from hubbub.realtime.chat import events

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()


def rows(heading: str) -> set[str]:
    """The events in the first column of the first table below a heading."""
    below = PAGE.split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table is not None
    return {found[1] for found in re.finditer(r"^\| `([^`]+)`", table[0], re.MULTILINE)}


def test_every_event_that_a_client_may_send_is_on_the_page() -> None:
    assert rows("## Asking") == {name for name, _ in events.events} | {"auth:refresh"}


def test_every_code_is_on_the_page() -> None:
    only_rest = {
        "confirmation_required",
        "invalid_token",
    }

    listed = set(re.findall(r"`([a-z_]+)`", PAGE.split("## Codes", 1)[1].split("\n\n", 2)[1]))

    assert listed == set(errors.codes()) - only_rest


def test_every_closing_code_is_on_the_page() -> None:
    realtime = Path(__file__).parents[3] / "hubbub" / "realtime"
    text = "".join(path.read_text() for path in realtime.rglob("*.py"))

    used = set(re.findall(r"""\.close\(\s*"([a-z_]+)",""", text)) | {"session_revoked", "suspended"}

    table = PAGE.split("### Being closed", 1)[1].split("\n\n", 2)[1]
    closing = {line.split("|")[2].strip(" `") for line in table.splitlines()[2:]}
    assert closing == used | {"none"}


def test_every_entry_that_services_append_is_on_the_page() -> None:
    services = Path(__file__).parents[3] / "hubbub" / "services"
    text = "".join(path.read_text() for path in services.glob("*.py"))

    appended = set(re.findall(r'"((?:message|reaction|member|room):[a-z]+(?:ed|ew|ft|le))"', text))

    assert rows("**Entries** are durable") == appended - {"room:added"}
