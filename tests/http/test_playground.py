"""The playground's files: what is served, with which headers, and what is not."""

import asyncio
import re
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hubbub.config import Settings
from hubbub.http import playground
from tests.support.live_instance import LiveInstance

FILES = sorted(path for path in playground.FOLDER.rglob("*") if path.is_file())


@pytest.fixture
async def client():
    app = web.Application()
    app.add_routes(playground.routes(Settings.for_tests()))
    async with TestClient(TestServer(app)) as client:
        yield client


def _address(path: Path) -> str:
    return f"/playground/{path.relative_to(playground.FOLDER).as_posix()}"


async def test_the_page_and_all_its_files_are_served(client):
    page = await client.get("/")
    text = await page.text()
    assert page.content_type == "text/html"
    needed = re.findall(r'(?:src|href)="(/playground/[^"#]+)', text)
    assert len(needed) == 4
    assert set(needed) <= {_address(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_each_file_has_its_type_and_the_strict_headers(client, path):
    answer = await client.get(_address(path))
    assert answer.status == 200
    assert await answer.read() == path.read_bytes()
    types = {
        ".js": "text/javascript",
        ".css": "text/css",
        ".svg": "image/svg+xml",
        ".html": "text/html",
        ".txt": "text/plain",
    }
    assert answer.content_type == types[path.suffix]
    assert answer.charset == "utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    kept = "public, max-age=86400" if path.suffix == ".svg" else "no-cache"
    assert answer.headers["Cache-Control"] == kept
    policy = answer.headers["Content-Security-Policy"].split("; ")
    pictures = "img-src 'self' blob: https:"  # of the storage or a CDN
    assert policy[:3] == ["default-src 'self'", "connect-src 'self' ws: wss:", pictures]
    assert not [part for part in policy if "unsafe" in part or ("http" in part and part != pictures)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_imports_only_existing_files(path):
    text = path.read_text()
    for name in re.findall(r'^import .* from "([^"]+)";$', text, re.MULTILINE):
        assert (path.parent / name).resolve() in FILES
    if "vendor" not in path.parts:
        assert "innerHTML" not in text
        assert not re.search(r"<style|style=|onclick=", text)


S3 = {"s3_access_key_id": "a", "s3_secret_access_key": "b"}


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ({}, []),
        ({"cdn_url": "https://cdn.example"}, []),
        ({"cdn_url": "http://cdn.example:81/files"}, ["http://cdn.example:81"]),
        ({"storage_url": "s3://files/x?region=eu-1", **S3}, []),
        ({"storage_url": "s3://files?endpoint=https://s3.example", **S3}, []),
        (
            {"storage_url": "s3://files?endpoint=http://127.0.0.1:9000&path_style=true", **S3},
            ["http://127.0.0.1:9000", "http://files.127.0.0.1:9000"],
        ),
    ],
)
def test_pictures_may_come_from_the_storage_without_tls(given, origins):
    directives = playground.policy(Settings.for_tests(**given)).split("; ")

    assert " ".join(["img-src 'self' blob: https:", *origins]) in directives
    assert [part for part in directives if "http:" in part] == directives[2:3] * bool(origins)


async def test_an_unchanged_file_is_not_sent_again(client):
    first = await client.get("/playground/main.js")
    again = await client.get("/playground/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
    assert await again.read() == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await client.get("/playground/main.js", headers={"If-None-Match": '"of yesterday"'})
    assert other.status == 200


async def test_head_has_no_body(client):
    answer = await client.head("/playground/main.js")
    assert answer.status == 200
    assert await answer.read() == b""


@pytest.mark.parametrize("path", ["/playground", "/playground/"])
async def test_the_folder_is_served_as_the_page_and_not_as_a_listing(client, path):
    answer = await client.get(path, allow_redirects=False)
    assert answer.status == 302
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    "path",
    [
        "/playground/views",
        "/playground/views/",
        "/playground/vendor/",
        "/playground/nothing.js",
        "/playground/../playground.py",
        "/playground/%2e%2e/playground.py",
        "/playground/..%2fplayground.py",
        "/playground/%2e%2e%2f%2e%2e%2fconfig/settings.py",
        "/playground//etc/passwd",
        "/playground/main.js%00.css",
        "/playground/.hidden",
        "/playground.py",
    ],
)
async def test_no_other_path_is_served(client, path):
    # Over a bare connection, because clients tidy such paths up.
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] == b"404"
    assert b"Settings" not in answer


async def test_only_get_and_head_are_allowed(client):
    assert (await client.post("/playground/main.js")).status == 405


@pytest.mark.parametrize(
    ("given", "there"), [({"playground": True}, True), ({"playground": False}, False), ({}, False)]
)
async def test_an_instance_serves_it_if_enabled(given, there, databases, tmp_path):
    url = databases.create_migrated("sqlite", tmp_path)
    settings = Settings.for_tests(database_url=url, data_dir=tmp_path, port=0, **given)
    async with LiveInstance(settings) as instance:
        for path in ("/", "/playground/main.js", "/playground/vendor/socket.io.min.js"):
            async with instance.http.get(f"{instance.url}{path}") as answer:
                assert answer.status == (200 if there else 404)
                policy = answer.headers.get("Content-Security-Policy", "")
                assert policy.startswith("default-src 'self'") is there


@pytest.mark.parametrize(("env", "there"), [("development", True), ("production", False)])
def test_the_playground_is_on_in_development_and_off_in_production(env, there):
    assert Settings.for_tests(env=env, secret_key="x" * 40, bcrypt_rounds=12).playground is there


def test_the_socket_io_client_is_the_stock_one_with_its_licence():
    content = (playground.FOLDER / "vendor" / "socket.io.min.js").read_bytes()
    # npm: socket.io-client 4.8.4, dist/socket.io.min.js
    assert sha256(content).hexdigest() == "d5d79a35039e860b32bdef4795528b05c2f788d4b2d9dacc913120e2878f7b3f"
    assert "MIT License" in (playground.FOLDER / "vendor" / "socket.io.LICENSE.txt").read_text()


async def test_static_files_are_not_logged_at_info(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    paths = ("/", "/playground/main.js", "/playground/icons.svg", "/api/docs", "/account", "/health/live")
    async with LiveInstance(settings.model_copy(update={"playground": True})) as instance:
        with caplog.at_level("DEBUG", logger="hubbub.http.middleware.request_id"):
            for path in paths:
                async with instance.http.get(f"{instance.url}{path}") as answer:
                    assert answer.status == 200

    levels = [record.levelname for record in caplog.records if record.message == "request"]
    assert levels == ["DEBUG"] * 5 + ["INFO"]
