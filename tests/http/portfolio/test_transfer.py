"""Export and import of a portfolio over REST."""

import asyncio
import gzip
import io
import json
from uuid import UUID

import pytest

from hubbub.http import paced_body
from hubbub.services.instance.active_uploads import ActiveUploads
from tests.http.auth.test_api_keys import make
from tests.support.live_instance import LiveInstance
from tests.support.portfolio_documents import document, projects
from tests.support.signing import sign
from tests.support.waiting import until

URL = "/portfolio/import"


async def test_a_portfolio_is_exported_and_imported(instance: LiveInstance) -> None:
    ada, eve = await instance.register("ada"), await instance.register("eve")
    given = document(
        companies=[{"id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "Acme"}],
        experiences=[
            {"title": "A", "company_id": "01890a5d-ac96-774b-bcce-b302099a8057", "start_date": "2020-01-01"}
        ],
        projects=projects(3),
    )

    status, body = await ada.rest("POST", f"{URL}?mode=merge", json=given)
    assert (status, body["data"]) == (200, {"created": 5, "updated": 0, "deleted": 0, "errors": []})

    async with instance.http.get(
        f"{instance.url}/api/v1/portfolio/export", headers={"Authorization": f"Bearer {ada.token}"}
    ) as response:
        exported = await response.read()
        assert response.content_type == "application/json"
        assert 'filename="portfolio-' in response.headers["Content-Disposition"]
    assert list(json.loads(exported)["data"])[:3] == ["version", "profile", "projects"]

    headers = {"Content-Type": "application/json"}
    status, body = await eve.rest("POST", f"{URL}?mode=replace&dry_run=true", data=exported, headers=headers)
    assert (status, body["data"]["created"]) == (200, 5)
    status, body = await eve.rest("POST", f"{URL}?mode=replace", data=exported, headers=headers)
    assert (status, body["data"]["created"]) == (200, 5)
    status, body = await eve.rest("GET", "/portfolio/experiences")
    assert body["data"][0]["linked_company"]["name"] == "Acme"


async def test_faults_are_named_and_a_dry_run_returns_them_with_200(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    bad = document(projects=[*projects(3), {"title": ""}])

    status, body = await ada.rest("POST", URL, json=bad)
    assert (status, body["code"]) == (422, "invalid_payload")
    assert [each["field"] for each in body["errors"]] == ["projects[3].title"]

    status, body = await ada.rest("POST", f"{URL}?dry_run=true", json=bad)
    assert status == 200
    assert [each["field"] for each in body["data"]["errors"]] == ["projects[3].title"]
    status, body = await ada.rest("GET", "/portfolio/projects")
    assert body["data"] == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_json"),
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        ({}, 422, "invalid_payload"),
        ({"json": []}, 422, "invalid_payload"),
        (
            {"data": b"x", "headers": {"Content-Type": "application/json", "Content-Encoding": "br"}},
            400,
            "bad_request",
        ),
        (
            {"data": b"x", "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}},
            400,
            "bad_request",
        ),
    ],
)
async def test_a_body_that_is_no_document_is_refused(
    instance: LiveInstance, options: dict[str, object], status: int, code: str
) -> None:
    ada = await instance.register("ada")

    found, body = await ada.rest("POST", URL, **options)

    assert (found, body["code"]) == (status, code)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("query", ["mode=other", "dry_run=1", "mode="])
async def test_an_unknown_mode_is_refused(instance: LiveInstance, query: str) -> None:
    ada = await instance.register("ada")

    status, body = await ada.rest("POST", f"{URL}?{query}", json=document())

    assert (status, body["code"]) == (422, "invalid_payload")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_body_is_limited_also_when_it_is_compressed(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    large = gzip.compress(json.dumps(document(projects=projects(200, description="x" * 9000))).encode())
    beyond = gzip.compress(b" " * ((64 << 20) + 1))

    status, body = await ada.rest("POST", URL, data=large, headers=headers)
    assert (status, body["data"]["created"]) == (200, 200)
    status, body = await ada.rest("POST", URL, data=beyond, headers=headers)
    assert (status, body["code"]) == (413, "too_large")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_idempotent_import_of_any_size_is_done_once(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    headers = {"Idempotency-Key": "import", "Content-Type": "application/json"}
    large = json.dumps(document(projects=projects(200, description="x" * 9000))).encode()

    for _ in range(2):
        status, body = await ada.rest("POST", URL, data=io.BytesIO(large), headers=headers)
        assert (status, body["data"]["created"]) == (200, 200)
    status, body = await ada.rest("POST", URL, json=document(), headers=headers)
    assert (status, body["code"]) == (409, "conflict")
    status, body = await ada.rest("GET", "/portfolio/projects")
    assert body["meta"]["total"] == 200


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_signed_import_is_read_once(instance: LiveInstance, encoding: str) -> None:
    key = await make(await instance.register("ada"), signed=True)
    content = json.dumps(document(projects=projects(2))).encode()
    path = f"/api/v1{URL}"
    headers = {
        "X-Signature": sign(key["signing_secret"], "POST", path, content),
        "X-API-Key": key["key"],
        "Content-Type": "application/json",
        "Content-Encoding": encoding,
        "Idempotency-Key": "signed",
    }
    sent = gzip.compress(content) if encoding == "gzip" else content

    status, body = await instance.rest("POST", URL, data=sent, headers=headers)

    assert (status, body["data"]["created"]) == (200, 2)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_imports_at_the_same_time_are_limited(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await instance.register("ada")
    instance.app.container.active_imports = ActiveUploads(max_of_user=1)

    with instance.app.container.active_imports.count(UUID(ada.id)):
        status, body = await ada.rest("POST", URL, json=document())
    assert (status, body["code"]) == (429, "rate_limited")
    assert (await ada.rest("POST", URL, json=document()))[0] == 200


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_aborted_import_and_a_slow_one_leave_nothing(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await instance.register("ada")
    active = instance.app.container.active_imports
    head = (
        f"POST /api/v1{URL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ada.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    ).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(head + b'{"version": 1, "projects": [')
    await until(lambda: active._by_user)
    writer.close()
    await until(lambda: not active._by_user)

    monkeypatch.setattr(paced_body, "IDLE_TIMEOUT_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(head + b"{")
    assert b" 400 " in await reader.readline()
    writer.close()
    await until(lambda: not active._by_user)
