"""Hooks of schemathesis that leave out the long patterns of the API document.

From a pattern with sets of Unicode characters it takes seconds to generate one text. Without the pattern any
text is sent, of which the server refuses some.
"""

from typing import Any

import schemathesis

MAX_PATTERN_CHARS = 60


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    _drop_long_patterns(raw_schema)


def _drop_long_patterns(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(pattern := node.get("pattern"), str) and len(pattern) > MAX_PATTERN_CHARS:
            del node["pattern"]
        for inner in node.values():
            _drop_long_patterns(inner)
    elif isinstance(node, list):
        for inner in node:
            _drop_long_patterns(inner)
