"""Texts that grow when they are normalized cause no error in any field of an event or a route."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from msgspec import inspect

from hubbub import models
from hubbub.core import clock
from hubbub.http.app import ROUTES
from hubbub.http.request import QUERY_ALIASES
from hubbub.http.routes import DOCS
from hubbub.realtime.chat import events
from tests.support.live_instance import PASSWORD, LiveInstance

# 18 characters in NFKC. Three with folded case. A letter and a mark. Three letters. A full-width sign.
GROWING = ["\ufdfa", "\u0390", "\u0130", "\ufb03", "\uff20a"]
LENGTHS = (14, 10_000)
JOBS_S = 30.0


class FieldPath(NamedTuple):
    """A text field of an event or of a route."""

    method: str  # empty for an event
    name: str  # of the event, or the path
    kind: type[msgspec.Struct]
    field: str
    is_query: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.name} {self.field}".strip()


def longest(kind: type[msgspec.Struct], name: str) -> int | None:
    """How long the text of a field may be; None if it takes no text."""
    field = next(each for each in inspect.type_info(kind).fields if each.name == name)  # type: ignore[attr-defined]
    for each in field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,):
        inner = each.type if isinstance(each, inspect.Metadata) else each
        if isinstance(inner, inspect.StrType):
            return inner.max_length or 200
        if isinstance(inner, inspect.StructType):
            return 250
    return None


def places() -> Iterator[FieldPath]:
    for name, event in events.events:
        for field in event.kind.__struct_fields__:
            if longest(event.kind, field) is not None:
                yield FieldPath("", name, event.kind, field)
    for route in (route for routes in ROUTES for route in routes):
        for (method, path), said in getattr(getattr(route, "handler", None), DOCS, {}).items():
            for kind in (said.body, said.query):
                for field in getattr(kind, "__struct_fields__", ()):
                    if longest(kind, field) is not None:
                        yield FieldPath(method, path, kind, field, kind is said.query)


PLACES = list(dict.fromkeys(places()))


class PreparedInstance:
    """An instance, an admin with a socket, and what the fields refer to."""

    def __init__(self, instance: LiveInstance) -> None:
        self.instance = instance

    async def build(self) -> "PreparedInstance":
        room_id, (self.ada, _) = await self.instance.room_with_clients("ada", "bob")
        self.user = await self.instance.users["ada"].mark_sessions_confirmed()
        await models.User.filter(username="ada").update(role="admin")
        message = await self.ada.send(room_id, "hello")
        self.known = {
            "room_id": room_id,
            "message_id": message["id"],
            "user_id": self.instance.users["bob"].id,
            "username": "bob",
            "emoji": "👍",
            "kind": "private",
            "name": "a name",
            "display_name": "A name",
            "password": PASSWORD,
            "new_password": "staple of another kind",
            "current_password": PASSWORD,
            "language": "en",
            "time_zone": "UTC",
            "limit": 10,
            "page": 1,
            "attachments": [],
        }
        return self

    async def ask(self, place: FieldPath, text: str) -> str:
        """Return the code of the ack or response, or its status."""
        await self.user.mark_sessions_confirmed()
        given = {
            field.name: self._value(field) for field in msgspec.structs.fields(place.kind) if field.required
        }
        given[place.field] = {"reason": text} if place.field == "suspended" else text
        if not place.method:
            answer = await self.ada.call_for_ack(place.name, **given)
            return "ok" if answer["ok"] else str(answer["error"]["code"])
        return await self._request(place, given)

    def _value(self, field: msgspec.structs.FieldInfo) -> object:
        if field.name == "email":
            return f"{uuid4().hex}@example.org"
        if field.name in self.known:
            return self.known[field.name]
        inner = inspect.type_info(field.type)
        inner = inner.type if isinstance(inner, inspect.Metadata) else inner
        if isinstance(inner, inspect.UUIDType):
            return str(uuid4())
        if isinstance(inner, inspect.LiteralType):
            return inner.values[0]
        if isinstance(inner, inspect.ListType):
            item = inner.item_type
            return [item.values[0]] if isinstance(item, inspect.LiteralType) else []
        return {inspect.IntType: 1, inspect.BoolType: True, inspect.DictType: {}}.get(type(inner), "text")

    async def _request(self, place: FieldPath, given: dict[str, Any]) -> str:
        path, url = place.name, self.instance.http
        for name in [name for name in {**given, **self.known} if f"{{{name}}}" in path]:
            path = path.replace(f"{{{name}}}", str(given.pop(name, None) or self.known[name]))
        path = (
            path.replace("{provider}", "google")
            .replace("{key_id}", str(uuid4()))
            .replace("{identity_id}", str(uuid4()))
        )
        aliases = {field: name for name, field in QUERY_ALIASES.items()}
        query = {aliases.get(name, name): str(value) for name, value in given.items()}
        options: dict[str, Any] = {"params": query} if place.is_query else {"json": given}
        # The token would end the session of the socket that other examples use.
        headers = {} if path.endswith("/auth/logout") else {"Authorization": f"Bearer {self.user.token}"}
        where = self.instance.url + path
        async with url.request(
            place.method, where, headers=headers, allow_redirects=False, **options
        ) as answer:
            await answer.read()
            return str(answer.status)

    async def jobs_are_done(self) -> None:
        """Wait until no job is due; none may have failed."""
        due = models.Job.filter(
            state__in=("ready", "running"), run_at__lte=clock.now() + timedelta(seconds=1)
        )
        deadline = asyncio.get_running_loop().time() + JOBS_S
        while await due.exists():
            assert asyncio.get_running_loop().time() < deadline, await due.values(
                "kind", "state", "last_error"
            )
            await self.ada.synchronize()
        assert await models.Job.filter(last_error__isnull=False).values_list("kind", "last_error") == []


@pytest.fixture
def settings(settings: Any) -> Any:
    off = dict.fromkeys(("limit_events", "limit_message_send", "limit_register", "limit_http", "limit_auth"))
    return settings.model_copy(update={**off, "inline_workers": True})


@pytest.fixture
async def prepared(instance: LiveInstance) -> PreparedInstance:
    return await PreparedInstance(instance).build()


def is_fine(code: str) -> bool:
    """Return whether it is a success or a client error."""
    return code not in ("internal", "unavailable") and not code.startswith("5")


def test_the_fields_are_listed() -> None:
    found = {str(place) for place in PLACES}

    assert len(found) > 70
    assert {"room:join name", "room:create topic", "message:search query", "reaction:add emoji"} <= found
    assert {"POST /api/v1/auth/register name", "PATCH /api/v1/users/profile location"} <= found


async def test_text_that_grows_causes_no_error_in_any_field(
    prepared: PreparedInstance, caplog: pytest.LogCaptureFixture
) -> None:
    answers = {}
    with caplog.at_level(logging.ERROR):
        for number, place in enumerate(PLACES):
            for length in LENGTHS[number % 2 :][:1] if place.field.endswith("password") else LENGTHS:
                text = GROWING[(number + length) % len(GROWING)]
                text = (text * length)[: longest(place.kind, place.field)]
                answers[f"{place} {text[0]!a} {len(text)}"] = await prepared.ask(place, text)

    assert {place: code for place, code in answers.items() if not is_fine(code)} == {}
    await prepared.jobs_are_done()
    assert [record.getMessage() for record in caplog.records] == []


TEXTS = st.lists(st.sampled_from([*GROWING, "a", " ", "\u0301", "@", "."]), min_size=1, max_size=90).map(
    "".join
)


@given(place=st.sampled_from(PLACES), text=TEXTS)
@profile(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_random_text_causes_no_error_in_any_field(
    prepared: PreparedInstance, place: FieldPath, text: str
) -> None:
    assert is_fine(await prepared.ask(place, text[: longest(place.kind, place.field)]))
