"""/users: profiles."""

import asyncio
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from tests.support.live_instance import PASSWORD


async def test_a_profile_is_changed_and_visible(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    given = {
        "display_name": "Ada L.",
        "first_name": "Augusta Ada",
        "last_name": "李",
        "bio": "First of all.\nThen more.",
        "location": "London",
        "website_url": "https://ada.example/about?x=1",
    }

    status, changed = await ada.rest("PATCH", "/users/profile", json=given)

    assert status == 200
    assert {name: changed["data"][name] for name in given} == given
    assert await ada.rest("GET", "/users/profile") == (200, changed)
    visible = {name: value for name, value in changed["data"].items() if name != "metadata"}
    assert await bob.rest("GET", "/users/ADA") == (200, {"data": visible})
    assert "email" not in visible
    cleared = {"website_url": None, "location": "", "first_name": " ", "last_name": None}
    assert await ada.rest("PATCH", "/users/profile", json=cleared) == (
        200,
        {"data": {**changed["data"], "website_url": None, "location": "", "first_name": "", "last_name": ""}},
    )


async def test_metadata_is_only_for_its_owner(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    assert (await ada.rest("GET", "/users/profile"))[1]["data"]["metadata"] == {}
    stored = {"theme": {"panes": [1, 2.5, None, True]}, "ключ": "значение"}

    _, changed = await ada.rest("PATCH", "/users/profile", json={"metadata": stored})
    await ada.rest("PATCH", "/users/profile", json={"bio": "first of all"})

    assert changed["data"]["metadata"] == stored
    assert (await ada.rest("GET", "/users/profile"))[1]["data"]["metadata"] == stored
    for asker in (ada, bob):
        assert "metadata" not in (await asker.rest("GET", "/users/ada"))[1]["data"]
    await ada.rest("PATCH", "/users/profile", json={"metadata": {"a": 1}})  # replaced, not merged
    assert (await ada.rest("GET", "/users/profile"))[1]["data"]["metadata"] == {"a": 1}
    await ada.rest("PATCH", "/users/profile", json={"metadata": None})
    assert (await ada.rest("GET", "/users/profile"))[1]["data"]["metadata"] == {}


async def test_a_new_username_is_on_the_next_message_and_the_former_one_is_free(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    user = instance.users["ada"]

    status, changed = await user.rest("PATCH", "/users/profile", json={"username": "Lovelace"})
    await ada.send(room_id, "hello")

    assert (status, changed["data"]["username"]) == (200, "lovelace")
    received = await bob.next_event("message:new")
    assert received["message"]["sender"]["username"] == "lovelace"
    assert (await instance.another_client("ada")).ready["user"]["username"] == "lovelace"
    assert (await user.rest("GET", "/users/ada"))[0] == 404
    assert (await user.rest("GET", "/users/lovelace"))[1]["data"]["id"] == user.id
    assert (await user.rest("GET", "/auth/me"))[1]["data"]["username"] == "lovelace"
    other = {"name": "Ada", "email": "other@example.com", "password": PASSWORD, "username": "ada"}
    assert (await instance.rest("POST", "/auth/register", json=other))[0] == 201


async def test_a_username_is_changed_once_a_day(instance):
    ada = await instance.register("ada")

    assert (await ada.rest("PATCH", "/users/profile", json={"username": "ada"}))[0] == 200  # no change
    assert (await ada.rest("PATCH", "/users/profile", json={"username": "ada.l"}))[0] == 200
    status, refusal = await ada.rest("PATCH", "/users/profile", json={"username": "ada", "bio": "changed"})

    assert (status, refusal["code"], refusal["errors"][0]["field"]) == (409, "conflict", "username")
    _, own = await ada.rest("GET", "/users/profile")
    assert (own["data"]["username"], own["data"]["bio"]) == ("ada.l", "")
    assert (await ada.rest("PATCH", "/users/profile", json={"username": "ADA.L", "bio": "x"}))[0] == 200
    before = clock.now() - timedelta(hours=24, seconds=1)
    await models.User.filter(id=ada.id).update(username_changed_at=before)
    assert (await ada.rest("PATCH", "/users/profile", json={"username": "ada"}))[0] == 200


async def test_a_username_has_one_user(instance):
    ada, bob, eve = [await instance.register(name) for name in ("ada", "bob", "eve")]

    status, refusal = await ada.rest("PATCH", "/users/profile", json={"username": "Bob", "bio": "changed"})
    raced = await asyncio.gather(
        *(user.rest("PATCH", "/users/profile", json={"username": "wanted"}) for user in (ada, bob, eve))
    )

    assert (status, refusal["code"], refusal["errors"][0]["field"]) == (409, "conflict", "username")
    assert (await ada.rest("GET", "/users/profile"))[1]["data"]["bio"] == ""
    assert sorted(status for status, _ in raced) == [200, 409, 409]


async def test_of_concurrent_changes_of_a_username_one_is_made(instance):
    ada = await instance.register("ada")

    raced = await asyncio.gather(
        *(ada.rest("PATCH", "/users/profile", json={"username": f"ada{number}"}) for number in range(4))
    )

    assert sorted(status for status, _ in raced) == [200, 409, 409, 409]


async def test_an_operator_keeps_a_reserved_username(instance):
    ada = await instance.register("ada")
    await models.User.filter(id=ada.id).update(username="admin")

    status, own = await ada.rest("PATCH", "/users/profile", json={"username": "admin", "bio": "x"})

    assert (status, own["data"]["username"], own["data"]["bio"]) == (200, "admin", "x")


async def test_a_new_name_is_on_the_next_message_and_visible_to_later_members(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")

    await instance.users["ada"].rest("PATCH", "/users/profile", json={"display_name": "Countess"})
    await ada.send(room_id, "hello")

    received = await bob.next_event("message:new")
    assert received["message"]["sender"]["display_name"] == "Countess"
    assert (await instance.another_client("ada")).ready["user"]["display_name"] == "Countess"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", ""),
        ("display_name", "two\nlines"),
        ("display_name", "x" * 81),
        ("display_name", None),
        ("bio", "x" * 501),
        ("location", "x" * 101),
        ("website_url", "javascript:alert(1)"),
        ("website_url", "https://"),
        ("website_url", "https://[nonsense"),
        ("website_url", "//ada.example"),
        ("website_url", "https://ada.example/ x"),
        ("website_url", "https://a.example/" + "x" * 200),
        ("username", "ad"),
        ("username", "a d a"),
        ("username", None),
        ("username", "admin"),
        ("username", "Deleted-ada"),
        ("username", "m0derator"),
        ("first_name", "x" * 51),
        ("last_name", "two\nlines"),
        ("last_name", 5),
        ("metadata", []),
        ("metadata", "text"),
        ("metadata", {"a": "x" * 4090}),
        ("metadata", {"a": ["x\u0000"]}),
        ("metadata", {"a": [[[[[[[[1]]]]]]]]}),
        ("role", "admin"),
        ("email_verified", True),
    ],
)
async def test_invalid_and_read_only_fields_are_refused(instance, field, value):
    ada = await instance.register("ada")
    before = await ada.rest("GET", "/users/ada")

    status, refusal = await ada.rest("PATCH", "/users/profile", json={"bio": "changed", field: value})

    assert (status, refusal["code"]) == (422, "invalid_payload")
    assert refusal["errors"][0]["field"] == field
    assert await ada.rest("GET", "/users/ada") == before


async def test_an_unknown_user_is_not_found(instance):
    ada = await instance.register("ada")
    assert (await ada.rest("GET", "/users/nobody"))[0] == 404
    assert (await ada.rest("GET", f"/users/{'x' * 65}"))[0] == 404
