"""Location of an IP address, from a database file that the operator supplies."""

import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class GeoIp:
    """Reads a GeoIP2 or GeoLite2 City or Country database (MaxMind DB format)."""

    def __init__(self, path: Path | None) -> None:
        self._reader: Any = None  # None: every location is unknown
        if path is not None:
            import maxminddb  # noqa: PLC0415 - only if a file is configured

            try:
                self._reader = maxminddb.open_database(path)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                log.error("the GeoIP database can't be read; locations stay empty: %s", error)  # noqa: TRY400

    def locate(self, ip: str) -> str | None:
        """Return `City, Country` in English, or a part; None for an unknown IP address. Takes some µs."""
        if self._reader is None:
            return None
        try:
            record = self._reader.get(ip)
        except ValueError:
            return None
        if not isinstance(record, dict):
            return None
        names = [(record.get(kind) or {}).get("names", {}).get("en") for kind in ("city", "country")]
        return ", ".join(name for name in names if name) or None
