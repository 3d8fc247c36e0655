"""Public portfolios: what the public sees, who is public, validators, headers and limits."""

import asyncio
import logging
from datetime import timedelta
from ipaddress import ip_network
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.cluster import cache_entries
from hubbub.core import clock, metrics
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from tests.support.live_instance import LiveInstance
from tests.support.pictures import form, picture
from tests.support.public_portfolio import ITEMS, add, public_portfolio, set_profile
from tests.support.waiting import until

EVERY_REQUEST = {"Date", "X-Request-ID"}  # headers that differ between two equal requests


@pytest.fixture
def database_kind():
    return "sqlite"


both_databases = pytest.mark.parametrize("database_kind", ["sqlite", "postgres"], indirect=True)


async def load(instance, path, **options):
    """Return status, headers and body of `GET /public/portfolio/` + path, or of an absolute path."""
    method = options.pop("method", "GET")
    url = f"{instance.url}{path if path.startswith('/') else f'/api/v1/public/portfolio/{path}'}"
    async with instance.http.request(method, url, **options) as response:
        return response.status, response.headers, await response.read()


async def get(instance, path, **options):
    """Return status and JSON, held to the API document."""
    return await instance.rest("GET", f"/public/portfolio/{path}", **options)


# --- what the public sees ---


@both_databases
async def test_a_portfolio_has_the_user_the_profile_and_every_section(instance):
    ada, items = await public_portfolio(instance)
    await set_profile(instance, ada, bio="# Welder", location="Porto", accent="#aabbcc")

    status, response = await get(instance, "ada")

    assert status == 200
    data = response["data"]
    assert data["user"] == {
        "id": ada.id, "username": "ada", "display_name": "Ada", "avatar_url": None,
    }  # fmt: skip
    assert data["profile"] == {
        "avatar": None, "bio": "# Welder", "resume_url": None, "location": "Porto",
        "available_for_hire": False, "portfolio_url": None, "theme": "system", "accent": "#aabbcc",
    }  # fmt: skip
    assert list(data["sections"]) == [each.name for each in RESOURCES]
    assert data["sections"] == {name: {"items": [item], "total": 1} for name, item in items.items()}


@both_databases
async def test_each_list_and_each_item_is_that_of_the_owner(instance):
    _, items = await public_portfolio(instance)

    for name, item in items.items():
        assert await get(instance, f"ada/{name}") == (
            200,
            {"data": [item], "meta": {"page": 1, "limit": 20, "total": 1, "pages": 1}},
        )
        assert await get(instance, f"ada/{name}/{item['id']}") == (200, {"data": item})
    assert await get(instance, f"ada/blog/{items['blog']['slug']}") == (200, {"data": items["blog"]})


async def test_a_section_has_the_first_20_items_and_the_number_of_all(instance):
    ada, _ = await public_portfolio(instance)
    names = [f"Company {number:02}" for number in range(25)]
    for name in names:
        await add(ada, "companies", name=name)

    section = (await get(instance, "ada"))[1]["data"]["sections"]["companies"]

    assert ([each["name"] for each in section["items"]], section["total"]) == (
        ["Bridges Ltd", *names][:20],
        26,
    )


@both_databases
async def test_lists_are_paged_sorted_filtered_and_searched(instance):
    ada, items = await public_portfolio(instance)
    await add(ada, "projects", title="A ship", tags=["steel", "sea"], featured=False)
    await add(ada, "projects", title="Canoes", tags=["wood"], featured=False)

    async def titles(**params):
        status, response = await get(instance, "ada/projects", params=params)
        assert status == 200, response
        return [each["title"] for each in response["data"]], response["meta"]["total"]

    assert await titles(sort="-title", limit=2) == (["Canoes", "A ship"], 3)
    assert await titles(sort="title", page=2, limit=2) == (["Canoes"], 3)
    assert await titles(tags="steel", sort="title") == (["A bridge", "A ship"], 2)
    assert await titles(featured="true") == (["A bridge"], 1)
    assert await titles(q="cano") == (["Canoes"], 1)
    assert await titles(page=9) == ([], 3)
    for path, name in (("ada/blog", "published"), ("ada/contacts", "active")):
        totals = [(await get(instance, path, params={name: text}))[1] for text in ("true", "false")]
        assert [each["meta"]["total"] for each in totals] == [1, 0]
    experiences = await get(instance, "ada/experiences", params={"company_id": items["companies"]["id"]})
    assert experiences[1]["meta"]["total"] == 0


@pytest.mark.parametrize(
    "params", [{"limit": "101"}, {"page": "0"}, {"sort": "secret"}, {"featured": "perhaps"}]
)
async def test_a_wrong_query_is_refused(instance, params):
    await public_portfolio(instance)

    status, response = await get(instance, "ada/projects", params=params)

    assert (status, response["errors"][0]["field"]) == (422, next(iter(params)))


@both_databases
async def test_what_is_not_published_not_active_or_deleted_appears_nowhere(instance):
    ada, items = await public_portfolio(instance)
    draft = await add(ada, "blog", title="Secret draft", published=False)
    inactive = await add(ada, "contacts", platform="Secret pager", active=False)
    deleted = items["projects"]
    assert (await ada.rest("DELETE", f"/portfolio/projects/{deleted['id']}"))[0] == 204

    pages = [
        await load(instance, path)
        for path in (
            *("ada", "ada/blog", "ada/blog?published=false", "ada/blog?q=secret", "ada/blog?deleted=true"),
            *("ada/contacts", "ada/contacts?active=false", "ada/projects", "ada/projects?deleted=true"),
        )
    ]

    assert {status for status, _, _ in pages} == {200}
    for hidden in (b"Secret", draft["id"].encode(), inactive["id"].encode(), deleted["id"].encode()):
        assert [hidden in body for _, _, body in pages] == [False] * len(pages)
    paths = [f"blog/{draft['id']}", f"blog/{draft['slug']}", f"contacts/{inactive['id']}"]
    for path in (*paths, f"projects/{deleted['id']}"):
        assert (await get(instance, f"ada/{path}"))[0] == 404
    total = (await get(instance, "ada"))[1]["data"]["sections"]["blog"]["total"]
    assert total == 1


@pytest.mark.parametrize("name", list(ITEMS))
async def test_a_part_that_is_not_shown_does_not_exist(instance, name):
    ada, items = await public_portfolio(instance)
    paths = [f"ada/{name}", f"ada/{name}/{items[name]['id']}"]
    assert [(await get(instance, path))[0] for path in paths] == [200, 200]

    await set_profile(instance, ada, **{f"show_{name}": False})

    assert [(await get(instance, path))[0] for path in paths] == [404, 404]
    sections = (await get(instance, "ada"))[1]["data"]["sections"]
    assert set(sections) == set(ITEMS) - {name}


async def test_a_company_that_is_not_shown_is_not_in_experiences_either(instance):
    ada, items = await public_portfolio(instance)
    company_id = items["companies"]["id"]
    made = await add(ada, "experiences", title="Smith", company_id=company_id, company="A forge")
    shown = (await get(instance, f"ada/experiences/{made['id']}"))[1]["data"]
    await set_profile(instance, ada, show_companies=False)

    hidden = (await get(instance, f"ada/experiences/{made['id']}"))[1]["data"]

    assert (shown["company_id"], shown["linked_company"]["name"]) == (company_id, "Bridges Ltd")
    assert hidden == {**shown, "company_id": None, "linked_company": None}
    assert company_id.encode() not in (await load(instance, "ada"))[2]


# --- who is public ---


async def paths_of(instance):
    _, items = await public_portfolio(instance)
    paths = ["ada", "ada/projects", f"ada/projects/{items['projects']['id']}"]
    assert [(await get(instance, path))[0] for path in paths] == [200] * 3  # and now it is cached
    return instance.users["ada"], paths


async def make_private(instance, ada):
    await set_profile(instance, ada, is_public=False)


async def suspend_user(instance, ada):
    moderator = await instance.register("mod-anna")
    await models.User.filter(id=moderator.id).update(role="moderator")
    status, response = await moderator.rest(
        "PATCH", f"/admin/users/{ada.id}", json={"suspended": {"reason": "spam"}}
    )
    assert status == 200, response


async def delete_user(instance, ada):
    admin = await instance.register("root-user")
    await models.User.filter(id=admin.id).update(role="admin")
    assert (await admin.rest("DELETE", f"/admin/users/{ada.id}"))[0] == 204


async def rename_user(_instance, ada):
    status, response = await ada.rest("PATCH", "/users/profile", json={"username": "ada-l"})
    assert status == 200, response


@both_databases
@pytest.mark.parametrize("hide", [make_private, suspend_user, delete_user, rename_user])
async def test_a_portfolio_is_gone_with_the_response_to_the_write_that_hides_it(instance, hide):
    ada, paths = await paths_of(instance)
    unknown = await get(instance, "nobody-at-all")

    await hide(instance, ada)

    found = [await get(instance, path) for path in paths]
    assert [status for status, _ in found] == [404] * 3
    assert [{**body, "request_id": ""} for _, body in found] == [{**unknown[1], "request_id": ""}] * 3


async def test_a_portfolio_is_public_again_after_a_suspension(instance):
    ada, paths = await paths_of(instance)
    await suspend_user(instance, ada)
    assert (await get(instance, "ada"))[0] == 404

    ended = clock.now() - timedelta(seconds=1)
    await models.User.filter(id=ada.id).update(suspended_until=ended)

    assert [(await get(instance, path))[0] for path in paths] == [200] * 3


async def test_a_renamed_portfolio_has_the_new_username(instance):
    ada, _ = await paths_of(instance)
    await rename_user(instance, ada)

    status, response = await get(instance, "ada-l")

    assert (status, response["data"]["user"]["username"]) == (200, "ada-l")


@pytest.mark.parametrize("text", ["ADA", "%41da", "ａｄａ"])
async def test_another_spelling_of_a_username_is_the_same_user(instance, text):
    await public_portfolio(instance)

    assert (await get(instance, text))[1] == (await get(instance, "ada"))[1]


@pytest.mark.parametrize(
    "text", ["a" * 60, "a" * 65, "ada%00", "%F0%9F%91%8D", "ada%2Fprojects", "..%2Fada", "ada/ships"]
)
async def test_what_is_no_portfolio_is_not_found(instance, text):
    await public_portfolio(instance)

    assert (await get(instance, text))[0] == 404


@pytest.mark.parametrize("key", ["unknown", "0192f000-0000-7000-8000-000000000000", "x" * 201, "a%00"])
async def test_an_unknown_item_is_not_found(instance, key):
    await public_portfolio(instance)

    statuses = [(await get(instance, f"ada/{name}/{key}"))[0] for name in ("projects", "blog")]
    assert statuses == [404, 404]


# --- writes are seen ---


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


# --- headers ---


async def test_a_client_that_has_the_response_gets_304(instance):
    ada, _ = await public_portfolio(instance)
    for path in ("ada", "ada/projects", "ada/projects?limit=5"):
        status, headers, body = await load(instance, path)
        etag = headers["ETag"]

        found = [
            await load(instance, path, headers={"If-None-Match": value})
            for value in (etag, f"W/{etag}", f'"other", {etag}', "*", '"other"')
        ]

        assert [(status, len(text) > 0) for status, _, text in found] == [(304, False)] * 4 + [(200, True)]
        assert {each["ETag"] for _, each, _ in found} == {etag}
        assert {each["Cache-Control"] for _, each, _ in found} == {"public, max-age=0, must-revalidate"}
        assert (status, found[-1][2]) == (200, body)
    await add(ada, "projects")
    assert (await load(instance, "ada", headers={"If-None-Match": etag}))[0] == 200


async def test_every_site_may_read_each_response_also_an_error(instance):
    await public_portfolio(instance)
    origin = {"Origin": "https://elsewhere.example"}
    found = [
        await load(instance, path, headers=origin, method=method)
        for path, method in (
            *(("ada", "GET"), ("ada", "GET"), ("ada", "HEAD"), ("nobody", "GET"), ("ada", "PUT")),
            *(("ada/projects?limit=0", "GET"), ("ada/ships", "GET"), ("ada/messages", "POST")),
        )
    ]

    assert [status for status, _, _ in found] == [200, 200, 200, 404, 405, 422, 404, 422]
    for _, headers, _ in found:
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert headers["X-Request-ID"]
        assert "Access-Control-Allow-Credentials" not in headers
    assert {headers["Cache-Control"] for _, headers, _ in found[3:]} == {"no-store"}


async def test_a_page_of_another_site_may_send_a_message(instance):
    preflight = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    status, headers, _ = await load(instance, "ada/messages", method="OPTIONS", headers=preflight)

    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("path", "options"),
    [
        *((path, {}) for path in ("ada", "ada/blog", "/@ada", "/@ada/blog")),
        *((path, {}) for path in ("/@ada/blog/on-bridges", "/@ada/feed.xml")),
        *((path, {"headers": {"If-None-Match": "*"}}) for path in ("ada", "/@ada")),
        *((path, {"method": "HEAD"}) for path in ("ada", "/@ada")),
    ],
)
async def test_a_response_from_memory_is_that_of_the_middlewares(
    settings, path, options, caplog, monkeypatch
):
    monkeypatch.setattr(cache_entries, "CHECK_S", 60.0)
    limited = settings.model_copy(update={"limit_public": Rate(60, 0.001), "limit_http": Rate(60, 20)})
    async with LiveInstance(limited) as instance:
        await public_portfolio(instance)
        slow = await load(instance, path, **options)
        hits = metrics.labelled["cache_reads"]["memory"]
        counted = dict(metrics.labelled["requests"])
        caplog.set_level(logging.INFO, logger="hubbub.http")
        quick = await load(instance, path, **options)

        assert [each.route for each in caplog.records if each.message == "request"] == ["cached"]
        assert metrics.labelled["cache_reads"]["memory"] - hits == 1
        assert (slow[0], slow[2]) == (quick[0], quick[2])
        assert metrics.labelled["requests"][str(quick[0])] == counted[str(quick[0])] + 1
        remaining = [int(headers["RateLimit-Remaining"]) for _, headers, _ in (slow, quick)]
        assert remaining == [59, 58]
        changing = {*EVERY_REQUEST, "RateLimit-Remaining", "RateLimit-Reset"}
        first, second = (
            {name: value for name, value in headers.items() if name not in changing}
            for _, headers, _ in (slow, quick)
        )
        assert first == second
        assert quick[1]["X-Request-ID"]


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


async def exchange(instance, *requests):
    """Send requests over one connection, all at once. Return what the server sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write("".join(requests).encode())
    received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return received


def raw_request(version="HTTP/1.1", connection="keep-alive", method="GET"):
    path = "/api/v1/public/portfolio/ada"
    return f"{method} {path} {version}\r\nHost: x\r\nConnection: {connection}\r\n\r\n"


async def test_requests_on_one_connection_get_their_responses_in_order(instance):
    await public_portfolio(instance)
    _, _, body = await load(instance, "ada")

    received = await exchange(
        instance, raw_request(), raw_request(method="HEAD"), raw_request(), raw_request(connection="close")
    )

    heads = received.replace(body, b"").split(b"\r\n\r\n")
    assert received.count(body) == 3
    assert [head.split(b"\r\n")[0] for head in heads] == [b"HTTP/1.1 200 OK"] * 4 + [b""]
    assert all(b"Content-Length: %d\r\n" % len(body) in head for head in heads[:4])
    assert b"Connection: close" in heads[3]


async def test_a_client_that_does_not_read_its_responses_gets_no_more_of_them(instance):
    ada, _ = await public_portfolio(instance)
    await add(ada, "blog", title="Long", content="x" * 30_000)
    _, _, body = await load(instance, "ada")
    sent_before = metrics.labelled["requests"]["200"]
    counts = []

    def is_stable():
        counts.append(metrics.labelled["requests"]["200"] - sent_before)
        return counts[-1] > 0 and counts[-30:] == [counts[-1]] * 30

    _, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(raw_request().encode() * 2000)
    await until(is_stable)

    assert counts[-1] * len(body) < 20_000_000  # the buffers of the sockets
    writer.transport.abort()


async def test_a_client_of_http_1_0_gets_a_response_and_the_end_of_the_connection(instance):
    await public_portfolio(instance)
    _, _, body = await load(instance, "ada")

    received = await exchange(instance, raw_request("HTTP/1.0", "close"))

    assert received.startswith(b"HTTP/1.0 200 OK")
    assert received.endswith(b"\r\n\r\n" + body)


# --- limits ---


@pytest.fixture
async def limited_instance(settings):
    limited = settings.model_copy(
        update={
            "limit_public": Rate(3, 0.001),
            "trusted_proxies": (ip_network("127.0.0.0/8"),),
            "addresses_deny": (ip_network("198.51.100.0/24"),),
        }
    )
    async with LiveInstance(limited) as instance:
        await public_portfolio(instance)
        yield instance


def from_ip(ip):
    return {"X-Forwarded-For": ip}


@pytest.mark.parametrize("path", ["ada", "ada/projects?q=bridge", "nobody", "ada/ships"])
async def test_an_ip_address_over_the_limit_is_refused_before_any_query(limited_instance, path):
    await load(limited_instance, "ada", headers=from_ip("192.0.2.99"))
    allowed = [await load(limited_instance, path, headers=from_ip("192.0.2.1")) for _ in range(3)]
    statements = metrics.counters["database_statements"]

    status, headers, _ = await load(limited_instance, path, headers=from_ip("192.0.2.1"))

    assert 429 not in [each[0] for each in allowed]
    assert (status, headers["RateLimit-Remaining"], headers["RateLimit-Limit"]) == (429, "0", "3")
    assert int(headers["Retry-After"]) > 0
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert metrics.counters["database_statements"] == statements
    assert (await load(limited_instance, "ada", headers=from_ip("192.0.2.2")))[0] == 200


async def test_a_login_neither_lifts_nor_shares_the_limit(limited_instance):
    ada = limited_instance.users["ada"]
    token = {"Authorization": f"Bearer {ada.token}", **from_ip("192.0.2.1")}

    statuses = [(await load(limited_instance, "ada", headers=token))[0] for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert (await ada.rest("GET", "/auth/me", headers=from_ip("192.0.2.1")))[0] == 200


async def test_a_denied_network_reads_nothing_from_memory(limited_instance):
    await load(limited_instance, "ada", headers=from_ip("192.0.2.1"))

    assert (await load(limited_instance, "ada", headers=from_ip("198.51.100.7")))[0] == 403


def test_every_resource_has_a_sample():
    assert set(ITEMS) == set(BY_NAME)
