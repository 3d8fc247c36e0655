"""Place of an IP address, from a database file that the operator supplies."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where an IP address is used, in English. What the database does not have is None."""

    city: str | None
    region: str | None  # the largest subdivision of the country
    country: str | None
    country_code: str | None  # ISO 3166-1, two letters
    time_zone: str | None  # of the IANA database

    @property
    def text(self) -> str | None:
        """`City, Country`, or a part; None if neither is known."""
        return ", ".join(name for name in (self.city, self.country) if name) or None


class GeoIpUnreadable(Exception):
    """The file is missing, not readable or not a database of this format. The message is the reason."""


class GeoIp:
    """Reads a GeoIP2 or GeoLite2 City or Country database (MaxMind DB format)."""

    def __init__(self, path: Path | None) -> None:
        self._reader: Any = None  # None: every place is unknown
        if path is not None:
            try:
                self._reader = open_database(path)
            except GeoIpUnreadable as error:
                fields = {"path": str(path), "reason": str(error)}
                log.error("the GeoIP database can't be read; locations stay empty", extra=fields)  # noqa: TRY400

    def locate(self, ip: str) -> Place | None:
        """Return the place of an IP address; None if nothing of it is known. Takes some µs."""
        if self._reader is None:
            return None
        try:
            record = self._reader.get(ip)
        except ValueError:
            return None
        if not isinstance(record, dict):
            return None
        country, region = record.get("country") or {}, (record.get("subdivisions") or [{}])[0]
        place = Place(
            city=_english(record.get("city") or {}),
            region=_english(region),
            country=_english(country),
            country_code=country.get("iso_code"),
            time_zone=(record.get("location") or {}).get("time_zone"),
        )
        return place if any(place) else None


def open_database(path: Path) -> Any:  # noqa: ANN401 - of a module that is imported only if it is used
    """Open a database file. Raises GeoIpUnreadable."""
    import maxminddb  # noqa: PLC0415 - only if a file is configured

    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise GeoIpUnreadable(reason or str(error)) from None


def _english(entry: dict[str, Any]) -> str | None:
    name: str | None = (entry.get("names") or {}).get("en")
    return name
