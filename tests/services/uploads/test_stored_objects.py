"""Bytes are stored once, kept while a file refers to them, and never removed too early."""

import asyncio

import pytest

from hubbub import models
from hubbub.core.errors import Unavailable
from hubbub.schemas.uploads.uploads import UploadRef
from hubbub.services.uploads import receiving, stored_objects, uploads
from tests.services.uploads.conftest import make_user, object_keys, store


async def test_concurrent_uploads_of_the_same_bytes_store_them_once(container, ada):
    users = [ada, *[await make_user(container, f"user{number}") for number in range(4)]]

    made = await asyncio.gather(*(store(ctx, b"the same") for ctx in users))

    assert len({each.id for each in made}) == 5
    assert await models.StoredObject.all().count() == 1
    assert len(await object_keys(container)) == 1
    assert await models.UploadFile.all().count() == 5


async def test_bytes_are_kept_until_no_file_refers_to_them(container, ada):
    eve = await make_user(container, "eve")
    first, second = await store(ada, b"the same"), await store(eve, b"the same")
    (row,) = await models.StoredObject.all()

    await uploads.delete(ada, UploadRef(upload_id=first.id))
    assert await stored_objects.remove_unreferenced(container, [row.id]) == 0
    assert len(await object_keys(container)) == 1
    await uploads.delete(eve, UploadRef(upload_id=second.id))
    assert await stored_objects.remove_unreferenced(container, [row.id]) == 1

    assert await object_keys(container) == []
    assert await models.StoredObject.all().count() == 0


async def test_bytes_removed_during_an_upload_are_stored_again(container, ada, monkeypatch):
    first = await store(ada, b"the same")
    place, removed = stored_objects.place, []

    async def place_and_remove(*arguments):
        placed = await place(*arguments)
        if not removed:
            (row,) = await models.StoredObject.all()
            removed.append(row.id)
            await uploads.delete(ada, UploadRef(upload_id=first.id))
            assert await stored_objects.remove_unreferenced(container, [row.id]) == 1
        return placed

    monkeypatch.setattr(receiving.stored_objects, "place", place_and_remove)
    await store(ada, b"the same")

    (row,) = await models.StoredObject.all()
    assert row.id not in removed
    assert await object_keys(container) == [stored_objects.key_of(row.id, row.digest)]


async def test_removal_and_upload_of_the_same_bytes_never_lose_them(container, ada):
    eve = await make_user(container, "eve")
    for _ in range(5):
        first = await store(ada, b"the same")
        (row,) = await models.StoredObject.filter(removed_at__isnull=True)
        await uploads.delete(ada, UploadRef(upload_id=first.id))

        made, _ = await asyncio.gather(
            store(eve, b"the same"), stored_objects.remove_unreferenced(container, [row.id])
        )

        file = await models.UploadFile.get(upload_id=made.id).prefetch_related("stored_object")
        key = stored_objects.key_of(file.stored_object.id, file.stored_object.digest)
        assert b"".join([chunk async for chunk in container.storage.read(key)]) == b"the same"
        await uploads.delete(eve, UploadRef(upload_id=made.id))
        await stored_objects.remove_unreferenced(container, [file.stored_object.id])


async def test_a_failed_transaction_leaves_no_bytes(container, ada, monkeypatch):
    async def fail(*_):
        raise Unavailable

    monkeypatch.setattr(receiving.usage, "total_bytes", fail)
    with pytest.raises(Unavailable):
        await receiving._store(ada, await _prepared(container), None)

    assert await object_keys(container) == []
    assert await models.StoredObject.all().count() == 0


async def test_bytes_of_a_transaction_that_was_committed_are_not_discarded(container, ada):
    """As after a lost connection during the commit."""
    upload = await store(ada, b"stored")
    (row,) = await models.StoredObject.all()
    local = (await _prepared(container))[0].files[0].local

    await stored_objects.discard(container, [stored_objects.Placed(row.id, local, new=True)])

    assert len(await object_keys(container)) == 1
    assert await models.UploadFile.filter(upload_id=upload.id).exists()


async def _prepared(container):
    from hubbub.services.uploads.checks import PreparedFile, PreparedUpload
    from hubbub.services.uploads.spool import measure

    container.storage.spool_folder.mkdir(parents=True, exist_ok=True)
    path = container.storage.spool_folder / "prepared"
    path.write_bytes(b"prepared")
    return [PreparedUpload("document", "a.txt", [PreparedFile("a.txt", "text/plain", measure(path))])]
