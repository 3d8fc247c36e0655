"""Where an address is."""

from hubbub.core.geoip import GeoIp


def test_without_a_file_nobody_knows():
    assert GeoIp(None).locate("192.0.2.1") is None


def test_a_file_that_is_none_is_said_once_and_does_no_harm(tmp_path, caplog):
    path = tmp_path / "broken.mmdb"
    path.write_bytes(b"no database")

    assert GeoIp(path).locate("192.0.2.1") is None
    assert len(caplog.records) == 1
    assert "GeoIP" in caplog.text
