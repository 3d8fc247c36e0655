"""Queries of public portfolios: who is public, and plans beside thousands of other users."""

import re
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.queries.portfolio import public, versions
from tests.support.query_plans import ExplainingSql

USERS = 3000
WHOLE = re.compile(r"Seq Scan on|SCAN (?:u|p|users|portfolio_profiles)$", re.MULTILINE)


async def make_user(sql, name, **fields):
    user = await models.User.create(
        username=name, email=f"{name}@example.com", display_name=name.title(), **fields
    )
    await versions.touch(sql, user.id, clock.now())
    await models.PortfolioProfile.filter(user_id=user.id).update(is_public=True)
    return user


async def test_only_public_portfolios_have_a_version(sql):
    now = clock.now()
    hour = timedelta(hours=1)
    ada = await make_user(sql, "ada")
    again = await make_user(sql, "again", suspended_at=now - 2 * hour, suspended_until=now - hour)
    hidden = [
        await make_user(sql, "deleted", deleted_at=now),
        await make_user(sql, "banned", suspended_at=now),
        await make_user(sql, "paused", suspended_at=now, suspended_until=now + hour),
        await make_user(sql, "private"),
    ]
    await models.PortfolioProfile.filter(user_id=hidden[-1].id).update(is_public=False)
    await models.User.create(username="none", email="none@example.com", display_name="None")
    names = ["ada", "again", "deleted", "banned", "paused", "private", "none", "unknown"]

    found = await public.versions(sql, names)

    assert found == {"ada": (ada.id, 1), "again": (again.id, 1)}
    assert [(await public.owner(sql, each.id)) is not None for each in (ada, again, *hidden)] == [
        *(True, True, False, False, False, False),
    ]
    assert await public.owner(sql, ids.uuid7()) is None


async def test_a_version_differs_after_each_change(sql):
    ada = await make_user(sql, "ada")
    found = [(await public.versions(sql, ["ada"]))["ada"].version]

    await versions.touch(sql, ada.id, clock.now())
    found.append((await public.versions(sql, ["ada"]))["ada"].version)
    assert await versions.bump(sql, [ada.id, ids.uuid7()]) == [ada.id]
    found.append((await public.versions(sql, ["ada"]))["ada"].version)

    assert found == [1, 2, 3]


async def test_no_query_reads_the_portfolios_of_others(sql):
    now = clock.now()
    await models.User.bulk_create(
        [
            models.User(username=f"user{n}", email=f"user{n}@example.com", display_name="x")
            for n in range(USERS)
        ],
        batch_size=500,
    )
    await sql.execute(
        "INSERT INTO portfolio_profiles (user_id, version, updated_at, is_public) "
        "SELECT id, 1, $1, $2 FROM users",
        *(now, True),
    )
    ada = await make_user(sql, "ada")
    await sql.execute("ANALYZE")
    explaining = ExplainingSql(sql)

    await public.versions(explaining, ["ada", "bob"])
    await public.owner(explaining, ada.id)
    await versions.bump(explaining, [ada.id])

    assert len(explaining.plans) == 3
    assert [plan for plan in explaining.plans if WHOLE.search(plan)] == []


def test_a_tag_names_the_user():
    user_id = ids.uuid7()

    assert versions.user_id_of(versions.tag_of(user_id)) == user_id


@pytest.mark.parametrize("count", [1, 2])
async def test_several_usernames_take_one_query(sql, count):
    for name in ("ada", "bob")[:count]:
        await make_user(sql, name)
    explaining = ExplainingSql(sql)

    found = await public.versions(explaining, ["ada", "bob"])

    assert (len(found), len(explaining.plans)) == (count, 1)
