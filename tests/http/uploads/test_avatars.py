"""Avatars: everywhere the user is shown, over REST and sockets."""

import pytest

from tests.http.uploads.test_uploads import load, stored
from tests.support.pictures import PDF, form, picture


async def test_an_avatar_is_set_replaced_and_removed(instance):
    ada = await instance.register("ada")
    first = await stored(ada, picture(300, 200), path="/users/profile/avatar")
    assert (first["kind"], [each["width"] for each in first["thumbnails"]]) == ("avatar", [64])
    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] == first["url"]
    assert (await load(instance, first["url"]))[0] == 200

    second = await stored(ada, picture(200, 300), path="/users/profile/avatar")
    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] == second["url"]
    assert [(await load(instance, each["url"]))[0] for each in (first, second)] == [401, 200]
    assert (await ada.rest("DELETE", f"/uploads/{first['id']}"))[0] == 204
    status, answer = await ada.rest("DELETE", f"/uploads/{second['id']}")
    assert (status, answer["code"]) == (409, "conflict")
    assert answer["errors"] == [{"field": f"avatar:{ada.id}", "message": "The upload is your avatar."}]

    for _ in range(2):
        assert (await ada.rest("DELETE", "/users/profile/avatar"))[0] == 204
    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] is None
    assert (await load(instance, second["url"]))[0] == 401
    assert (await ada.rest("DELETE", f"/uploads/{second['id']}"))[0] == 204


async def test_an_uploaded_avatar_is_not_set(instance):
    ada = await instance.register("ada")
    upload = await stored(ada, picture(100, 100), path="/upload/avatar")

    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] is None
    assert (await load(instance, upload["url"]))[0] == 401


async def test_everyone_sees_a_new_avatar_at_once(instance):
    room, (ada, eve) = await instance.room_with_clients("ada", "eve")
    user = instance.users["ada"]
    first = await ada.send(room, "before")
    assert first["sender"]["avatar_url"] is None

    avatar = await stored(user, picture(100, 100), path="/users/profile/avatar")

    sent = await ada.send(room, "after")
    assert sent["sender"]["avatar_url"] == avatar["url"]
    entry = await eve.next_event("message:new", lambda event: event["message"]["body"] == "after")
    assert entry["message"]["sender"]["avatar_url"] == avatar["url"]
    history = (await eve.call("message:history", room_id=room))["messages"]
    assert {each["sender"]["avatar_url"] for each in history} == {avatar["url"]}
    members = (await instance.users["eve"].rest("GET", f"/rooms/{room}/members"))[1]["data"]
    shown = {each["user"]["username"]: each["user"]["avatar_url"] for each in members}
    assert shown == {"ada": avatar["url"], "eve": None}
    profile = (await instance.users["eve"].rest("GET", "/users/ada"))[1]["data"]
    assert profile["avatar_url"] == avatar["url"]
    again = await user.connect_client()
    assert again.ready["user"]["avatar_url"] == avatar["url"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_refused_avatar_changes_nothing(instance):
    ada = await instance.register("ada")
    avatar = await stored(ada, picture(100, 100), path="/users/profile/avatar")

    assert (await ada.rest("POST", "/users/profile/avatar", data=form(("a.png", PDF))))[0] == 415

    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] == avatar["url"]
