"""/…/preferences: preferences of users."""

import asyncio

import msgspec
import pytest

from hubbub import models
from hubbub.schemas.users import preferences as wire

PATHS = {
    "/settings/preferences": (wire.AppPreferences, {"theme": "dark", "sounds": False}),
    "/notifications/preferences": (wire.NotificationPreferences, {"push": False, "quiet_from": "22:00"}),
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


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/settings/preferences", {"theme": "pink"}),
        ("/settings/preferences", {"them": "dark"}),
        ("/settings/preferences", {"language": "<script>"}),
        ("/settings/preferences", {"time_zone": "../../etc/passwd"}),
        ("/notifications/preferences", {"quiet_from": "25:00"}),
        ("/notifications/preferences", {"push": "yes"}),
        ("/email/preferences", {"digest": None}),
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
