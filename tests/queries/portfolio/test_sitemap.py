"""The public pages of all users, and the posts of a blog, on both databases."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.queries.portfolio import articles, sitemap

NOW = clock.now()


async def create_user(name, *, is_public=True, **fields):
    user = await models.User.create(
        username=name, email=f"{name}@example.org", display_name=name, **fields.pop("user", {})
    )
    await models.PortfolioProfile.create(user=user, updated_at=NOW, is_public=is_public, version=1, **fields)
    return user


async def create_item(user, resource, **fields):
    return await models.ITEM_MODELS[resource].create(user=user, created_at=NOW, updated_at=NOW, **fields)


async def create_post(user, slug, **fields):
    defaults = {"title": slug, "slug": slug, "published": True, "published_at": NOW}
    return await create_item(user, "blog", **{**defaults, **fields})


async def pages(sql, limit=50_000):
    return [(page.kind, page.username, page.name) async for page in sitemap.pages(sql, NOW, limit)]


async def test_only_public_pages_are_listed(sql):
    ada = await create_user("ada")
    await create_post(ada, "a")
    await create_post(ada, "draft", published=False)
    await create_post(ada, "removed", deleted_at=NOW)
    project = await create_item(ada, "projects", title="x", order=0)
    for name, fields in (
        ("private", {"is_public": False}),
        ("deleted", {"user": {"deleted_at": NOW}}),
        ("suspended", {"user": {"suspended_at": NOW}}),
        ("until", {"user": {"suspended_at": NOW, "suspended_until": NOW + timedelta(hours=1)}}),
    ):
        await create_post(await create_user(name, **fields), "x")
    await create_post(await create_user("hidden", show_blog=False, show_projects=False), "x")
    await create_user("again", user={"suspended_at": NOW, "suspended_until": NOW - timedelta(hours=1)})

    found = await pages(sql)

    assert sorted(found) == sorted(
        [
            ("portfolio", "ada", ""),
            ("blog", "ada", ""),
            ("post", "ada", "a"),
            ("project", "ada", str(project.id)),
            ("portfolio", "hidden", ""),
            ("portfolio", "again", ""),
        ]
    )


async def test_pages_are_read_in_slices_up_to_a_limit(sql, monkeypatch):
    monkeypatch.setattr(sitemap, "SLICE_USERS", 2)
    for number in range(5):
        await create_post(await create_user(f"user{number}"), "a")

    everything = await pages(sql)

    assert len(everything) == len(set(everything)) == 15
    assert [await pages(sql, limit) for limit in (0, 1, 3, 7)] == [
        everything[:limit] for limit in (0, 1, 3, 7)
    ]


async def test_the_version_differs_after_each_change(sql):
    seen = [await sitemap.version(sql)]
    user = await create_user("ada")
    seen.append(await sitemap.version(sql))
    await models.PortfolioProfile.filter(user=user).update(version=2)
    seen.append(await sitemap.version(sql))
    await models.PortfolioProfile.filter(user=user).update(is_public=False, version=3)
    seen.append(await sitemap.version(sql))

    assert len(set(seen[:3])) == 3
    assert seen[3] == seen[0]


@pytest.mark.parametrize("limit", [2, 5])
async def test_posts_are_newest_first_with_their_total(sql, limit):
    ada, grace = await create_user("ada"), await create_user("grace")
    for number in range(3):
        await create_post(ada, f"p{number}", published_at=NOW + timedelta(hours=number), tags='["a"]')
    await create_post(ada, "draft", published=False)
    await create_post(grace, "other")

    first, second = [await articles.published(sql, ada.id, limit, offset) for offset in (0, limit)]

    assert [each.slug for each in (*first.posts, *second.posts)] == ["p2", "p1", "p0"]
    assert first.total == 3
    assert first.posts[0].tags == ["a"]
