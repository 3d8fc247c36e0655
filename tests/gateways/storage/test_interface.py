"""What every storage does, on a folder and on S3."""

import asyncio
import os
from datetime import timedelta

import pytest

from hubbub.config import Settings
from hubbub.core import clock
from hubbub.core.errors import Unavailable
from hubbub.gateways.storage import registry
from hubbub.gateways.storage.interface import ObjectMissing
from hubbub.gateways.storage.s3 import PART_BYTES
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(params=["folder", "s3"])
async def storage(request, tmp_path):
    given = {"data_dir": tmp_path}
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        given |= {
            "storage_url": server.storage_url(f"tests/{tmp_path.name}"),
            "s3_access_key_id": ACCESS_KEY,
            "s3_secret_access_key": SECRET_KEY,
        }
    made = registry.build(Settings.for_tests(**given))
    yield made
    await made.close()


async def put(storage, key, content, tmp_path):
    storage.spool_folder.mkdir(parents=True, exist_ok=True)
    source = storage.spool_folder / os.urandom(8).hex()
    source.write_bytes(content)
    await storage.put(key, source)
    return source


async def read(storage, key, *part):
    return b"".join([chunk async for chunk in storage.read(key, *part)])


async def keys(storage, before):
    return sorted([key async for batch in storage.list_keys(before) for key in batch])


async def test_an_object_is_read_as_it_was_written(storage, tmp_path):
    source = await put(storage, "ab/first", CONTENT, tmp_path)

    assert await read(storage, "ab/first") == CONTENT
    assert not source.exists()


async def test_parts_of_an_object_are_read(storage, tmp_path):
    await put(storage, "ab/parts", CONTENT, tmp_path)

    assert await read(storage, "ab/parts", 10) == CONTENT[10:]
    assert await read(storage, "ab/parts", 10, 20) == CONTENT[10:20]
    assert await read(storage, "ab/parts", len(CONTENT) - 1, len(CONTENT)) == CONTENT[-1:]
    assert await read(storage, "ab/parts", 5, 5) == b""


async def test_a_large_object_is_stored_in_pieces(storage, tmp_path):
    content = os.urandom(PART_BYTES + 1000)

    await put(storage, "ab/large", content, tmp_path)

    assert await read(storage, "ab/large") == content


async def test_a_missing_object_is_reported(storage):
    with pytest.raises(ObjectMissing):
        await read(storage, "ab/missing")


async def test_deleted_objects_are_missing_and_may_be_deleted_again(storage, tmp_path):
    await put(storage, "ab/one", b"1", tmp_path)
    await put(storage, "cd/two", b"2", tmp_path)

    await storage.delete(["ab/one", "ab/never"])
    await storage.delete(["ab/one"])

    with pytest.raises(ObjectMissing):
        await read(storage, "ab/one")
    assert await read(storage, "cd/two") == b"2"


async def test_objects_are_listed_by_the_time_of_their_writing(storage, tmp_path):
    await put(storage, "ab/one", b"1", tmp_path)
    await put(storage, "cd/two", b"2", tmp_path)

    assert await keys(storage, clock.now() + timedelta(minutes=1)) == ["ab/one", "cd/two"]
    assert await keys(storage, clock.now() - timedelta(minutes=1)) == []


async def test_concurrent_writes_of_different_keys_do_not_mix(storage, tmp_path):
    contents = {f"ab/{number}": os.urandom(50_000) for number in range(12)}

    await asyncio.gather(*(put(storage, key, content, tmp_path) for key, content in contents.items()))

    assert {key: await read(storage, key) for key in contents} == contents


async def test_a_usable_storage_is_ok(storage):
    await storage.check()

    assert await storage.state() == "ok"


async def test_a_missing_source_is_an_error_and_stores_nothing(storage, tmp_path):
    with pytest.raises(Unavailable):
        await storage.put("ab/none", tmp_path / "none")

    with pytest.raises(ObjectMissing):
        await read(storage, "ab/none")
