"""The settings of backups."""

import base64

import pytest

from hubbub.config import ConfigError, Settings

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "text",
    [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode()],
)
def test_a_key_is_32_bytes_in_hex_or_base64(text):
    assert Settings.for_tests(backup_key=text).backup_key == KEY.hex()


@pytest.mark.parametrize("text", ["", "short", KEY.hex()[:-2], KEY.hex() + "00", "é" * 64, "g" * 64])
def test_an_invalid_key_is_refused_and_not_repeated(text):
    with pytest.raises(ConfigError) as caught:
        Settings.for_tests(backup_key=text)

    assert "HUBBUB_BACKUP_KEY: must be 32 bytes" in str(caught.value.lines)
    assert len(text) < 6 or text not in str(caught.value.lines)


@pytest.mark.parametrize("text", ["/srv/backups", "backups", "file:///srv/backups", "s3://bucket/prefix"])
def test_valid_locations_of_backups_are_accepted(text):
    assert Settings.for_tests(backup_url=text).backup_url == text


@pytest.mark.parametrize("text", ["https://host/x", "file://", "s3:///"])
def test_an_invalid_location_is_refused(text):
    with pytest.raises(ConfigError):
        Settings.for_tests(backup_url=text)
