"""What is particular to S3: signatures, signed URLs, settings, and a server that fails."""

import os
import threading
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from hubbub.config import Settings
from hubbub.core import clock
from hubbub.core.errors import StorageFull, Unavailable
from hubbub.gateways.storage import registry, s3, s3_client
from hubbub.gateways.storage.interface import ObjectMissing, SignedUrl
from tests.support.s3_server import ACCESS_KEY, ACCOUNT_ID, BUCKET, SECRET_KEY

RESPONSE = SignedUrl("image/png", 'inline; filename="a b.png"', "private, max-age=3600")


@pytest.fixture
def settings(s3_server, tmp_path):
    return Settings.for_tests(
        data_dir=tmp_path,
        storage_url=s3_server.storage_url(f"own/{tmp_path.name}"),
        s3_access_key_id=ACCESS_KEY,
        s3_secret_access_key=SECRET_KEY,
    )


@pytest.fixture
async def storage(settings):
    made = registry.build(settings)
    yield made
    await made.close()


async def put(storage, key, content=b"content"):
    storage.spool_folder.mkdir(parents=True, exist_ok=True)
    source = storage.spool_folder / os.urandom(8).hex()
    source.write_bytes(content)
    await storage.put(key, source)


async def get(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, dict(response.headers), await response.read()


async def test_every_request_has_a_valid_signature(storage, s3_server):
    before = len(s3_server.refused)

    await put(storage, "ab/é ü+&=?~%")
    await put(storage, "ab/large", os.urandom(s3.PART_BYTES * 2))
    await storage.check()
    await storage.delete(["ab/large"])

    assert s3_server.refused[before:] == []


async def test_a_wrong_key_is_refused(settings, s3_server):
    wrong = registry.build(settings.model_copy(update={"s3_secret_access_key": "another"}))

    with pytest.raises(Unavailable):
        await put(wrong, "ab/x")

    await wrong.close()
    assert s3_server.refused[-1] == "SignatureDoesNotMatch"


async def test_a_signed_url_loads_the_object_with_the_given_headers(storage):
    await put(storage, "ab/x y")

    status, headers, body = await get(await storage.signed_url("ab/x y", RESPONSE))

    assert (status, body) == (200, b"content")
    assert headers["Content-Type"].startswith("image/png")
    assert headers["Content-Disposition"] == RESPONSE.disposition
    assert headers["Cache-Control"] == RESPONSE.cache_control


@pytest.mark.parametrize(
    ("before", "after"), [("ab/x", "ab/y"), ("X-Amz-Expires=300", "X-Amz-Expires=9999"), ("inline", "attach")]
)
async def test_a_changed_signed_url_is_refused(storage, before, after):
    await put(storage, "ab/x")
    await put(storage, "ab/y")
    url = await storage.signed_url("ab/x", RESPONSE)

    assert before in url
    assert (await get(url))[0] == 200
    assert (await get(url.replace(before, after)))[0] == 403


async def test_a_signed_url_expires_after_five_minutes(storage, monkeypatch):
    await put(storage, "ab/x")
    url = await storage.signed_url("ab/x", RESPONSE)
    assert dict(parse_qsl(urlsplit(url).query))["X-Amz-Expires"] == "300"

    monkeypatch.setattr(s3, "SIGNED_URL_S", 0)
    expired = await storage.signed_url("ab/x", RESPONSE)

    assert (await get(url))[0] == 200
    assert (await get(expired))[0] == 403


async def test_the_environment_of_aws_is_not_read(storage, monkeypatch, tmp_path):
    (tmp_path / "config").write_text("[default]\nregion = nowhere\nendpoint_url = http://127.0.0.1:1\n")
    for name, value in {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "config"),
        "AWS_PROFILE": "of another program",
        "AWS_REGION": "nowhere",
        "AWS_DEFAULT_REGION": "nowhere",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "of another program",
        "AWS_SECRET_ACCESS_KEY": "of another program",
        "AWS_SESSION_TOKEN": "of another program",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_USE_FIPS_ENDPOINT": "true",
    }.items():
        monkeypatch.setenv(name, value)

    await put(storage, "ab/x")

    assert (await get(await storage.signed_url("ab/x", RESPONSE)))[0] == 200


async def test_without_an_endpoint_it_is_the_one_of_amazon(settings, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    own = settings.model_copy(update={"storage_url": "s3://bucket-of-mine/pre/fix?region=eu-west-1"})
    storage = registry.build(own)

    url = urlsplit(await storage.signed_url("ab/x", RESPONSE))

    await storage.close()
    assert (url.scheme, url.netloc) == ("https", "bucket-of-mine.s3.eu-west-1.amazonaws.com")
    assert url.path == "/pre/fix/ab/x"


async def test_a_server_that_fails_is_unavailable_and_then_usable_again(storage, s3_server):
    with s3_server.faulty(lambda _method, _path: 500):
        with pytest.raises(Unavailable):
            await put(storage, "ab/x")
        assert await storage.state() == "unavailable"
        with pytest.raises(Unavailable):
            await storage.delete(["ab/x"])

    await put(storage, "ab/x")
    assert await storage.state() == "ok"


async def test_a_single_failure_is_repeated(storage, s3_server):
    failures = iter([500])

    with s3_server.faulty(lambda _method, _path: next(failures, None)):
        await put(storage, "ab/x")


async def test_a_full_storage_is_reported(storage, s3_server):
    with s3_server.faulty(lambda method, _path: 507 if method == "PUT" else None), pytest.raises(StorageFull):
        await put(storage, "ab/x")

    assert await storage.state() == "degraded"


async def test_a_server_that_does_not_respond_is_unavailable(settings, s3_server, monkeypatch):
    monkeypatch.setattr(s3_client, "READ_TIMEOUT_S", 0.1)
    monkeypatch.setattr(s3_client, "MAX_ATTEMPTS", 1)
    storage, release = registry.build(settings), threading.Event()

    def wait(_method, _path):
        release.wait(10)

    try:
        with s3_server.faulty(wait), pytest.raises(Unavailable):
            await put(storage, "ab/x")
    finally:
        release.set()
        await storage.close()


async def test_parts_of_a_failed_upload_are_removed(storage, s3_server):
    from moto.s3.models import s3_backends

    parts = iter([None, 500, 500, 500])

    def fail(method, _path):
        return next(parts, None) if method == "PUT" else None

    with s3_server.faulty(fail), pytest.raises(Unavailable):
        await put(storage, "ab/large", os.urandom(s3.PART_BYTES * 2))

    assert list(s3_backends[ACCOUNT_ID]["aws"].buckets[BUCKET].multiparts) == []
    with pytest.raises(ObjectMissing):
        [chunk async for chunk in storage.read("ab/large")]


async def test_objects_outside_of_the_prefix_are_not_listed(settings, storage):
    other = registry.build(
        settings.model_copy(update={"storage_url": settings.storage_url.replace("own/", "x/")})
    )
    await put(other, "ab/of-another")
    await put(storage, "ab/x")

    found = [key async for batch in storage.list_keys(clock.now() + timedelta(minutes=1)) for key in batch]

    await other.close()
    assert found == ["ab/x"]
