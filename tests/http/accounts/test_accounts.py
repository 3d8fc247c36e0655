"""Taking everything along and leaving for good, over a real server."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubbub import models
from tests.support.mailbox import Mailbox, run_mailbox
from tests.support.waiting import until


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


@pytest.fixture
def settings(settings: Any, mailbox: Mailbox) -> Any:
    return settings.model_copy(update={"smtp_url": mailbox.url, "inline_workers": True})


async def _token(user: Any, mailbox: Mailbox) -> str:
    await user.mark_sessions_confirmed()
    assert (await user.rest("POST", "/users/account/request-deletion", json={}))[0] == 202
    return await mailbox.next_code(f"{user.username}@example.com", "Delete your account")


async def test_a_deleted_account_is_removed_and_its_messages_stay_without_a_name(instance, mailbox):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    said = await ada.send(room_id, "what stays")
    await bob.next_event("message:new", lambda it: it["message"]["id"] == said["id"])
    await ada.call("reaction:add", message_id=said["id"], emoji="🐝")
    token = await _token(instance.users["ada"], mailbox)
    ada_id = instance.users["ada"].id

    assert (await instance.users["ada"].rest("DELETE", "/users/account", json={"token": token}))[0] == 204

    assert (await ada.next_event("auth:revoked"))["reason"] == "account_deleted"
    await ada.next_event("disconnect")
    assert (await instance.users["ada"].rest("GET", "/auth/me"))[0] == 401
    left = await bob.next_event("member:left", lambda it: it["user"]["id"] == ada_id)
    assert left["user"]["display_name"] == "Deleted user"
    assert (await bob.next_event("member:role"))["role"] == "owner"
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    assert (await instance.rest("POST", "/auth/login", json=body))[0] == 401
    assert (await instance.users["bob"].rest("GET", "/users/ada"))[0] == 404
    page = (await bob.call("message:history", room_id=room_id))["messages"]
    assert [(it["body"], it["sender"]["display_name"]) for it in page] == [("what stays", "Deleted user")]
    for kind in (models.Session, models.Preference, models.Membership, models.Reaction, models.OneTimeToken):
        assert not await kind.filter(user_id=ada_id).exists(), kind
    row = await models.User.get(id=ada_id)
    assert row.username == f"deleted-{row.id.hex[8:]}"
    assert row.email == f"{row.id.hex}@deleted.invalid"
    assert row.display_name == "Deleted user"
    assert row.password_digest is None


async def test_the_name_is_removed_from_the_log_too(instance, mailbox):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await ada.send(room_id, "what stays")
    token = await _token(instance.users["ada"], mailbox)
    await instance.users["ada"].rest("DELETE", "/users/account", json={"token": token})

    # The job that the deletion left behind does it; it is done when nothing is left to do.
    async def done() -> bool:
        return not await models.Job.filter(kind="account.erase").exclude(state="done").exists()

    await until(done, 20)
    answer = await bob.call("sync", rooms={room_id: 0})
    assert "what stays" in json.dumps(answer)
    assert '"Ada"' not in json.dumps(answer)


async def test_the_name_and_the_email_address_may_be_used_again(instance, mailbox):
    ada = await instance.register("ada")
    await ada.rest("DELETE", "/users/account", json={"token": await _token(ada, mailbox)})

    again = await instance.register("ada")

    assert again.id != ada.id


async def test_an_account_is_deleted_by_its_own_token_only(instance, mailbox):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    token = await _token(ada, mailbox)
    verify = await mailbox.next_code("ada@example.com", "Confirm")

    for user, given in ((bob, token), (ada, verify), (ada, "x")):
        status, answer = await user.rest("DELETE", "/users/account", json={"token": given})
        assert (status, answer["code"]) == (400, "invalid_token")

    assert (await ada.rest("DELETE", "/users/account", json={"token": token}))[0] == 204
    assert (await bob.rest("GET", "/auth/me"))[0] == 200


async def test_all_data_of_an_account_can_be_exported(instance):
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    for body in ("=1+1", "hello 🐝", "a,b\nc"):
        await ada.send(room_id, body)
    await instance.users["ada"].mark_sessions_confirmed()
    status, answer = await instance.users["ada"].rest("GET", "/users/account/export?format=json")
    assert status == 200
    data = answer["data"]
    assert data["account"]["email"] == "ada@example.com"
    assert [message["body"] for message in data["messages"]] == ["=1+1", "hello 🐝", "a,b\nc"]
    assert len(data["sessions"]) == 1
    assert room_id in [membership["room_id"] for membership in data["memberships"]]
    assert "digest" not in json.dumps(data)
    assert "bob" not in json.dumps(data)

    headers = {"Authorization": f"Bearer {instance.users['ada'].token}"}
    url = f"{instance.url}/api/v1/users/account/export"
    async with instance.http.get(url, params={"format": "csv"}, headers=headers) as file:
        assert file.status == 200
        assert file.content_type == "application/zip"
        assert "attachment" in file.headers["Content-Disposition"]
        archive = zipfile.ZipFile(io.BytesIO(await file.read()))
    assert archive.testzip() is None
    assert {f"{name}.csv" for name in data} == set(archive.namelist())
    rows = list(csv.DictReader(io.StringIO(archive.read("messages.csv").decode(), newline="")))
    assert [row["body"] for row in rows] == ["'=1+1", "hello 🐝", "a,b\nc"]
    status, answer = await instance.users["ada"].rest("GET", "/users/account/export?format=xml")
    assert (status, answer["code"]) == (422, "invalid_payload")
