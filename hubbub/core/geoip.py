"""Where an address is, by a database file that the operator supplies; without one, nobody knows."""

import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class GeoIp:
    """Reads a GeoIP2 or GeoLite2 City or Country database (MaxMind DB format)."""

    def __init__(self, path: Path | None) -> None:
        self._reader: Any = None
        if path is not None:
            import maxminddb  # noqa: PLC0415 - only where a file is given

            try:
                self._reader = maxminddb.open_database(path)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                log.error("the GeoIP database can't be read; places stay empty: %s", error)  # noqa: TRY400

    def locate(self, ip: str) -> str | None:
        """`City, Country` in English, or less; None for what is not in the file. Some µs."""
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
