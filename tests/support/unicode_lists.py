"""Write the lists of emoji and of language subtags that the package carries, from published data.

    python -m pip install --target /tmp/lists emoji==2.16.0
    npm pack language-subtag-registry@0.4.2 && tar xzf language-subtag-registry-0.4.2.tgz -C /tmp/lists
    PYTHONPATH=/tmp/lists python -m tests.support.unicode_lists /tmp/lists/package

`emoji` 2.16.0 has the emoji of Unicode's emoji-test.txt, version 18.0. The npm package has the IANA Language
Subtag Registry of 2025-08-25. Neither is needed to run or test hubbub.
"""

import importlib
import json
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

DATA = Path(__file__).parents[2] / "hubbub" / "core" / "text" / "data"
FULLY_QUALIFIED = 2  # emoji.STATUS["fully_qualified"]
SUBTAG_KINDS = ("language", "script", "region", "variant")
# Placeholders, which name nothing.
PLACEHOLDER_SUBTAGS = {
    "region": {"AA", "ZZ"},
    "script": {"Zxxx", "Zyyy", "Zzzz"},
    "language": {"mis", "mul", "und", "zxx"},
}


def _emoji() -> Iterable[str]:
    known = importlib.import_module("emoji").EMOJI_DATA
    return sorted(text for text, about in known.items() if about["status"] == FULLY_QUALIFIED)


def _subtags(package: Path, kind: str) -> Iterable[str]:
    """The subtags of a kind, but for private use and for those that name nothing."""
    records = json.loads((package / "data" / "json" / "registry.json").read_text("utf-8"))
    for record in records:
        subtag = record.get("Subtag", "")
        if record["Type"] != kind or ".." in subtag or record.get("Scope") == "private-use":
            continue
        if subtag and subtag not in PLACEHOLDER_SUBTAGS.get(kind, ()):
            yield subtag


def main(package: Path) -> None:
    """Write both files."""
    generated_by = "# Written by `python -m tests.support.unicode_lists`.\n"
    emoji = "\n".join(textwrap.wrap(" ".join(_emoji()), 100, break_long_words=False, break_on_hyphens=False))
    emoji_header = "# Unicode emoji-test 18.0: every emoji in its fully-qualified form.\n"
    (DATA / "emoji.txt").write_text(emoji_header + generated_by + emoji + "\n", "utf-8")
    lines = ["# IANA Language Subtag Registry, 2025-08-25: a kind a line.\n", generated_by]
    lines += [f"{kind}: {' '.join(sorted(set(_subtags(package, kind))))}\n" for kind in SUBTAG_KINDS]
    (DATA / "language_subtags.txt").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
