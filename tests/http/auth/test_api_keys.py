"""API keys over a real server: what they let programs do, and what they never do."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refused

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.http.middleware.api_keys import needs_session
from hubbub.ratelimit.rate import Rate
from hubbub.services.accounts import deletion
from tests.support.api_contract import api_contract
from tests.support.live_instance import ApiUser, Client, LiveInstance
from tests.support.mailbox import plain_text, run_mailbox


async def make(user: ApiUser, *scopes: str, **more: Any) -> dict[str, Any]:
    """A new key."""
    body = {"name": "a program", "scopes": list(scopes) or ["read", "write"], **more}
    status, answer = await (await user.mark_sessions_confirmed()).rest("POST", "/api-keys", json=body)
    assert status == 201, answer
    made: dict[str, Any] = answer["data"]
    return made


async def ask(instance: LiveInstance, key: str, method: str, path: str, **options: Any) -> tuple[int, Any]:
    headers = {"X-API-Key": key, **options.pop("headers", {})}
    return await instance.rest(method, path, headers=headers, **options)


async def status(instance: LiveInstance, key: str, method: str) -> int:
    """Of a request for rooms, whatever the API document says of it."""
    async with instance.http.request(
        method, f"{instance.url}/api/v1/rooms", headers={"X-API-Key": key}
    ) as answer:
        return answer.status


async def refused(instance: LiveInstance, key: str, *, code: str = "unauthenticated") -> str:
    """Assert that a request with the key is refused. Returns the detail."""
    _, answer = await ask(instance, key, "GET", "/auth/me")
    assert answer.get("code") == code, answer
    detail: str = answer["detail"]
    return detail


async def audited(key_id: str) -> list[tuple[str, str, str | None]]:
    rows = await models.AuditRecord.filter(target_id=key_id).order_by("at", "id")
    return [(row.action, row.outcome, row.reason) for row in rows]


async def test_a_key_is_returned_once_and_stored_as_a_digest(instance):
    ada = await instance.register("ada")

    made = await make(ada, "write", "read", name="  nightly ")

    assert made["key"].startswith(made["prefix"] + "_")
    assert made["scopes"] == ["read", "write"]
    assert (made["name"], made["signed"], made["signing_secret"]) == ("nightly", False, None)
    status, answer = await ada.rest("GET", "/api-keys")
    assert status == 200
    assert answer["meta"] == {"page": 1, "limit": 20, "total": 1, "pages": 1}
    displayed = {name: made[name] for name in made if name not in ("key", "signing_secret")}
    assert answer["data"] == [displayed]
    assert (await ada.rest("GET", f"/api-keys/{made['id']}"))[1]["data"] == displayed
    secret = made["key"].removeprefix(made["prefix"])
    for table in ("api_keys", "audit_log"):
        rows = (
            await models.ApiKey.all().values()
            if table == "api_keys"
            else await models.AuditRecord.all().values()
        )
        assert secret not in str(rows), table


async def test_an_api_key_has_the_permissions_of_its_user(instance):
    ada = await instance.register("ada")
    key = (await make(ada))["key"]

    status, answer = await ask(instance, key, "POST", "/rooms", json={"kind": "public", "name": "Garden"})

    assert status == 201
    room = answer["data"]
    assert (await ask(instance, key, "GET", "/rooms"))[1]["data"][0]["id"] == room["id"]
    assert (await ask(instance, key, "GET", "/auth/me"))[1]["data"]["username"] == "ada"
    said = {"client_id": "0193f3ee-0000-7000-8000-000000000001", "body": "built"}
    status, answer = await ask(instance, key, "POST", f"/rooms/{room['id']}/messages", json=said)
    assert (status, answer["data"]["sender"]["username"]) == (201, "ada")


async def test_actions_with_an_api_key_are_recorded_as_such(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    made = await make(ada)
    room = (await ada.rest("POST", "/rooms", json={"kind": "private", "member_ids": [bob.id]}))[1]["data"][
        "id"
    ]
    path = f"/rooms/{room}/members/{bob.id}"

    assert (await ask(instance, made["key"], "PATCH", path, json={"role": "moderator"}))[0] == 200
    assert (await ada.rest("DELETE", path))[0] == 204

    rows = await models.AuditRecord.filter(action__startswith="room.").order_by("at", "id")
    facts = [json.loads(row.facts) for row in rows]
    assert [each.get("key_id") for each in facts] == [made["id"], None]
    assert [row.session_id is None for row in rows] == [True, False]


@pytest.mark.parametrize(("scope", "reads", "writes"), [("read", 200, 403), ("write", 403, 201)])
async def test_an_api_key_is_limited_to_its_scopes(instance, scope, reads, writes):
    ada = await instance.register("ada")
    made = await make(ada, scope)
    room = {"kind": "public", "name": "Garden"}

    assert (await ask(instance, made["key"], "GET", "/rooms"))[0] == reads
    status, answer = await ask(instance, made["key"], "POST", "/rooms", json=room)

    assert status == writes
    if status == 403:
        assert (answer["code"], "`write`" in answer["detail"]) == ("forbidden", True)
        for method, path in (("PATCH", "/users/profile"), ("DELETE", f"/messages/{made['id']}")):
            assert (await ask(instance, made["key"], method, path, json={}))[0] == 403
        assert (await audited(made["id"]))[1:] == [("api_key.use", "failed", "out_of_scope")] * 3


async def test_api_keys_never_manage_the_account(instance):
    ada = await instance.register("ada")
    made = await make(ada)
    body = {"name": "another", "scopes": ["read"]}

    for method, path, options in (
        ("GET", "/api-keys", {}),
        ("POST", "/api-keys", {"json": body}),
        ("DELETE", f"/api-keys/{made['id']}", {}),
        ("GET", "/sessions", {}),
        ("DELETE", "/sessions", {}),
        ("POST", "/auth/logout", {}),
        ("POST", "/auth/change-password", {"json": {}}),
        ("POST", "/users/account/request-deletion", {"json": {}}),
        ("DELETE", "/users/account", {"json": {"token": "x"}}),
        ("GET", "/users/account/export", {}),
    ):
        status, answer = await ask(instance, made["key"], method, path, **options)
        assert (status, answer["code"]) == (403, "forbidden"), path
        assert "log in" in answer["detail"]

    assert (await audited(made["id"]))[1] == ("api_key.use", "failed", "needs_session")
    assert (await ada.rest("GET", "/api-keys"))[1]["meta"]["total"] == 1


def test_no_account_route_accepts_api_keys():
    """Whatever is added: what a name of these is in, needs a session."""
    words = ("auth", "session", "password", "2fa", "account", "key", "admin", "oauth", "delet")
    paths = api_contract().document["paths"]
    open_to_keys = [path for path in paths if not needs_session(path)]

    assert [path for path in open_to_keys if any(word in path for word in words)] == ["/api/v1/auth/me"] + [
        path for path in open_to_keys if "bulk-delete" in path
    ]
    for path, operations in paths.items():
        for operation in operations.values():
            schemes = [name for each in operation.get("security", ()) for name in each]
            # The link of an e-mail, and what is public, need no login.
            if path != "/api/v1/email/unsubscribe" and not path.startswith("/api/v1/public/"):
                assert ("api_key" in schemes) == (not needs_session(path)), path


async def test_a_revoked_key_is_refused_at_once(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    made = await make(ada)
    assert (await bob.rest("DELETE", f"/api-keys/{made['id']}"))[0] == 404
    assert (await bob.rest("GET", f"/api-keys/{made['id']}"))[0] == 404
    assert (await ask(instance, made["key"], "GET", "/rooms"))[0] == 200

    assert (await ada.rest("DELETE", f"/api-keys/{made['id']}"))[0] == 204

    assert "revoked" in await refused(instance, made["key"])
    assert (await ada.rest("DELETE", f"/api-keys/{made['id']}"))[0] == 404
    assert [each[:2] for each in await audited(made["id"])] == [
        ("api_key.create", "ok"),
        ("api_key.revoke", "failed"),
        ("api_key.revoke", "ok"),
        ("api_key.revoke", "failed"),
    ]


async def test_an_invalid_key_is_refused(instance):
    ada = await instance.register("ada")
    key = (await make(ada))["key"]

    for given in (
        "",
        "x",
        "hub_",
        key[:-1],
        key + "x",
        key[:-1] + "é",
        key.upper(),
        "hub_" + "0" * 12 + "_x",
    ):
        await refused(instance, given)
    both = {"X-API-Key": key, "Authorization": f"Bearer {ada.token}"}
    status, answer = await instance.rest("GET", "/auth/me", headers=both)
    assert (status, "not both" in answer["detail"]) == (401, True)
    status, answer = await instance.rest("GET", "/auth/me", headers={"Authorization": f"Bearer {key}"})
    assert (status, "X-API-Key" in answer["detail"]) == (401, True)


async def test_a_key_expires(instance):
    ada = await instance.register("ada")
    made = await make(ada, expires_at=clock.rfc3339(clock.now() + timedelta(hours=1)))
    assert (await ask(instance, made["key"], "GET", "/rooms"))[0] == 200

    await models.ApiKey.filter(id=made["id"]).update(expires_at=clock.now())

    assert "expired" in await refused(instance, made["key"])
    assert (await audited(made["id"]))[-1] == ("api_key.use", "failed", "expired")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["admin"]},
        {"name": " "},
        {"name": "two\nlines"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2999-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "soon"},
        {"user_id": "somebody"},
    ],
)
async def test_an_invalid_key_request_is_refused(instance, wrong):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()

    status, answer = await ada.rest("POST", "/api-keys", json={"name": "x", "scopes": ["read"], **wrong})

    assert (status, answer["code"]) == (422, "invalid_payload")
    assert not await models.ApiKey.exists()


async def test_a_user_has_at_most_25_keys(instance):
    ada, bob = (
        await (await instance.register("ada")).mark_sessions_confirmed(),
        await instance.register("bob"),
    )
    for _ in range(23):
        await make(ada)

    async def one() -> int:
        status: int
        status, _ = await ada.rest("POST", "/api-keys", json={"name": "x", "scopes": ["read"]})
        return status

    assert sorted(await asyncio.gather(*(one() for _ in range(5)))) == [201, 201, 409, 409, 409]
    await make(bob)
    first = (await ada.rest("GET", "/api-keys", params={"limit": "1"}))[1]["data"][0]["id"]
    assert (await ada.rest("DELETE", f"/api-keys/{first}"))[0] == 204
    await make(ada)


async def test_keys_of_suspended_and_deleted_users_are_refused(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    adas, bobs = await make(ada), await make(bob)
    assert (await ask(instance, adas["key"], "GET", "/rooms"))[0] == 200

    await models.User.filter(id=ada.id).update(suspended_at=clock.now())
    await refused(instance, adas["key"], code="suspended")
    await models.User.filter(id=ada.id).update(suspended_at=None)
    assert (await ask(instance, adas["key"], "GET", "/rooms"))[0] == 200

    # Deleted in another way than by the operation: the key itself is there still.
    await models.User.filter(id=bob.id).update(deleted_at=clock.now())
    await refused(instance, bobs["key"])


async def test_export_and_deletion_include_keys(instance):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    made = await make(ada, signed=True)
    _, answer = await ada.rest("GET", "/users/account/export")
    assert [(each["name"], each["prefix"]) for each in answer["data"]["api_keys"]] == [
        ("a program", made["prefix"])
    ]
    text = json.dumps(answer)
    row = await models.ApiKey.get(id=made["id"])
    assert not any(
        each in text for each in (made["key"], made["signing_secret"], row.digest, row.sealed_secret)
    )

    async with database.transaction() as tx:
        await deletion._anonymize(tx, await models.User.get(id=ada.id))

    assert not await models.ApiKey.exists()
    await refused(instance, made["key"])


async def test_the_last_use_is_visible_at_once_and_written_later(instance):
    ada = await instance.register("ada")
    made = await make(ada)
    assert (await ada.rest("GET", f"/api-keys/{made['id']}"))[1]["data"]["last_used_at"] is None

    await ask(instance, made["key"], "GET", "/rooms")

    displayed = (await ada.rest("GET", f"/api-keys/{made['id']}"))[1]["data"]["last_used_at"]
    assert displayed is not None
    assert (await models.ApiKey.get(id=made["id"])).last_used_at is None
    await instance.app.container.api_key_last_seen.write()
    written = (await models.ApiKey.get(id=made["id"])).last_used_at
    assert clock.rfc3339(written) == displayed


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize("how", ["auth", "query", "bearer", "header"])
async def test_an_api_key_does_not_open_a_socket(instance, how):
    ada = await instance.register("ada")
    key = (await make(ada))["key"]
    client = Client(instance.url, {"token": key} if how == "auth" else {}, ["websocket"])
    headers = {"bearer": {"Authorization": f"Bearer {key}"}, "header": {"X-API-Key": key}}.get(how, {})
    address = f"{instance.url}?token={key}" if how == "query" else instance.url

    with pytest.raises(Refused):
        await client.sio.connect(
            address, headers=headers, namespaces=["/chat"], auth=client._auth, transports=["websocket"]
        )

    assert "API key" in client.connect_error["message"]
    assert client.connect_error["data"]["code"] == "unauthenticated"
    await client.close()


async def test_an_api_key_does_not_extend_a_socket(instance):
    ada = await instance.register("ada")
    socket = await ada.connect_client()

    answer = await socket.call_for_ack("auth:refresh", token=(await make(ada))["key"])

    assert (answer["ok"], answer["error"]["code"]) == (False, "unauthenticated")
    assert "API key" in answer["error"]["message"]


async def test_invalid_keys_count_for_the_ip_address(settings):
    limited = settings.model_copy(update={"limit_http": Rate(5, 0.01)})
    async with LiveInstance(limited) as instance:
        answers = [await status(instance, f"hub_{number:012x}_guess", "GET") for number in range(7)]

    assert answers == [401] * 5 + [429] * 2


async def test_refusals_of_a_key_count_for_its_own_limit(settings):
    limited = settings.model_copy(update={"limit_http": Rate(5, 0.01)})
    async with LiveInstance(limited) as instance:
        ada = await instance.register("ada")
        key = (await make(ada, "read"))["key"]

        answers = [await status(instance, key, "POST") for _ in range(7)]

        assert answers == [403] * 5 + [429] * 2
        assert (await ada.rest("GET", "/rooms"))[0] == 200


async def test_a_new_key_is_announced_by_email(settings):
    async with (
        run_mailbox() as mailbox,
        LiveInstance(
            settings.model_copy(update={"smtp_url": mailbox.url, "inline_workers": True})
        ) as instance,
    ):
        made = await make(await instance.register("ada"), "read", name="=nightly")
        said = plain_text(await mailbox.next_message("ada@example.com", "A new API key for your account"))

    assert "“=nightly”" in said
    assert made["prefix"] in said
    assert made["key"] not in said
