"""Files at their URLs: who may load them, caches, parts, other sites, the CDN, and S3."""

import aiohttp
import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.core.files import url_signatures
from tests.http.uploads.test_uploads import load, stored
from tests.support.live_instance import LiveInstance
from tests.support.pictures import PDF, picture
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY

TEXT = b"0123456789" * 100


@pytest.fixture
def database_kind():
    return "sqlite"


def bearer(user):
    return {"Authorization": f"Bearer {user.token}"}


async def signed_url(user, upload):
    return (await user.rest("GET", f"/uploads/{upload['id']}"))[1]["data"]["signed_url"]


@pytest.fixture
async def ada(instance):
    return await instance.register("ada")


@pytest.fixture
async def text(ada):
    return await stored(ada, TEXT, path="/upload/document", name="a.txt")


async def test_a_private_file_is_for_its_uploader_and_for_signed_urls(instance, ada, text):
    eve = await instance.register("eve")
    signed = await signed_url(ada, text)

    statuses = [
        (await load(instance, url, headers=headers))[0]
        for url, headers in (
            (text["url"], {}),
            (text["url"], bearer(ada)),
            (text["url"], bearer(eve)),
            (text["url"], {"Authorization": "Bearer nonsense"}),
            (signed, {}),
            (signed, bearer(eve)),
            (signed.replace("s=", "s=x"), {}),
            (signed.replace("s=", "s=x"), bearer(ada)),
        )
    ]

    assert statuses == [401, 200, 404, 401, 200, 200, 403, 200]


async def test_the_members_of_a_room_load_what_is_attached_to_its_messages(instance):
    room, (client, _) = await instance.room_with_clients("ada", "bob")
    ada, bob = instance.users["ada"], instance.users["bob"]
    eve = await instance.register("eve")
    upload = await stored(ada, TEXT, path="/upload/document", name="a.txt")
    sent = await client.send(room, "look")
    await models.Attachment.create(message_id=sent["id"], room_id=room, upload_id=upload["id"], position=0)

    statuses = [(await load(instance, upload["url"], headers=bearer(user)))[0] for user in (ada, bob, eve)]

    assert statuses == [200, 200, 404]
    status, answer = await ada.rest("DELETE", f"/uploads/{upload['id']}")
    assert (status, answer["errors"][0]["field"]) == (409, f"message:{sent['id']}")
    assert (await bob.rest("DELETE", f"/uploads/{upload['id']}"))[0] == 404
    await bob.rest("POST", f"/rooms/{room}/leave")
    assert (await load(instance, upload["url"], headers=bearer(bob)))[0] == 404


async def test_a_missing_file_looks_like_a_private_one(instance, ada, text):
    other = text["url"].replace(text["id"], "01890a5d-ac96-774b-bcce-000000000001")

    for url in (other, text["url"].replace("a.txt", "b.txt"), "/uploads/nonsense/a.txt", other + "%00"):
        assert (await load(instance, url))[0] in (401, 404)
        assert (await load(instance, url, headers=bearer(ada)))[0] == 404
    assert (await load(instance, (await signed_url(ada, text)).replace("a.txt", "b.txt")))[0] == 404
    assert (await load(instance, other))[0] == (await load(instance, text["url"]))[0] == 401


async def test_a_signature_expires_and_names_one_upload(instance, ada, text, monkeypatch):
    other = await stored(ada, TEXT, path="/upload/document", name="a.txt")
    signed = await signed_url(ada, text)
    assert (await load(instance, signed.replace(text["id"], other["id"])))[0] == 403
    later = clock.now().replace(year=clock.now().year + 1)

    monkeypatch.setattr(url_signatures.clock, "now", lambda: later)

    assert (await load(instance, signed))[0] == 403


async def test_a_private_file_is_cached_by_its_browser_only(instance, ada, text):
    _, headers, _ = await load(instance, text["url"], headers=bearer(ada))

    assert headers["Cache-Control"] == "private, max-age=3600"
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "sandbox" in headers["Content-Security-Policy"]
    _, headers, _ = await load(instance, await signed_url(ada, text))
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_a_known_file_is_not_sent_again(instance, ada, text):
    _, headers, _ = await load(instance, text["url"], headers=bearer(ada))

    for known, status in (
        (headers["ETag"], 304),
        (f"W/{headers['ETag']}", 304),
        ('"other"', 200),
        ("*", 304),
    ):
        found, sent, body = await load(instance, text["url"], headers={**bearer(ada), "If-None-Match": known})
        assert (found, bool(body)) == (status, status == 200)
        assert sent["ETag"] == headers["ETag"]
    assert (await load(instance, text["url"], headers={"If-None-Match": headers["ETag"]}))[0] == 401


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-9", (206, (0, 10), "bytes 0-9/1000")),
        ("bytes=990-", (206, (990, 1000), "bytes 990-999/1000")),
        ("bytes=-5", (206, (995, 1000), "bytes 995-999/1000")),
        ("bytes=-5000", (200, (0, 1000), None)),
        ("bytes=0-5000", (200, (0, 1000), None)),
        ("bytes=1000-", (416, (0, 0), "bytes */1000")),
        ("bytes=9-1", (200, (0, 1000), None)),
        ("bytes=0-1,5-6", (200, (0, 1000), None)),
        ("bytes=-", (200, (0, 1000), None)),
        ("pages=1-2", (200, (0, 1000), None)),
        ("bytes=-0", (416, (0, 0), "bytes */1000")),
    ],
)
async def test_parts_of_a_file_are_sent(instance, ada, text, asked, expected):
    status, part, content_range = expected

    found, headers, body = await load(instance, text["url"], headers={**bearer(ada), "Range": asked})

    assert (found, body, headers.get("Content-Range")) == (status, TEXT[slice(*part)], content_range)
    assert headers["Content-Length"] == str(len(body))


async def test_a_part_of_another_version_is_the_whole_file(instance, ada, text):
    headers = {**bearer(ada), "Range": "bytes=0-9"}
    etag = (await load(instance, text["url"], headers=headers))[1]["ETag"]

    assert (await load(instance, text["url"], headers={**headers, "If-Range": etag}))[0] == 206
    assert (await load(instance, text["url"], headers={**headers, "If-Range": '"other"'}))[0] == 200


async def test_head_sends_the_headers_alone(instance, ada, text):
    async with instance.http.head(instance.url + text["url"], headers=bearer(ada)) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "1000")
        assert await response.read() == b""
    assert (await ada.rest("GET", "/auth/me"))[0] == 200


async def test_a_lost_object_is_not_found_and_logged(instance, ada, text, caplog):
    container = instance.app.container
    (row,) = await models.StoredObject.all()
    await container.storage.delete([f"{row.digest[:2]}/{row.digest}.{row.id.hex}"])

    assert (await load(instance, text["url"], headers=bearer(ada)))[0] == 404
    assert "the storage has lost a file" in caplog.text


# --- public files ---


async def test_an_avatar_is_public_on_every_site(instance, ada):
    avatar = await stored(ada, picture(300, 300), path="/users/profile/avatar")

    for url in (avatar["url"], avatar["thumbnails"][0]["url"]):
        status, headers, _ = await load(instance, url, headers={"Origin": "https://elsewhere.example"})
        assert status == 200
        assert headers["Cache-Control"] == "public, max-age=86400"
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Vary" not in headers
        assert "ETag" in headers


async def test_only_public_files_have_the_url_of_the_cdn(settings):
    own = settings.model_copy(update={"cdn_url": "https://cdn.example/hubbub"})
    async with LiveInstance(own) as instance:
        ada = await instance.register("ada")
        avatar = await stored(ada, picture(), path="/users/profile/avatar")
        private = await stored(ada, picture(9, 9))

        me = (await ada.rest("GET", "/auth/me"))[1]["data"]

        assert me["avatar_url"] == f"https://cdn.example/hubbub{avatar['url']}"
        assert private["url"].startswith("/uploads/")
        assert (await signed_url(ada, private)).startswith("/uploads/")
        assert (await load(instance, avatar["url"]))[0] == 200  # where the CDN loads it


# --- S3 ---


@pytest.fixture
async def on_s3(settings, s3_server, tmp_path):
    own = settings.model_copy(
        update={
            "storage_url": s3_server.storage_url(tmp_path.name),
            "s3_access_key_id": ACCESS_KEY,
            "s3_secret_access_key": SECRET_KEY,
        }
    )
    async with LiveInstance(own) as instance:
        yield instance


async def test_a_private_file_on_s3_is_a_redirect_for_five_minutes(on_s3):
    ada = await on_s3.register("ada")
    upload = await stored(ada, PDF, path="/upload/document", name="a b.pdf")

    status, headers, body = await load(on_s3, await signed_url(ada, upload))

    assert (status, body) == (302, b"")
    assert "X-Amz-Expires=300" in headers["Location"]
    assert headers["Cache-Control"] == "private, max-age=240"
    async with aiohttp.ClientSession() as session, session.get(headers["Location"]) as response:
        assert (response.status, await response.read()) == (200, PDF)
        assert response.headers["Content-Type"] == "application/pdf"
        assert response.headers["Content-Disposition"].startswith('attachment; filename="a b.pdf"')
    assert (await load(on_s3, upload["url"]))[0] == 401


async def test_a_public_file_on_s3_is_sent_by_the_instance(on_s3, s3_server):
    ada = await on_s3.register("ada")
    avatar = await stored(ada, picture(100, 100), path="/users/profile/avatar")

    status, headers, body = await load(on_s3, avatar["url"], headers={"Range": "bytes=0-3"})

    assert (status, body, headers["Cache-Control"]) == (206, b"\x89PNG", "public, max-age=86400")
    with s3_server.faulty(lambda method, _path: 500 if method == "GET" else None):
        assert (await load(on_s3, avatar["url"]))[0] == 503


async def test_an_object_that_s3_lost_is_not_found(on_s3, caplog):
    ada = await on_s3.register("ada")
    avatar = await stored(ada, picture(50, 50), path="/users/profile/avatar")
    private = await stored(ada, PDF, path="/upload/document", name="a.pdf")
    for row in await models.StoredObject.all():
        await on_s3.app.container.storage.delete([f"{row.digest[:2]}/{row.digest}.{row.id.hex}"])

    assert (await load(on_s3, avatar["url"]))[0] == 404
    assert "the storage has lost a file" in caplog.text
    status, headers, _ = await load(on_s3, await signed_url(ada, private))
    async with aiohttp.ClientSession() as session, session.get(headers["Location"]) as response:
        assert (status, response.status in (403, 404)) == (302, True)  # as the rights of the key are


async def test_an_upload_to_a_failing_s3_is_refused_and_leaves_nothing(on_s3, s3_server):
    ada = await on_s3.register("ada")

    with s3_server.faulty(lambda method, _path: 500 if method == "PUT" else None):
        status, answer = await ada.rest("POST", "/upload/image", data=_form())
        async with on_s3.http.get(f"{on_s3.url}/health/ready") as response:
            ready = response.status, (await response.json())["checks"]["storage"]

    assert (status, answer["code"], ready) == (503, "unavailable", (200, "unavailable"))
    assert await models.Upload.all().count() == await models.StoredObject.all().count() == 0
    assert list(on_s3.app.container.storage.spool_folder.iterdir()) == []
    with s3_server.faulty(lambda method, _path: 507 if method == "PUT" else None):
        assert (await ada.rest("POST", "/upload/image", data=_form()))[0] == 507
    assert (await ada.rest("POST", "/upload/image", data=_form()))[0] == 201


def _form():
    from tests.support.pictures import form

    return form(("a.png", picture()))
