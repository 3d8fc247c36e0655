"""What creates notifications, from end to end: messages, invitations, logins, passwords, announcements."""

from typing import Any

import pytest

from hubbub import models
from hubbub.config import Settings
from tests.support.live_instance import PASSWORD, Client, LiveInstance


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"inline_workers": True, "default_rooms": ()})


async def next_kind(client: Client, kind: str) -> dict[str, Any]:
    """The next notification of a kind."""
    event = await client.next_event("notification:new", lambda it: it["notification"]["kind"] == kind)
    notification: dict[str, Any] = event["notification"]
    return notification


async def test_a_message_notifies_within_a_second(instance: LiveInstance) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    chat, inbox = await ada.connect_client(), await bob.connect_inbox()
    room = (await chat.call("room:create", kind="private", name="Garden", member_ids=[bob.id]))["room"]

    invited = await next_kind(inbox, "room.invited")
    sent = await chat.send(room["id"], "hello @bob, " + "x" * 300)
    mention = await next_kind(inbox, "message.mention")

    assert (invited["title"], invited["data"]) == ("Ada added you to Garden", {"room_id": room["id"]})
    assert invited["actor"]["id"] == ada.id
    assert mention["title"] == "Ada mentioned you in Garden"
    assert mention["body"].startswith("hello @bob, xxx")
    assert len(mention["body"]) == 140
    assert mention["data"] == {"room_id": room["id"], "message_id": sent["id"], "seq": sent["seq"]}


async def test_what_a_notification_shows_follows_its_message_and_actor(instance: LiveInstance) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    chat, inbox = await ada.connect_client(), await bob.connect_inbox()
    room_id = (await chat.call("room:create", kind="direct", member_ids=[bob.id]))["room"]["id"]
    first = await chat.send(room_id, "a secret")
    await next_kind(inbox, "message.direct")

    await chat.call("message:edit", message_id=first["id"], body="less secret")
    await ada.rest("PATCH", "/users/profile", json={"display_name": "Countess"})
    edited = (await inbox.call("notification:list"))["notifications"][0]
    await chat.call("message:delete", message_id=first["id"])
    await bob.rest("PATCH", "/settings/preferences", json={"language": "de"})
    deleted = (await inbox.call("sync", after_seq=0))["entries"][0]["payload"]["notification"]

    assert (edited["title"], edited["body"]) == ("Countess", "less secret")
    assert (deleted["title"], deleted["body"]) == ("Countess", "")


async def test_events_of_the_account_notify_with_their_data(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    inbox = await ada.connect_inbox()
    login = {"email": "ada@example.com", "password": PASSWORD, "device_name": "Laptop"}

    await instance.rest("POST", "/auth/login", json=login)
    new_login = await next_kind(inbox, "security.new_login")
    change = {"current_password": PASSWORD, "new_password": "staple of another kind"}
    await ada.rest("POST", "/auth/change-password", json=change)
    changed = await next_kind(inbox, "security.password_changed")

    assert new_login["data"].keys() == {"session_id", "device_name", "ip", "at"}
    assert new_login["data"]["device_name"] == "Laptop"
    assert new_login["body"] == f"Laptop, IP address {new_login['data']['ip']}"
    assert (changed["title"], changed["data"], changed["actor"]) == ("Your password was changed", {}, None)


async def test_an_announcement_reaches_connected_users_and_later_the_others(instance: LiveInstance) -> None:
    ada, bob, root = [await instance.register(name) for name in ("ada", "bob", "chief")]
    await models.User.filter(id=root.id).update(role="admin")
    inbox = await ada.connect_inbox()
    announcement = {"title": "Maintenance", "body": "At two.\nFor an hour.", "url": "https://example.com/x"}

    refused, _ = await ada.rest("POST", "/admin/announcements", json=announcement)
    status, _ = await root.rest("POST", "/admin/announcements", json=announcement)
    received = await next_kind(inbox, "system.announcement")
    late = await instance.register("late")
    later = await bob.connect_inbox()
    none = await late.connect_inbox()

    assert (refused, status) == (403, 201)
    assert (received["title"], received["body"]) == ("Maintenance", "At two.\nFor an hour.")
    assert received["data"] == {"url": "https://example.com/x"}
    assert (later.ready["last_seq"], later.ready["unread"]) == (1, 1)
    assert (none.ready["last_seq"], none.ready["unread"]) == (0, 0)


async def test_decisions_are_explained_to_admins_only(instance: LiveInstance) -> None:
    ada, root = await instance.register("ada"), await instance.register("chief")
    await models.User.filter(id=root.id).update(role="moderator")
    inbox = await ada.connect_inbox()
    login = {"email": "ada@example.com", "password": PASSWORD, "device_name": "Laptop"}
    await instance.rest("POST", "/auth/login", json=login)
    notification = await next_kind(inbox, "security.new_login")
    path = f"/admin/notifications/{notification['id']}/decisions"

    refused, _ = await ada.rest("GET", path)
    status, answer = await root.rest("GET", path)

    assert (refused, status) == (403, 200)
    assert {(each["channel"], each["reason"]) for each in answer["data"]} >= {("in_app", "delivered")}
