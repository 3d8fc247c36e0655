"""The routes of the items of portfolios."""

import asyncio
from io import BytesIO
from uuid import uuid4

import pytest

from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from tests.support.portfolio_items import complete, required

PROJECT = {"title": "A project"}


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
async def ada(instance):
    return await instance.register("ada")


async def ask(user, method, path, wanted, **options):
    """The data of a response with this status."""
    status, answer = await user.rest(method, f"/portfolio/{path}", **options)
    assert status == wanted, answer
    return answer["data"] if answer and "data" in answer else answer


async def headers_of(instance, user, method, path, **options):
    """The status and headers of a response."""
    headers = {"Authorization": f"Bearer {user.token}", **options.pop("headers", {})}
    url = f"{instance.url}/api/v1/portfolio/{path}"
    async with instance.http.request(method, url, headers=headers, **options) as response:
        return response.status, response.headers


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
async def test_an_item_is_created_listed_changed_deleted_and_restored(ada, resource):
    name = resource.name
    created = await ask(ada, "POST", name, 201, json=complete(resource))
    path = f"{name}/{created['id']}"

    assert await ask(ada, "GET", path, 200) == created
    status, answer = await ada.rest("GET", f"/portfolio/{name}", params={"limit": 10, "sort": "-created_at"})
    assert (status, answer["data"]) == (200, [created])
    assert answer["meta"] == {"page": 1, "limit": 10, "total": 1, "pages": 1}
    changed = await ask(ada, "PATCH", path, 200, json=required(resource, 2))
    assert {field: changed[field] for field in required(resource, 2)} == required(resource, 2)
    assert await ask(ada, "DELETE", path, 204) is None
    await ask(ada, "GET", path, 404)
    assert await ask(ada, "GET", name, 200) == []
    assert len(await ask(ada, "GET", name, 200, params={"deleted": "true"})) == 1
    await ask(ada, "POST", f"{path}/restore", 200)
    assert await ask(ada, "POST", f"{name}/bulk-delete", 200, json={"ids": [created["id"]]}) == {"deleted": 1}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
async def test_wrong_requests_about_items_are_refused(ada, resource):
    name, body = resource.name, required(resource)
    item = await ask(ada, "POST", name, 201, json=body)
    path = f"{name}/{item['id']}"

    for method, where, options, status in (
        ("POST", name, {"json": {**body, "typo": 1}}, 422),
        ("POST", name, {"json": {}}, 422),
        ("POST", name, {"json": []}, 422),
        ("PATCH", path, {"json": {"typo": 1}}, 422),
        ("PATCH", path, {"json": {"id": item["id"]}}, 422),
        ("PATCH", path, {"json": {"created_at": item["created_at"]}}, 422),
        ("GET", name, {"params": {"limit": "101"}}, 422),
        ("GET", name, {"params": {"page": "0"}}, 422),
        ("GET", name, {"params": {"sort": "user_id"}}, 422),
        ("GET", name, {"params": {"deleted": "maybe"}}, 422),
        ("GET", f"{name}/{uuid4()}", {}, 404),
        ("PATCH", f"{name}/{uuid4()}", {"json": {}}, 404),
        ("DELETE", f"{name}/{uuid4()}", {}, 404),
        ("POST", f"{name}/{uuid4()}/restore", {}, 404),
        ("POST", f"{name}/no-id/restore", {}, 404),
        ("GET", f"{name}/no-id", {}, 404),
        ("POST", f"{name}/bulk-delete", {"json": {"ids": [item["id"]] * 2}}, 422),
        ("POST", f"{name}/bulk-delete", {"json": {"ids": [str(uuid4()) for _ in range(501)]}}, 422),
        ("POST", f"{name}/bulk-delete", {"json": {}}, 422),
        ("GET", f"{name}/bulk-delete", {}, 405),
        ("PUT", path, {"json": body}, 405),
        ("DELETE", name, {}, 405),
    ):
        await ask(ada, method, where, status, **options)
    assert await ask(ada, "GET", path, 200) == item


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
async def test_a_public_portfolio_shows_the_items_unless_they_are_switched_off(instance, ada, resource):
    visible = {resource.hidden_unless: True} if resource.hidden_unless else {}
    item = await ask(ada, "POST", resource.name, 201, json={**complete(resource), **visible})
    await ask(ada, "PATCH", "profile", 200, json={"is_public": True})

    _, whole = await instance.rest("GET", "/public/portfolio/ada")
    _, listed = await instance.rest("GET", f"/public/portfolio/ada/{resource.name}")
    assert [each["id"] for each in whole["data"]["sections"][resource.name]["items"]] == [item["id"]]
    assert [each["id"] for each in listed["data"]] == [item["id"]]
    await ask(ada, "PATCH", "profile", 200, json={resource.switch: False})
    assert (await instance.rest("GET", f"/public/portfolio/ada/{resource.name}"))[0] == 404


async def test_a_created_item_has_a_location_and_a_tag(instance, ada):
    status, headers = await headers_of(instance, ada, "POST", "projects", json=PROJECT)
    path = headers["Location"].removeprefix("/api/v1/portfolio/")

    assert status == 201
    _, got = await headers_of(instance, ada, "GET", path)
    assert got["ETag"] == headers["ETag"]
    assert got["ETag"].startswith('"')
    assert (await ask(ada, "GET", path, 200))["title"] == PROJECT["title"]


async def test_a_change_of_another_state_is_refused(instance, ada):
    _, headers = await headers_of(instance, ada, "POST", "projects", json=PROJECT)
    path, tag = headers["Location"].removeprefix("/api/v1/portfolio/"), headers["ETag"]
    body = {"title": "Changed"}

    for stale in ('"x"', "nothing", "", 'W/"x"', '"x", "y"'):
        problem = await ask(ada, "PATCH", path, 412, json=body, headers={"If-Match": stale})
        assert problem["code"] == "precondition_failed"
    _, changed = await headers_of(
        instance, ada, "PATCH", path, json=body, headers={"If-Match": f'"x", W/{tag}'}
    )
    assert changed["ETag"] != tag
    await ask(ada, "PATCH", path, 412, json=PROJECT, headers={"If-Match": tag})
    await ask(ada, "PATCH", path, 200, json=PROJECT, headers={"If-Match": changed["ETag"]})
    await ask(ada, "PATCH", path, 200, json=PROJECT, headers={"If-Match": "*"})
    await ask(ada, "PATCH", path, 200, json=PROJECT)


@pytest.mark.parametrize("path", ["blog", "profile"])
async def test_what_the_client_has_is_not_sent_again(instance, ada, path):
    if path == "blog":
        path = f"blog/{(await ask(ada, 'POST', 'blog', 201, json={'title': 'A post'}))['id']}"
    _, first = await headers_of(instance, ada, "GET", path)

    for known in (first["ETag"], f"W/{first['ETag']}", f'"x", {first["ETag"]}', "*"):
        status, found = await headers_of(instance, ada, "GET", path, headers={"If-None-Match": known})
        assert (status, found["ETag"], found.get("Content-Type")) == (304, first["ETag"], None)
    for other in ('"x"', "", first["ETag"].strip('"')):
        assert (await headers_of(instance, ada, "GET", path, headers={"If-None-Match": other}))[0] == 200
    await ask(ada, "PATCH", path, 200, json={"bio": "x"} if path == "profile" else {"title": "Changed"})
    status, changed = await headers_of(instance, ada, "GET", path, headers={"If-None-Match": first["ETag"]})
    assert (status, changed["ETag"] != first["ETag"]) == (200, True)


async def test_publishing_and_deleting_another_state_is_refused(instance, ada):
    _, headers = await headers_of(instance, ada, "POST", "blog", json={"title": "A post", "slug": "post"})
    public, stale = {"published": True}, {"If-Match": headers["ETag"]}
    await ask(ada, "PATCH", "blog/post", 200, json={"title": "Changed"})

    await ask(ada, "PATCH", "blog/post/publish", 412, json=public, headers=stale)
    await ask(ada, "DELETE", "blog/post", 412, headers=stale)
    _, current = await headers_of(instance, ada, "GET", "blog/post")
    _, current = await headers_of(
        instance, ada, "PATCH", "blog/post/publish", json=public, headers={"If-Match": current["ETag"]}
    )
    await ask(ada, "DELETE", "blog/post", 204, headers={"If-Match": current["ETag"]})


async def test_two_editors_at_once_get_one_success(instance, ada):
    _, headers = await headers_of(instance, ada, "POST", "projects", json=PROJECT)
    path, tag = headers["Location"].removeprefix("/api/v1/portfolio/"), headers["ETag"]

    results = await asyncio.gather(
        *(
            ada.rest("PATCH", f"/portfolio/{path}", json={"title": title}, headers={"If-Match": tag})
            for title in ("one", "two", "three")
        )
    )

    assert sorted(status for status, _ in results) == [200, 412, 412]


async def test_a_body_with_content_may_have_a_mebibyte(ada):
    escaped = "\\u0041" * 100_000
    post = f'{{"title": "x", "content": "{escaped}"}}'
    kind = {"Content-Type": "application/json"}

    created = await ask(ada, "POST", "blog", 201, data=post, headers=kind)

    assert created["content"] == "A" * 100_000
    await ask(ada, "PATCH", f"blog/{created['id']}", 200, data=post, headers=kind)
    await ask(ada, "POST", "projects", 413, data=post, headers=kind)
    too_large = post.replace(escaped, "x" * (1 << 20))
    await ask(ada, "POST", "blog", 413, data=BytesIO(too_large.encode()), headers=kind)


async def test_a_post_is_found_by_its_id_or_slug_and_published(ada):
    created = await ask(ada, "POST", "blog", 201, json={"title": "Hello, world"})

    assert await ask(ada, "GET", "blog/hello-world", 200) == created
    assert await ask(ada, "GET", f"blog/{created['id']}", 200) == created
    await ask(ada, "GET", "blog/hello", 404)
    await ask(ada, "POST", "blog", 409, json={"title": "x", "slug": "hello-world"})
    published = await ask(ada, "PATCH", f"blog/{created['id']}/publish", 200, json={"published": True})
    assert published["published_at"] is not None
    assert await ask(ada, "GET", "blog", 200, params={"published": "true"}) == [published]
    assert await ask(ada, "GET", "blog", 200, params={"published": "false"}) == []
    await ask(ada, "PATCH", f"blog/{created['id']}/publish", 422, json={})
    await ask(ada, "PATCH", f"blog/{uuid4()}/publish", 404, json={"published": True})


async def test_skills_are_grouped_without_pages(ada):
    for number in range(25):
        category = "frontend" if number % 2 else "language"
        await ask(ada, "POST", "skills", 201, json={"name": f"Skill {number}", "category": category})

    groups = await ask(ada, "GET", "skills", 200, params={"grouped": "true"})

    assert {category: len(found) for category, found in groups.items()} == {"language": 13, "frontend": 12}
    assert len(await ask(ada, "GET", "skills", 200)) == 20
    assert list(await ask(ada, "GET", "skills", 200, params={"grouped": "true", "category": "frontend"})) == [
        "frontend"
    ]


async def test_all_items_are_reordered(ada):
    made = [(await ask(ada, "POST", "projects", 201, json=PROJECT))["id"] for _ in range(3)]

    found = await ask(ada, "PATCH", "projects/reorder", 200, json={"ids": made[::-1]})

    assert [item["id"] for item in found] == made[::-1]
    assert [item["id"] for item in await ask(ada, "GET", "projects", 200)] == made[::-1]
    problem = await ask(ada, "PATCH", "projects/reorder", 422, json={"ids": made[:2]})
    assert problem["errors"][0]["field"] == "ids"
    for name in (resource.name for resource in RESOURCES if not resource.is_ordered):
        assert (await ada.rest("PATCH", f"/portfolio/{name}/reorder", json={"ids": []}))[0] in (404, 422)


async def test_lists_are_filtered_by_the_query(ada):
    for number in range(3):
        body = {"title": f"Project {number}", "featured": number == 1, "tags": ["web", f"t{number}"]}
        await ask(ada, "POST", "projects", 201, json=body)

    for query, count in (
        ({"featured": "true"}, 1),
        ({"featured": "false"}, 2),
        ({"tags": "web"}, 3),
        ({"tags": "web,t2"}, 1),
        ({"tags": "none"}, 0),
        ({"q": "proj"}, 3),
        ({"q": "project t1"}, 1),
        ({"q": "project t1", "featured": "false"}, 0),
    ):
        _, answer = await ada.rest("GET", "/portfolio/projects", params=query)
        assert answer["meta"]["total"] == len(answer["data"]) == count, query
    for query in ({"featured": "1"}, {"company_id": "x"}):
        await ask(ada, "GET", "projects" if "featured" in query else "experiences", 422, params=query)


async def test_an_end_before_the_start_names_the_field(ada):
    body = {"title": "x", "company": "y", "start_date": "2024-05-02", "end_date": "2024-05-01"}

    problem = await ask(ada, "POST", "experiences", 422, json=body)

    assert [error["field"] for error in problem["errors"]] == ["end_date"]


async def test_a_repeated_creation_with_a_key_creates_one_item(ada):
    key = {"Idempotency-Key": "once"}

    first = await ask(ada, "POST", "projects", 201, json=PROJECT, headers=key)
    second = await ask(ada, "POST", "projects", 201, json=PROJECT, headers=key)

    assert first == second
    assert len(await ask(ada, "GET", "projects", 200)) == 1


def test_the_description_names_each_resource_of_the_contract():
    assert list(BY_NAME) == [
        *("projects", "companies", "skills", "experiences", "education"),
        *("certifications", "blog", "testimonials", "contacts"),
    ]
