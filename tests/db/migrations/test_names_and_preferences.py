"""The migrations of names, reactions and preferences convert rows of earlier releases."""

import json

import pytest

from hubbub.core.text import names
from hubbub.db import migrations
from tests.db.migrations.steps import STEPS, copy_steps
from tests.support import migration
from tests.support.schema import DatabaseInspector

NAMES = next(index for index, step in enumerate(STEPS) if step.endswith("_names.py"))
ROOMS = [  # age in days, name, key before, key after; None: one that no name has
    (5, "st\u200baff", "st\u200baff", "staff"),
    (3, "staff", "staff", None),
    (1, "ST\u00adAFF", "st\u00adaff", None),
    (2, "the  garden", "the  garden", "the garden"),
    (4, "\u200b", "\u200b", None),
    (6, "Stra\u00dfe", "strasse", "strasse"),
    (7, "long", "l" * 240, "long"),
]
REACTIONS = [  # user, emoji before, emoji after; None: merged
    (0, "\u2764", "\u2764\ufe0f"),
    (0, "\u2764\ufe0f", None),
    (0, "\U0001f44d", "\U0001f44d"),
    (0, "\U0001f44d\ufe0f", None),
    (1, "\U0001f44d\ufe0f", "\U0001f44d"),
    (1, "\u2764", "\u2764\ufe0f"),
    (2, "\u2764\ufe0f", "\u2764\ufe0f"),
    (2, "+1", "+1"),
    (2, "\u2764\ufe0e", "\u2764\ufe0e"),
]


def _id(number):
    return f"01890a5d-ac96-774b-bcce-{number:012}"


async def _rows_before_names(inspector):
    """Rooms and reactions of an earlier release. The ids of rooms are not in the order of their ages."""
    rooms = [
        {"id": _id(age), "kind": "public", "name": name, "name_key": key, "direct_key": str(age)}
        for age, name, key, _ in ROOMS
    ]
    await inspector.insert_rows(
        "rooms", *({**room, "created_at": _day(room["direct_key"])} for room in rooms)
    )
    ((message_id,),) = await inspector.rows("SELECT id FROM messages")
    users = (
        {"id": _id(number), "username": f"user{number}", "email": f"user{number}"} for number in range(3)
    )
    await inspector.insert_rows("users", *users)
    reactions = (
        {"id": _id(number), "message_id": message_id, "user_id": _id(user), "emoji": emoji}
        for number, (user, emoji, _) in enumerate(REACTIONS)
    )
    await inspector.insert_rows("reactions", *reactions)


def _day(age):
    return f"2026-01-{20 - int(age)} 12:00:00+00:00"


async def test_names_and_reactions_that_become_equal_are_merged(bare, folder):
    """In pages of two rows, and taken again after it was interrupted."""
    inspector, step = DatabaseInspector(bare), STEPS[NAMES]
    copy_steps(folder, STEPS[:NAMES])
    await migrations.up(bare)
    await inspector.fill_empty_tables()
    await _rows_before_names(inspector)
    displayed = await inspector.rows("SELECT id, name FROM rooms ORDER BY id")
    text = (migration.LOCATION / step).read_text("utf-8").replace("PAGE = 1000", "PAGE = 2")

    last = '        last = rows[-1]["id"]\n'
    (folder / step).write_text(text.replace(last, last + "        raise KeyError\n"), "utf-8")
    with pytest.raises(KeyError):
        await migrations.up(bare)
    (folder / step).write_text(text, "utf-8")
    assert await migrations.up(bare) == [step]

    assert await inspector.rows("SELECT id, name FROM rooms ORDER BY id") == displayed
    keys = {str(room_id): key for room_id, key in await inspector.rows("SELECT id, name_key FROM rooms")}
    assert {_id(age): keys[_id(age)] for age, *_, key in ROOMS if key} == {
        _id(age): key for age, *_, key in ROOMS if key
    }
    apart = [keys[_id(age)] for age, *_, key in ROOMS if key is None]
    assert len(set(keys.values())) == len(keys)
    assert [key for key in apart if names.key(key) == key or len(key) > names.MAX_KEY_CHARS] == []
    found = {str(row[0]): row[1] for row in await inspector.rows("SELECT id, emoji FROM reactions")}
    wanted = {_id(number): after for number, (_, _, after) in enumerate(REACTIONS)}
    assert {one: found.get(one) for one in wanted} == wanted


NESTED = next(index for index, step in enumerate(STEPS) if step.endswith("_nested_preferences.py"))
PREFERENCES = [  # before, after, and after a downgrade; None: as before
    ({}, {}, None),
    ({"push": False}, {"push": False}, None),
    (
        {"message_direct": False, "system_announcement": False},
        {"kinds": {"message.direct": {"in_app": False}, "system.announcement": {"in_app": False}}},
        None,
    ),
    (
        {"room_invited": False, "quiet_from": "22:00", "quiet_until": "07:00"},
        {
            "kinds": {"room.invited": {"in_app": False}},
            "quiet": {
                "from": "22:00",
                "until": "07:00",
                "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            },
        },
        None,
    ),
    (  # a start without an end was no period
        {"quiet_from": "22:00", "message_reply": False},
        {"kinds": {"message.reply": {"in_app": False}}},
        {"message_reply": False},
    ),
]


async def test_stored_preferences_of_notifications_get_their_nested_form(bare, folder):
    """In pages of two rows. Preferences of other kinds stay as they are."""
    inspector, step = DatabaseInspector(bare), STEPS[NESTED]
    copy_steps(folder, STEPS[:NESTED])
    await migrations.up(bare)
    await inspector.fill_empty_tables()
    users = (
        {"id": _id(number), "username": f"user{number}", "email": f"user{number}"}
        for number in range(len(PREFERENCES))
    )
    await inspector.insert_rows("users", *users)
    for number, (before, _, _) in enumerate(PREFERENCES):
        for kind in ("notifications", "email"):
            row = {"user_id": _id(number), "kind": kind, "chosen": json.dumps(before)}
            await inspector.insert_rows("preferences", row)
    text = (migration.LOCATION / step).read_text("utf-8").replace("PAGE = 1000", "PAGE = 2")
    (folder / step).write_text(text, "utf-8")

    async def stored(kind: str) -> list[dict]:
        rows = await inspector.rows(
            "SELECT p.chosen FROM preferences p JOIN users u ON u.id = p.user_id "
            f"WHERE p.kind = '{kind}' AND u.username LIKE 'user%' ORDER BY u.username"
        )
        return [json.loads(chosen) for (chosen,) in rows]

    assert await migrations.up(bare) == [step]
    nested = await stored("notifications")
    assert await migrations.down(bare) == [step]

    assert nested == [after for _, after, _ in PREFERENCES]
    assert await stored("notifications") == [back or before for before, _, back in PREFERENCES]
    assert await stored("email") == [before for before, _, _ in PREFERENCES]
