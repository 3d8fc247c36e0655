"""Free space on the disks."""

from pathlib import Path

import pytest

from hubbub.config import Settings
from hubbub.services.instance import disk


def test_the_folders_are_those_of_secrets_database_and_uploads(tmp_path):
    settings = Settings.for_tests(
        data_dir=tmp_path / "data",
        database_url=f"sqlite://{tmp_path}/base/hubbub.db",
        storage_url=f"file://{tmp_path}/up%20loads",
    )

    assert disk.folders(settings) == [tmp_path / "data", tmp_path / "base", tmp_path / "up loads"]


def test_servers_have_their_own_disks():
    settings = Settings.for_tests(
        database_url="postgres://a:b@c:5432/d",
        storage_url="s3://bucket",
        s3_access_key_id="a",
        s3_secret_access_key="b",
        data_dir=Path("data"),
    )

    assert disk.folders(settings) == [Path("data")]


@pytest.mark.parametrize(("minimum", "state"), [("0", "ok"), ("100000TB", "degraded")])
async def test_the_state_depends_on_the_setting(tmp_path, minimum, state):
    settings = Settings.for_tests(data_dir=tmp_path / "not" / "yet", disk_min_bytes=minimum)

    assert await disk.state(settings) == state
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_does_not_respond_is_unavailable(tmp_path, monkeypatch):
    def fails(_):
        raise OSError

    monkeypatch.setattr(disk.shutil, "disk_usage", fails)

    assert await disk.state(Settings.for_tests(data_dir=tmp_path)) == "unavailable"
