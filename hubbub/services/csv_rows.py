"""Rows as lines of CSV, safe to open in a spreadsheet."""

import csv
import io
from typing import Any

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")


def to_csv(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> bytes:
    """Rows as lines of CSV; text that a spreadsheet would take for a formula is none any more."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula begins with an apostrophe instead."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_PREFIXES) else value
