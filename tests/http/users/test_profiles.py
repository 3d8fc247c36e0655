"""/users: profiles."""

import pytest


async def test_a_profile_is_changed_and_visible(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    given = {
        "display_name": "Ada L.",
        "bio": "First of all.\nThen more.",
        "location": "London",
        "website_url": "https://ada.example/about?x=1",
    }

    status, changed = await ada.rest("PATCH", "/users/profile", json=given)

    assert status == 200
    assert {name: changed["data"][name] for name in given} == given
    assert await bob.rest("GET", "/users/ADA") == (200, changed)
    assert "email" not in changed["data"]
    assert await ada.rest("PATCH", "/users/profile", json={"website_url": None, "location": ""}) == (
        200,
        {"data": {**changed["data"], "website_url": None, "location": ""}},
    )


async def test_a_new_name_is_on_the_next_message_and_visible_to_later_members(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")

    await instance.users["ada"].rest("PATCH", "/users/profile", json={"display_name": "Countess"})
    await ada.send(room_id, "hello")

    received = await bob.next_event("message:new")
    assert received["message"]["sender"]["display_name"] == "Countess"
    assert (await instance.another_client("ada")).ready["user"]["display_name"] == "Countess"


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
        ("username", "eve"),
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
    assert (await ada.rest("GET", f"/users/{'x' * 65}"))[0] == 422
