"""The schedule UPLOADS: what it removes, and what it keeps."""

import os
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.errors import Unavailable
from hubbub.schemas.jobs import EraseAccount, SweepUploads
from hubbub.services.accounts import deletion
from hubbub.services.uploads import avatars, spool, stored_objects, sweep
from tests.services.uploads.conftest import make_user, object_keys, request, store
from tests.support.pictures import picture

DAY = timedelta(hours=24)


async def age(delta):
    """Make every row older."""
    moment = clock.now() - delta
    await models.Upload.filter(unreferenced_since__isnull=False).update(unreferenced_since=moment)
    await models.StoredObject.all().update(created_at=moment)


async def run(container):
    await sweep.sweep_job(container, SweepUploads(run_id=ids.uuid7()))


async def test_an_upload_without_a_reference_is_removed_after_a_day(container, ada):
    await store(ada, b"one")

    await age(DAY - timedelta(minutes=1))
    await run(container)
    assert await models.Upload.all().count() == len(await object_keys(container)) == 1
    await age(DAY + timedelta(minutes=1))
    await run(container)

    assert await models.Upload.all().count() == await models.StoredObject.all().count() == 0
    assert await object_keys(container) == []


async def test_an_avatar_is_kept_and_a_former_one_is_not(container, ada):
    first = await avatars.set_avatar(ada, request(picture(), "avatar"))
    second = await avatars.set_avatar(ada, request(picture(99, 99), "avatar"))

    await age(DAY * 2)
    await run(container)

    assert [each.id for each in await models.Upload.all()] == [second.id]
    assert first.id != second.id
    assert len(await object_keys(container)) == 2  # the avatar and its thumbnail


async def test_an_upload_attached_to_a_message_is_kept(container, ada):
    upload = await store(ada, b"attached")
    room = await models.Room.create(kind="private")
    message = await models.Message.create(
        room=room, seq=1, sender_id=ada.user_id, client_id=ids.uuid7(), body="", created_at=clock.now()
    )
    await models.Attachment.create(message=message, room_id=room.id, upload_id=upload.id, position=0)

    await age(DAY * 2)
    await run(container)
    await run(container)

    assert [each.unreferenced_since for each in await models.Upload.all()] == [None]
    assert len(await object_keys(container)) == 1


async def test_bytes_of_an_aborted_upload_are_removed_after_an_hour(container, ada):
    row = await models.StoredObject.create(digest="ab" * 32, size=1, created_at=clock.now())
    await _write(container, stored_objects.key_of(row.id, row.digest))

    await run(container)
    assert len(await object_keys(container)) == 1
    await age(timedelta(minutes=61))
    await run(container)

    assert await object_keys(container) == []
    assert await models.StoredObject.all().count() == 0


async def test_bytes_without_a_row_are_removed_after_a_day(container, ada):
    await store(ada, b"known")
    unknown = stored_objects.key_of(ids.uuid7(), "cd" * 32)
    await _write(container, unknown)
    await _write(container, "ab/of-another-program")
    folder = container.storage.spool_folder.parent / "objects"

    await run(container)
    assert unknown in await object_keys(container)
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    await run(container)

    kept = await object_keys(container)
    assert unknown not in kept
    assert len(kept) == 2
    assert "ab/of-another-program" in kept


async def test_a_failed_deletion_is_repeated(container, ada, monkeypatch):
    upload = await store(ada, b"one")
    await models.Upload.filter(id=upload.id).delete()
    await age(timedelta(hours=2))

    async def fail(_keys):
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(container.storage, "delete", fail)
        with pytest.raises(Unavailable):
            await run(container)
    assert await models.StoredObject.filter(removed_at__isnull=False).count() == 1
    await models.StoredObject.all().update(removed_at=clock.now() - timedelta(hours=1))
    await run(container)

    assert await object_keys(container) == []
    assert await models.StoredObject.all().count() == 0


async def test_old_temporary_files_are_removed(container, ada):
    folder = container.storage.spool_folder
    folder.mkdir(parents=True)
    for name, seconds in (("old", spool.MAX_AGE_S + 60), ("new", 0)):
        (folder / name).write_bytes(b"x")
        moment = clock.now().timestamp() - seconds
        os.utime(folder / name, (moment, moment))

    await run(container)

    assert [path.name for path in folder.iterdir()] == ["new"]


async def test_a_deleted_account_leaves_no_file(container, ada):
    eve = await make_user(container, "eve")
    await store(eve, b"shared")
    await store(ada, b"shared")
    await store(ada, b"own")
    await avatars.set_avatar(ada, request(picture(), "avatar"))

    async with ada.unit() as unit:
        await deletion.erase(unit, await models.User.get(id=ada.user_id))
    await deletion.erase_job(container, EraseAccount(user_id=ada.user_id))

    assert await models.Upload.all().values_list("user_id", flat=True) == [eve.user_id]
    assert await models.UploadReference.all().count() == 0
    assert len(await object_keys(container)) == 1


async def _write(container, key):
    container.storage.spool_folder.mkdir(parents=True, exist_ok=True)
    source = container.storage.spool_folder / "source"
    source.write_bytes(b"x")
    await container.storage.put(key, source)
