"""Every route and event that takes an id, called with the ids of another user.

The routes are those of the API document, the events those of the table, so that additions are covered.
"""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
import pytest

from hubbub import models
from hubbub.realtime.chat import events
from hubbub.schemas.portfolio.resources import RESOURCES
from tests.support.api_contract import api_contract
from tests.support.inboxes import notify
from tests.support.live_instance import LiveInstance
from tests.support.pictures import form, picture
from tests.support.portfolio_items import required
from tests.support.schema import DatabaseInspector

# Fields that no other request may set.
ASSIGNED = {
    "id": str(uuid4()),
    "owner_id": str(uuid4()),
    "created_by": str(uuid4()),
    "sender": str(uuid4()),
    "is_admin": True,
    "permissions": ["users.delete"],
    "password_digest": "x",
    "email_verified": True,
    "email_verified_at": "2026-01-01T00:00:00Z",
    "suspended_at": None,
    "deleted_at": None,
    "version": 1,
    "created_at": "2026-01-01T00:00:00Z",
    "last_seq": 0,
    "member_count": 0,
    "user": {"role": "admin"},
}
BY_NAME: dict[str, Any] = {
    "emoji": "👍",
    "body": "hello",
    "website_url": "https://chat.example",
    "url": "https://chat.example",
    "avatar": "https://chat.example/a.png",
    "email": "somebody@example.org",
    "password": "long enough to be one",
    "new_password": "long enough to be one",
}


class Sample:
    """Generate a value of a schema, with the given ids by name."""

    def __init__(self, components: dict[str, Any], known_ids: dict[str, str]) -> None:
        self._components = components
        self._known = known_ids

    def of(self, name: str, schema: dict[str, Any]) -> Any:
        """A value for a field."""
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if "$ref" in schema or choices:
            name_of = schema["$ref"].rpartition("/")[2] if "$ref" in schema else ""
            return self.of(name, choices[0] if choices else self._components[name_of])
        if schema.get("format") == "uuid":
            return self._known.get(name) or str(uuid4())
        if schema.get("format") == "date":
            return "2026-01-31"
        if "enum" in schema:
            return schema["enum"][0]
        if "properties" in schema:
            return self.fields(schema)
        return self._plain(name, schema)

    def _plain(self, name: str, schema: dict[str, Any]) -> Any:
        if schema.get("minItems"):
            return [self.of(name, schema["items"])] * schema["minItems"]
        others: dict[str, Any] = {"integer": 1, "boolean": True, "array": [], "object": {}}
        fitting = "x" * max(8, schema.get("minLength", 8))
        return BY_NAME.get(name, others.get(schema.get("type", ""), fitting[: schema.get("maxLength", 8)]))

    def fields(self, schema: dict[str, Any]) -> dict[str, Any]:
        """All required fields. Without any, the first optional one. And every known id."""
        properties = schema["properties"]
        names = schema.get("required") or list(properties)[:1]
        names = [*names, *(name for name in properties if name in self._known and name not in names)]
        return {name: self.of(name, properties[name]) for name in names}


@pytest.fixture
async def known_ids(instance: LiveInstance) -> dict[str, str]:
    """Objects of Ada whose ids are known to others."""
    room_id, (client, _) = await instance.room_with_clients("ada", "bob")
    ada = instance.users["ada"]
    sent = await client.send(room_id, "between us")
    await client.call("reaction:add", message_id=sent["id"], emoji="👍")
    status, sessions = await ada.rest("GET", "/sessions")
    assert status == 200
    found = {"room_id": room_id, "message_id": sent["id"], "user_id": ada.id, "reply_to": sent["id"]}
    found["session_id"] = sessions["data"][0]["id"]
    await ada.mark_sessions_confirmed()
    _, made = await ada.rest("POST", "/api-keys", json={"name": "hers", "scopes": ["read"]})
    found["key_id"] = made["data"]["id"]
    _, uploaded = await ada.rest("POST", "/upload/image", data=form(("hers.png", picture())))
    found["upload_id"] = uploaded["data"]["id"]
    elsewhere = models.Identity(user_id=ada.id, provider="work", issuer="https://login.example", subject="1")
    await elsewhere.save()
    found["identity_id"] = str(elsewhere.id)
    for resource in RESOURCES:
        status, made = await ada.rest("POST", f"/portfolio/{resource.name}", json=required(resource))
        assert status == 201, made
        found[resource.name] = made["data"]["id"]
    (notification,) = await notify(instance.app.container, ada.id)
    found["notification_id"] = str(notification.id)
    return found


async def everything(instance: LiveInstance) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, but those that are added by asking at all, or by a worker meanwhile."""
    place, apart = (
        DatabaseInspector(instance.settings),
        {
            "audit_log",
            "sessions",
            "jobs",
            "leases",  # the scheduler renews its own
            "one_time_tokens",
            "processes",
            "schedule_runs",  # each minute has one
            "schedules",
            "state",
            "users",
            "notification_decisions",
        },
    )
    tables = [name for name in await place.tables() if name not in apart]
    rows = {name: sorted(await place.rows(f"SELECT * FROM {name}"), key=str) for name in tables}
    rows["schedules"] = await place.rows("SELECT name, enabled, cron FROM schedules ORDER BY name")
    rows["state"] = await place.rows("SELECT key, value FROM state WHERE key = 'epoch'")
    rows["users"] = await place.rows("SELECT id, email, display_name, role, password_digest FROM users")
    return rows


def _ids_of(path: str, known_ids: dict[str, str]) -> dict[str, str]:
    """The known ids for a route: `item_id` is that of an item of its resource."""
    resource = next((each for each in RESOURCES if f"/{each.name}/" in path), None)
    return known_ids if resource is None else {**known_ids, "item_id": known_ids[resource.name]}


def _operations(known_ids: dict[str, str]) -> list[tuple[str, str, dict[str, Any], Sample]]:
    schemas = api_contract().document["components"]["schemas"]
    return [
        (method, path, operation, Sample(schemas, _ids_of(path, known_ids)))
        for method, path, operation in api_contract().operations()
    ]


def _body(operation: dict[str, Any], sample: Sample) -> dict[str, Any]:
    if "application/json" not in operation.get("requestBody", {}).get("content", {}):
        return {}
    return sample.fields(operation["requestBody"]["content"]["application/json"]["schema"])


async def test_objects_of_another_user_are_not_found(
    instance: LiveInstance, known_ids: dict[str, str]
) -> None:
    mallory, before = (
        await (await instance.register("mallory")).mark_sessions_confirmed(),
        await everything(instance),
    )
    asked = 0
    for method, path, operation, sample in _operations(known_ids):
        parameters = {
            part["name"]: part["schema"] for part in operation["parameters"] if part["in"] == "path"
        }
        if not any(name.endswith("_id") for name in parameters):
            continue
        given = {*_ids_of(path, known_ids), "job_id"}  # a job is the server's
        missing = {name for name in parameters if name.endswith("_id")} - given
        assert not missing, f"{path}: give this test the {missing} of something that is Ada's"
        address = path.removeprefix("/api/v1")
        for name, schema in parameters.items():
            address = address.replace(f"{{{name}}}", quote(str(sample.of(name, schema)), safe=""))
        body = _body(operation, sample)
        status, answer = await mallory.rest(method, address, **({"json": body} if body else {}))
        wanted = (403, "forbidden") if path.startswith("/api/v1/admin/") else (404, "not_found")
        assert (status, answer["code"]) == wanted, (method, path, answer)
        asked += 1
    assert asked > 15
    assert (await instance.users["ada"].rest("GET", "/auth/me"))[0] == 200
    assert await everything(instance) == before


async def test_no_request_raises_the_callers_privileges(
    instance: LiveInstance, known_ids: dict[str, str]
) -> None:
    mallory, admin = [
        await (await instance.register(name)).mark_sessions_confirmed() for name in ("mallory", "trudy")
    ]
    await models.User.filter(id=admin.id).update(role="admin")  # others are refused before their body is read
    before = await everything(instance)
    for method, path, operation, sample in _operations(known_ids):
        if "application/json" not in operation.get("requestBody", {}).get("content", {}):
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema["additionalProperties"] is False, path
        address = path.removeprefix("/api/v1")
        for part in operation["parameters"]:
            given = sample.of(part["name"], part["schema"]) if part["in"] == "path" else ""
            address = address.replace(f"{{{part['name']}}}", given)
        more = {name: it for name, it in ASSIGNED.items() if name not in schema["properties"]}
        for field, value in more.items():
            asker = admin if "/admin/" in path else mallory
            ask = asker.rest if "security" in operation else instance.rest
            body = {**_body(operation, sample), field: value}
            status, answer = await ask(method, address, json=body)
            if status == 429:  # unauthenticated callers are limited for any input
                break
            fields = [each["field"] for each in answer.get("errors", [])]
            assert (status, fields) == (422, [field]), (path, answer)
    assert await everything(instance) == before


async def test_no_event_reaches_a_room_of_another_user(
    instance: LiveInstance, known_ids: dict[str, str]
) -> None:
    mallory = await (await instance.register("mallory")).connect_client()
    before, asked = await everything(instance), 0
    for name, event in events.events:
        (schema,), components = msgspec.json.schema_components([event.kind], ref_template="{name}")
        fields = components[schema["$ref"]]
        if not {"room_id", "message_id"} & fields["properties"].keys():
            continue
        answer = await mallory.call_for_ack(name, **Sample(components, known_ids).fields(fields))
        assert (answer["ok"], answer["error"]["code"]) == (False, "not_found"), (name, answer)
        asked += 1
    assert asked > 15
    assert await everything(instance) == before


async def test_the_owner_finds_the_objects(instance: LiveInstance, known_ids: dict[str, str]) -> None:
    """Else the tests above would prove nothing."""
    for method, path, operation, _ in _operations(known_ids):
        address = path.removeprefix("/api/v1")
        for name, given in _ids_of(path, known_ids).items():
            address = address.replace(f"{{{name}}}", given)
        if "/admin/" in path or "/public/" in path:
            continue
        if method == "GET" and address != path.removeprefix("/api/v1"):
            status, answer = await instance.users["ada"].rest(method, address)
            assert status == 200, (path, operation["summary"], answer)
