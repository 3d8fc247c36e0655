"""A response comes from memory until the next write of its owner, is logged, and has an id."""

import logging
from uuid import uuid4

from hubbub.core import metrics
from tests.http.public.portfolios.requests import get, load
from tests.support.databases import both_databases
from tests.support.pictures import form, picture
from tests.support.public_portfolio import add, public_portfolio


@both_databases
async def test_each_write_is_seen_by_the_next_read(instance):
    ada, items = await public_portfolio(instance)
    project = items["projects"]

    async def loaded():
        return (await get(instance, "ada"))[1]["data"]

    await loaded()
    for number in range(3):
        await ada.rest("PATCH", f"/portfolio/projects/{project['id']}", json={"title": f"Bridge {number}"})
        assert (await loaded())["sections"]["projects"]["items"][0]["title"] == f"Bridge {number}"
    await ada.rest("PATCH", "/users/profile", json={"display_name": "Ada L."})
    assert (await loaded())["user"]["display_name"] == "Ada L."
    await ada.rest("DELETE", f"/portfolio/projects/{project['id']}")
    assert (await loaded())["sections"]["projects"] == {"items": [], "total": 0}
    await ada.rest("POST", f"/portfolio/projects/{project['id']}/restore")
    assert (await loaded())["sections"]["projects"]["total"] == 1
    await ada.rest("PATCH", "/portfolio/profile", json={"bio": "changed"})
    assert (await loaded())["profile"]["bio"] == "changed"
    other = await add(ada, "projects", title="Another")
    order = [other["id"], project["id"]]
    await ada.rest("PATCH", "/portfolio/projects/reorder", json={"ids": order})
    assert [each["id"] for each in (await loaded())["sections"]["projects"]["items"]] == order
    await ada.rest("POST", "/portfolio/projects/bulk-delete", json={"ids": order})
    assert (await loaded())["sections"]["projects"]["total"] == 0
    slug = items["blog"]["slug"]
    await ada.rest("PATCH", f"/portfolio/blog/{slug}/publish", json={"published": False})
    assert (await loaded())["sections"]["blog"]["total"] == 0
    await ada.rest("PATCH", f"/portfolio/blog/{slug}/publish", json={"published": True})
    assert (await loaded())["sections"]["blog"]["total"] == 1
    document = {"version": 1, "skills": [{"name": "Riveting", "category": "tool"}]}
    assert (await ada.rest("POST", "/portfolio/import?mode=merge", json=document))[0] == 200
    assert (await loaded())["sections"]["skills"]["total"] == 2
    await ada.rest("POST", "/users/profile/avatar", data=form(("a.png", picture())))
    assert (await loaded())["user"]["avatar_url"] is not None
    await ada.rest("DELETE", "/portfolio/profile/avatar")
    assert (await loaded())["profile"]["avatar"] is None


async def test_a_read_from_memory_takes_no_statement(instance):
    await public_portfolio(instance)
    await load(instance, "ada")
    statements = metrics.counters["database_statements"]
    hits = metrics.labelled["cache_reads"]["memory"]

    found = [await load(instance, "ada") for _ in range(5)]

    assert {status for status, _, _ in found} == {200}
    # The version is read once a second: on a busy machine once in five reads.
    assert metrics.counters["database_statements"] - statements <= 1
    assert metrics.labelled["cache_reads"]["memory"] - hits >= 4


async def test_words_and_unknown_names_are_not_kept(instance):
    await public_portfolio(instance)
    entries = instance.app.container.cache._entries
    await load(instance, "ada/projects")
    before = len(entries)

    for number in range(30):
        await load(instance, f"ada/projects?q=word{number}")
        await load(instance, f"ada/projects?tags=tag{number}")
        await load(instance, f"ada/projects?page={1000 + number}")
        await load(instance, f"ada/projects?unknown={number}")
        await load(instance, f"ada/projects/{uuid4()}")
        await load(instance, f"user{number}")

    assert len(entries) == before


async def test_a_response_from_memory_is_logged(instance, caplog):
    await public_portfolio(instance)
    await load(instance, "ada")
    caplog.set_level(logging.INFO, logger="hubbub.http")

    await load(instance, "ada", headers={"X-Request-ID": "trace-2"})

    (line,) = [each for each in caplog.records if each.message == "request"]
    assert (line.method, line.route, line.status, line.user_id) == ("GET", "cached", 200, None)
    assert line.ms >= 0


async def test_the_id_of_the_client_is_in_a_response_from_memory(instance):
    await public_portfolio(instance)
    await load(instance, "ada")

    good = await load(instance, "ada", headers={"X-Request-ID": "trace-1"})
    bad = await load(instance, "ada", headers={"X-Request-ID": "two words"})

    assert good[1]["X-Request-ID"] == "trace-1"
    assert bad[1]["X-Request-ID"] not in ("two words", "")
