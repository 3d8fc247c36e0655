"""The place of an IP address."""

import pytest

from hubbub.core.geoip import GeoIp, Place
from tests.support import mmdb

ZURICH = {
    "city": {"names": {"de": "Zürich", "en": "Zurich"}},
    "subdivisions": [{"names": {"en": "Canton of Zurich"}}, {"names": {"en": "District"}}],
    "country": {"names": {"en": "Switzerland"}, "iso_code": "CH"},
    "location": {"time_zone": "Europe/Zurich"},
}


def test_no_place_is_found_without_a_file():
    assert GeoIp(None).locate("192.0.2.1") is None


def test_an_invalid_file_is_logged_once_and_ignored(tmp_path, caplog):
    path = tmp_path / "broken.mmdb"
    path.write_bytes(b"no database")

    assert GeoIp(path).locate("192.0.2.1") is None
    assert len(caplog.records) == 1
    assert "GeoIP" in caplog.text


@pytest.mark.parametrize(
    ("record", "place", "text"),
    [
        (
            ZURICH,
            Place("Zurich", "Canton of Zurich", "Switzerland", "CH", "Europe/Zurich"),
            "Zurich, Switzerland",
        ),
        ({"country": ZURICH["country"]}, Place(None, None, "Switzerland", "CH", None), "Switzerland"),
        (
            {"city": {"names": {"de": "Zürich"}}, "subdivisions": [], "location": ZURICH["location"]},
            Place(None, None, None, None, "Europe/Zurich"),
            None,
        ),
    ],
)
def test_a_place_has_what_the_file_has(tmp_path, record, place, text):
    mmdb.write(tmp_path / "city.mmdb", "192.0.2.0/24", record)
    geoip = GeoIp(tmp_path / "city.mmdb")

    found = geoip.locate("192.0.2.77")

    assert found == place
    assert found.text == text
    assert geoip.locate("192.0.3.77") is None
    assert geoip.locate("no address") is None


def test_a_record_without_a_place_is_unknown(tmp_path):
    mmdb.write(tmp_path / "city.mmdb", "192.0.2.0/24", {"registered_country": {"iso_code": "CH"}})

    assert GeoIp(tmp_path / "city.mmdb").locate("192.0.2.1") is None
