"""What is particular to a folder: modes, a full disk, a folder that can't be written."""

import os
import stat
from datetime import timedelta

import pytest

from hubbub.core import clock
from hubbub.core.errors import StorageFull, Unavailable
from hubbub.gateways.storage import folder
from hubbub.gateways.storage.folder import FolderStorage
from hubbub.services.uploads.spool import SizeLimit, Spool
from tests.support.full_disk import no_more_than


async def one_file(storage, content=b"content"):
    async def chunks():
        yield content

    async with Spool(storage) as spool:
        received = await spool.receive(chunks(), SizeLimit(1 << 30, ""))
        await storage.put("ab/x", received.path)


async def test_only_the_owner_may_access_folders_and_files(tmp_path):
    before = os.umask(0)
    try:
        await one_file(FolderStorage(tmp_path / "not" / "yet"))
    finally:
        os.umask(before)

    found = {
        path.relative_to(tmp_path).as_posix(): oct(stat.S_IMODE(path.stat().st_mode))
        for path in tmp_path.rglob("*")
    }
    assert found == {
        "not": "0o700",
        "not/yet": "0o700",
        "not/yet/objects": "0o700",
        "not/yet/objects/ab": "0o700",
        "not/yet/objects/ab/x": "0o600",
        "not/yet/incoming": "0o700",
    }


async def test_a_full_disk_stores_nothing_and_is_reported(tmp_path):
    storage = FolderStorage(tmp_path)
    assert await storage.state() == "ok"

    with no_more_than(100_000), pytest.raises(StorageFull):
        await one_file(storage, bytes(300_000))

    assert await storage.state() == "degraded"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    await one_file(storage)
    assert await storage.state() == "ok"


async def test_almost_no_free_space_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MIN_FREE_BYTES", 1 << 60)

    assert await FolderStorage(tmp_path).state() == "degraded"


async def test_a_file_in_place_of_the_folder_is_unavailable(tmp_path):
    (tmp_path / "objects").write_text("in the way")
    storage = FolderStorage(tmp_path)

    with pytest.raises(Unavailable):
        await one_file(storage)

    assert await storage.state() == "unavailable"


async def test_temporary_files_are_not_listed(tmp_path):
    storage = FolderStorage(tmp_path)
    async with Spool(storage) as spool:
        spool.new_path()
        await one_file(storage)

        found = [
            key async for batch in storage.list_keys(clock.now() + timedelta(minutes=1)) for key in batch
        ]

    assert found == ["ab/x"]
