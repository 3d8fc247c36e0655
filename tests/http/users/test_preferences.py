"""/…/preferences: preferences of users."""

import asyncio

import msgspec
import pytest

from hubbub import models
from hubbub.schemas.users import preferences as wire

PATHS = {
    "/settings/preferences": (wire.AppPreferences, {"theme": "dark", "sounds": False}),
    "/notifications/preferences": (wire.NotificationPreferences, {"push": False, "push_preview": False}),
    "/email/preferences": (wire.EmailPreferences, {"digest": "weekly"}),
}


@pytest.mark.parametrize("path", PATHS)
async def test_defaults_are_returned_and_choices_stored(instance, path):
    kind, chosen = PATHS[path]
    ada, bob = await instance.register("ada"), await instance.register("bob")
    defaults = msgspec.to_builtins(kind())

    assert await ada.rest("GET", path) == (200, {"data": defaults})
    assert await ada.rest("PATCH", path, json=chosen) == (200, {"data": {**defaults, **chosen}})

    assert await ada.rest("GET", path) == (200, {"data": {**defaults, **chosen}})
    assert await bob.rest("GET", path) == (200, {"data": defaults})


async def test_preferences_can_be_reset_to_the_defaults(instance):
    ada = await instance.register("ada")
    _, before = await ada.rest("GET", "/settings/preferences")
    await ada.rest("PATCH", "/settings/preferences", json={"theme": "dark"})

    assert await ada.rest("POST", "/settings/preferences/reset") == (200, before)
    assert await ada.rest("GET", "/settings/preferences") == (200, before)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/settings/preferences", {"theme": "pink"}),
        ("/settings/preferences", {"them": "dark"}),
        ("/settings/preferences", {"language": "<script>"}),
        ("/settings/preferences", {"time_zone": "../../etc/passwd"}),
        ("/notifications/preferences", {"quiet": {"from": "25:00", "until": "07:00"}}),
        ("/notifications/preferences", {"quiet": {"from": "22:00"}}),
        ("/notifications/preferences", {"quiet": {"from": "22:00", "until": "22:00"}}),
        ("/notifications/preferences", {"quiet": {"from": "22:00", "until": "07:00", "days": []}}),
        ("/notifications/preferences", {"quiet": {"from": "22:00", "until": "07:00", "days": ["sunday"]}}),
        ("/notifications/preferences", {"quiet": {"from": "22:00", "until": "07:00", "x": 1}}),
        ("/notifications/preferences", {"kinds": {"message.other": {"in_app": False}}}),
        ("/notifications/preferences", {"kinds": {"message.direct": {"email": False}}}),
        ("/notifications/preferences", {"kinds": {"security.new_login": {"in_app": False}}}),
        ("/notifications/preferences", {"kinds": {"security.password_changed": {"in_app": False}}}),
        ("/notifications/preferences", {"message_direct": False}),
        ("/notifications/preferences", {"push": "yes"}),
        ("/email/preferences", {"digest": None}),
        ("/email/preferences", {"digest": "hourly"}),
        ("/email/preferences", {"digest_hour": 24}),
        ("/email/preferences", {"password_changed": False}),
    ],
)
async def test_nothing_else_can_be_stored(instance, path, wrong):
    ada = await instance.register("ada")
    _, before = await ada.rest("GET", path)

    assert (await ada.rest("PATCH", path, json=wrong))[0] == 422
    assert await ada.rest("GET", path) == (200, before)


async def test_concurrent_changes_are_both_stored(instance):
    ada = await instance.register("ada")
    changes = [{"theme": "dark"}, {"sounds": False}, {"density": "compact"}, {"enter_sends": False}]

    answers = await asyncio.gather(
        *(ada.rest("PATCH", "/settings/preferences", json=change) for change in changes)
    )

    assert [status for status, _ in answers] == [200] * 4
    _, after = await ada.rest("GET", "/settings/preferences")
    assert after["data"].items() >= {name: it for change in changes for name, it in change.items()}.items()


async def test_a_choice_that_is_no_longer_offered_is_ignored(instance):
    ada = await instance.register("ada")
    await ada.rest("PATCH", "/settings/preferences", json={"theme": "dark"})
    await models.Preference.filter(user_id=ada.id).update(
        chosen='{"theme": "sepia", "gone": 1, "density": "compact"}'
    )

    _, after = await ada.rest("GET", "/settings/preferences")

    assert (after["data"]["theme"], after["data"]["density"]) == ("system", "compact")


async def test_notification_preferences_are_merged_at_every_depth(instance):
    path, ada = "/notifications/preferences", await instance.register("ada")
    changes = [
        {"kinds": {"message.direct": {"push": False}}},
        {"kinds": {"message.direct": {"sms": True}, "security.new_login": {"push": False}}},
        {"quiet": {"from": "22:00", "until": "07:00"}},
        {"quiet": {"days": ["sun", "mon", "sun"]}},
        {"quiet": {"until": "08:00"}, "in_app": False},
    ]

    for change in changes:
        assert (await ada.rest("PATCH", path, json=change))[0] == 200
    _, answer = await ada.rest("GET", path)

    kinds = answer["data"]["kinds"]
    assert kinds["message.direct"] == {"in_app": True, "push": False, "sms": True}
    assert kinds["security.new_login"] == {"in_app": True, "push": False, "sms": False}
    assert kinds["system.announcement"] == {"in_app": True, "push": False, "sms": False}
    assert kinds["message.reply"] == {"in_app": True, "push": True, "sms": False}
    assert answer["data"]["quiet"] == {"from": "22:00", "until": "08:00", "days": ["mon", "sun"]}
    assert (answer["data"]["in_app"], answer["data"]["push"]) == (False, True)
    status, answer = await ada.rest("PATCH", path, json={"quiet": None})
    assert (status, answer["data"]["quiet"]) == (200, None)


async def test_a_consent_to_marketing_is_recorded_with_its_time(instance):
    path, ada = "/email/preferences", await instance.register("ada")

    await ada.rest("PATCH", path, json={"marketing": True})
    await ada.rest("PATCH", path, json={"digest": "daily"})
    _, answer = await ada.rest("GET", path)
    row = await models.Preference.get(user_id=ada.id, kind="email")
    stored = msgspec.json.decode(row.chosen)

    assert answer["data"]["marketing"]
    assert answer["data"].keys() == set(wire.EmailPreferences.__struct_fields__)
    assert stored["marketing_consent"]["way"] == "settings"
    assert stored["marketing_consent"]["at"] <= stored["digest_chosen_at"]
