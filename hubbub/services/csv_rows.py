"""CSV export that is safe to open in a spreadsheet."""

import csv
import io
from typing import Any

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")


def to_csv(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> bytes:
    """Return rows as CSV. Text that a spreadsheet would evaluate as a formula is escaped."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Prefix text that looks like a formula with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_PREFIXES) else value
