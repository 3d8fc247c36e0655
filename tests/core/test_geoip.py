"""The country of an IP address."""

from hubbub.core.geoip import GeoIp


def test_no_country_is_found_without_a_file():
    assert GeoIp(None).locate("192.0.2.1") is None


def test_an_invalid_file_is_logged_once_and_ignored(tmp_path, caplog):
    path = tmp_path / "broken.mmdb"
    path.write_bytes(b"no database")

    assert GeoIp(path).locate("192.0.2.1") is None
    assert len(caplog.records) == 1
    assert "GeoIP" in caplog.text
