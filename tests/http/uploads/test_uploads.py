"""Uploads over REST, with real requests and what goes wrong with them."""

import asyncio
import io
import os

import aiohttp
import pytest
from PIL import Image

from hubbub import models
from hubbub.http import paced_body
from hubbub.ratelimit.rate import Rate
from tests.support.full_disk import no_more_than
from tests.support.live_instance import LiveInstance
from tests.support.pictures import (
    PDF,
    animation,
    form,
    noise,
    office,
    picture,
    png_of_size,
)
from tests.support.waiting import until

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
async def ada(instance):
    return await instance.register("ada")


async def upload(user, content, path="/upload/image", name="photo.png"):
    """Upload a file; returns status and body."""
    return await user.rest("POST", path, data=form((name, content)))


async def stored(user, content, **options):
    status, answer = await upload(user, content, **options)
    assert status == 201, answer
    return answer["data"]


async def load(instance, url, **options):
    """Load a file; returns status, headers and content."""
    async with instance.http.get(instance.url + url, allow_redirects=False, **options) as response:
        return response.status, response.headers, await response.read()


def left_over(instance):
    """The temporary files and stored bytes."""
    folder = instance.app.container.storage.spool_folder.parent
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- the happy path, once on each database ---


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"])
async def test_an_image_is_stored_upright_without_metadata_and_with_thumbnails(instance):
    ada = await instance.register("ada")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Ada"
    status, answer = await upload(ada, picture(700, 1000, "JPEG", exif=exif.tobytes()), name="über uns.jpg")

    assert status == 201
    found = answer["data"]
    path = f"/uploads/{found['id']}/%C3%BCber%20uns.jpg"
    assert (found["kind"], found["name"], found["content_type"]) == ("image", "über uns.jpg", "image/jpeg")
    assert (found["width"], found["height"], found["url"]) == (1000, 700, path)
    assert found["thumbnails"] == [
        {"width": width, "url": f"/uploads/{found['id']}/{width}.webp"} for width in (320, 960)
    ]
    own = (await ada.rest("GET", f"/uploads/{found['id']}"))[1]["data"]
    assert {**own, "signed_url": ""} == {**found, "signed_url": ""}
    status, headers, content = await load(instance, own["signed_url"])
    assert (status, len(content)) == (200, found["size"])
    assert (headers["Content-Type"], b"Camera" in content) == ("image/jpeg", False)
    query = own["signed_url"].partition("?")[2]
    for thumbnail in found["thumbnails"]:
        status, headers, content = await load(instance, f"{thumbnail['url']}?{query}")
        assert (status, headers["Content-Type"]) == (200, "image/webp")
        assert Image.open(io.BytesIO(content)).width == thumbnail["width"]


@pytest.mark.parametrize(
    ("path", "content", "name", "content_type"),
    [
        ("/upload/document", PDF, "a.pdf", "application/pdf"),
        ("/upload/resume", office("odt"), "cv.odt", "application/vnd.oasis.opendocument.text"),
        ("/upload/document", b"# Title", "a.md", "text/markdown"),
    ],
)
async def test_a_document_is_stored_and_only_sent_for_saving(
    instance, ada, path, content, name, content_type
):
    found = await stored(ada, content, path=path, name=name)
    assert (found["kind"], found["content_type"]) == (path.rpartition("/")[2], content_type)
    assert found.keys().isdisjoint({"width", "height", "thumbnails"})
    headers = {"Authorization": f"Bearer {ada.token}"}

    status, headers, body = await load(instance, found["url"], headers=headers)

    assert (status, body) == (200, content)
    assert headers["Content-Disposition"].startswith(f'attachment; filename="{name}"')
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"].partition(";")[0] == content_type


async def test_several_images_are_stored_all_or_none(instance, ada):
    good = [(f"{number}.png", picture(20 + number, 20)) for number in range(3)]

    status, answer = await ada.rest("POST", "/upload/images", data=form(*good, field="files"))
    assert status == 201
    assert [each["width"] for each in answer["data"]] == [20, 21, 22]
    before = left_over(instance)
    status, answer = await ada.rest(
        "POST", "/upload/images", data=form(("9.png", picture(99, 9)), ("x.png", SVG), *good, field="files")
    )
    assert (status, answer["code"]) == (415, "unsupported_media_type")
    assert [each["field"] for each in answer["errors"]] == ["files[1]"]
    too_many = form(*[("x.png", picture(9, 9))] * 11, field="files")
    status, answer = await ada.rest("POST", "/upload/images", data=too_many)
    assert (status, answer["errors"][0]["field"]) == (422, "files")
    assert (await ada.rest("GET", "/uploads"))[1]["meta"]["total"] == 3
    assert left_over(instance) == before


async def test_uploads_are_listed_filtered_searched_and_deleted(instance, ada):
    eve = await instance.register("eve")
    await stored(eve, picture(9, 9))
    one = await stored(ada, picture(10, 10), name="holiday.png")
    two = await stored(ada, PDF, path="/upload/document", name="contract.pdf")

    answer = (await ada.rest("GET", "/uploads"))[1]
    assert [each["id"] for each in answer["data"]] == [two["id"], one["id"]]
    assert answer["meta"] == {"page": 1, "limit": 20, "total": 2, "pages": 1}
    for params, found in (
        ({"kind": "image"}, [one]),
        ({"q": "contr"}, [two]),
        ({"sort": "name"}, [two, one]),
    ):
        answer = (await ada.rest("GET", "/uploads", params=params))[1]
        assert [each["id"] for each in answer["data"]] == [each["id"] for each in found]
    assert (await ada.rest("GET", "/uploads", params={"kind": "x"}))[0] == 422
    signed = (await ada.rest("GET", f"/uploads/{one['id']}"))[1]["data"]["signed_url"]
    assert (await ada.rest("DELETE", f"/uploads/{one['id']}"))[0] == 204
    assert (await ada.rest("DELETE", f"/uploads/{one['id']}"))[0] == 404
    assert (await ada.rest("GET", f"/uploads/{one['id']}"))[0] == 404
    assert (await load(instance, signed))[0] == 404


async def test_an_upload_of_another_user_is_not_found(instance, ada):
    eve = await instance.register("eve")
    found = await stored(ada, picture())

    assert (await eve.rest("GET", f"/uploads/{found['id']}"))[0] == 404
    assert (await eve.rest("DELETE", f"/uploads/{found['id']}"))[0] == 404
    headers = {"Authorization": f"Bearer {eve.token}"}
    assert (await load(instance, found["url"], headers=headers))[0] == 404


async def test_the_same_content_is_stored_once_and_kept_until_no_upload_needs_it(instance, ada):
    eve = await instance.register("eve")
    first = await stored(ada, picture(), name="a.png")
    second = await stored(eve, picture(), name="b.png")
    assert first["id"] != second["id"]
    objects = [name for name in left_over(instance) if name.startswith("objects/")]
    assert len(objects) == 1

    await ada.rest("DELETE", f"/uploads/{first['id']}")
    await until(models.Job.filter(kind="uploads.remove_objects", ended_at__isnull=False).exists)
    headers = {"Authorization": f"Bearer {eve.token}"}
    assert (await load(instance, second["url"], headers=headers))[0] == 200
    await eve.rest("DELETE", f"/uploads/{second['id']}")

    await until(lambda: left_over(instance) == [])
    await until(_no_objects)


async def _no_objects():
    return not await models.StoredObject.exists()


# --- bad input ---


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/upload/image", SVG, 415),
        ("/upload/document", SVG, 415),
        ("/upload/image", PDF, 415),
        ("/upload/avatar", b"<html><script>alert(1)</script>", 415),
        ("/upload/document", picture(), 415),
        ("/upload/resume", PDF + office("docx"), 422),
        ("/upload/resume", PDF + office("docx") + PDF, 415),
        ("/upload/document", PDF[:-9], 422),
        ("/upload/image", noise(99, 99, "PNG")[:2000], 422),
        ("/upload/image", noise(99, 99, "JPEG")[:1000], 422),
        ("/upload/image", b"", 422),
        ("/upload/image", png_of_size(50_000, 50_000), 413),
        ("/upload/image", animation(301), 413),
        ("/upload/document", office("docx", {"x": bytes(40 << 20)}), 413),
    ],
)
async def test_bad_content_is_refused_and_nothing_is_left(instance, ada, path, content, status):
    found, answer = await upload(ada, content, path, name="photo.png")

    assert (found, [each["field"] for each in answer["errors"]]) == (status, ["file"])
    assert left_over(instance) == []
    assert await models.StoredObject.all().count() == await models.Upload.all().count() == 0


async def test_the_type_is_that_of_the_content_under_any_name_and_header(instance, ada):
    data = aiohttp.FormData()
    data.add_field("file", picture(9, 9, "PNG"), filename="photo.jpg", content_type="text/html")

    status, answer = await ada.rest("POST", "/upload/image", data=data)

    assert (status, answer["data"]["content_type"]) == (201, "image/png")
    headers = (await load(instance, answer["data"]["url"], headers={"Authorization": f"Bearer {ada.token}"}))[
        1
    ]
    assert headers["Content-Disposition"].startswith('inline; filename="photo.jpg.png"')


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("../../etc/passwd.png", "passwd.png"), ("a\u202egnp.exe", "agnp.exe"), ("C:\\x\\y.png", "y.png")],
)
async def test_a_name_is_made_safe(ada, sent, kept):
    assert (await stored(ada, picture(9, 9), name=sent))["name"] == kept


async def test_a_body_that_is_no_form_with_a_file_is_refused(ada):
    for options, status in (
        ({"json": {"file": "x"}}, 415),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400),
        ({"data": b"--y\r\n\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400),
        ({"data": form(("a.png", picture()), field="other")}, 422),
        ({"data": form(("a.png", picture()), ("b.png", picture()))}, 422),
    ):
        found, answer = await ada.rest("POST", "/upload/image", **options)
        assert found == status, answer


async def test_an_api_key_may_upload_and_an_idempotency_key_is_ignored(instance, ada):
    for _ in range(2):
        data = form(("a.png", picture()))
        status, answer = await ada.rest(
            "POST", "/upload/image", data=data, headers={"Idempotency-Key": "same"}
        )
        assert status == 201, answer

    assert (await ada.rest("GET", "/uploads"))[1]["meta"]["total"] == 2


# --- limits ---


async def refusal(instance, user, chunks):
    """Return the status with which an upload is refused while it is sent; None if it is disconnected."""
    data = aiohttp.FormData()
    data.add_field("file", chunks, filename="a.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {user.token}"}
    try:
        async with instance.http.post(
            f"{instance.url}/api/v1/upload/image", data=data, headers=headers
        ) as response:
            return response.status
    except aiohttp.ClientError:
        return None


async def test_sizes_are_limited_while_reading(instance, ada):
    container = instance.app.container
    container.settings = container.settings.model_copy(update={"max_image_bytes": 100_000})
    sent = []

    async def endless():
        while True:
            sent.append(1 << 16)
            yield os.urandom(1 << 16)

    status, answer = await upload(ada, noise(400, 400))

    assert (status, answer["code"]) == (413, "too_large")
    async with asyncio.timeout(10):
        assert await refusal(instance, ada, endless()) in (413, None)
    assert sum(sent) < 20_000_000
    assert left_over(instance) == []


async def test_the_quota_of_a_user_is_kept_by_concurrent_uploads(instance, ada):
    container = instance.app.container
    container.settings = container.settings.model_copy(update={"upload_quota_bytes": 250_000})
    texts = [os.urandom(30_000).hex().encode() for _ in range(8)]

    results = await asyncio.gather(*(upload(ada, text, "/upload/document", name="a.txt") for text in texts))

    statuses = sorted(status for status, _ in results)
    assert statuses == [201] * 4 + [413] * 4
    refused = next(answer for status, answer in results if status == 413)
    assert (refused["code"], "250000" in refused["detail"]) == ("too_large", True)
    assert len(left_over(instance)) == 4


async def test_uploads_have_their_own_rate_limit(settings):
    async with LiveInstance(settings.model_copy(update={"limit_upload": Rate(2, 0.01)})) as instance:
        ada = await instance.register("ada")
        await stored(ada, picture(9, 9))
        await stored(ada, picture(9, 9), path="/users/profile/avatar")

        async with instance.http.post(
            f"{instance.url}/api/v1/upload/document",
            data=form(("a.pdf", PDF)),
            headers={"Authorization": f"Bearer {ada.token}"},
        ) as response:
            assert (response.status, (await response.json())["code"]) == (429, "rate_limited")
        assert (await ada.rest("DELETE", "/users/profile/avatar"))[0] == 204


# --- interruptions ---


async def test_an_aborted_upload_leaves_nothing(instance, ada):
    body = b"--y\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n" + picture()
    _, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(
        b"POST /api/v1/upload/image HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + ada.token.encode()
        + b"\r\nContent-Type: multipart/form-data; boundary=y\r\nContent-Length: 100000\r\n\r\n"
        + body
    )
    await until(lambda: left_over(instance) != [])

    writer.close()

    await until(lambda: left_over(instance) == [])
    assert await models.Upload.all().count() == 0


async def test_a_slow_upload_is_ended(instance, ada, monkeypatch):
    monkeypatch.setattr(paced_body, "IDLE_TIMEOUT_S", 0.1)

    async def slow():
        yield picture()[:50]
        await asyncio.Event().wait()

    assert await refusal(instance, ada, slow()) in (400, None)
    await until(lambda: left_over(instance) == [])


async def test_an_upload_below_the_slowest_rate_is_ended(instance, ada, monkeypatch):
    monkeypatch.setattr(paced_body, "GRACE_S", 0.0)
    monkeypatch.setattr(paced_body, "MIN_BYTES_PER_S", 1 << 40)

    async def pieces():
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    assert await refusal(instance, ada, pieces()) in (400, None)
    await until(lambda: left_over(instance) == [])


async def test_a_full_disk_is_507_and_reported_and_leaves_nothing(instance, ada):
    content = os.urandom(4_000_000).hex().encode()
    with no_more_than(6_000_000):  # the database stays below it
        status, answer = await upload(ada, content, "/upload/document", name="a.txt")
        async with instance.http.get(f"{instance.url}/health/ready") as response:
            ready = response.status, (await response.json())["checks"]["storage"]

    assert (status, answer["code"], answer["status"]) == (507, "unavailable", 507)
    assert ready == (200, "degraded")
    assert left_over(instance) == []
    assert (await upload(ada, content, "/upload/document", name="a.txt"))[0] == 201
    async with instance.http.get(f"{instance.url}/health/ready") as response:
        assert (await response.json())["checks"]["storage"] == "ok"


async def test_the_log_contains_neither_url_nor_name(instance, ada, caplog):
    caplog.set_level("DEBUG", logger="hubbub")
    found = await stored(ada, picture(), name="secret-name.jpg")
    own = (await ada.rest("GET", f"/uploads/{found['id']}"))[1]["data"]
    await load(instance, own["signed_url"])

    texts = [str(record.__dict__) for record in caplog.records if record.name.startswith("hubbub")]
    assert len(texts) >= 3
    assert [each for each in texts if "secret-name" in each or "s=" in each] == []
