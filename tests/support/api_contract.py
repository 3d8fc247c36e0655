"""Compares responses with the API document: each must be described and have the described shape."""

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from hubbub.http.app import openapi_document

INTERNAL_ERROR = 500  # not guaranteed


class ApiContract:
    """The document, and the responses that were seen of it as (method, path, status)."""

    def __init__(self) -> None:
        self.document = openapi_document()
        self.seen: set[tuple[str, str, int]] = set()
        self._paths = [(_pattern(path), path) for path in sorted(self.document["paths"], key=_specificity)]
        self._validators: dict[tuple[str, str, int], Validator | None] = {}

    @property
    def documented_responses(self) -> set[tuple[str, str, int]]:
        """All that are described."""
        return {
            (method.upper(), path, int(status))
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
            for status in operation["responses"]
        }

    def operations(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Method, path and description of each."""
        return [
            (method.upper(), path, operation)
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
        ]

    def check(self, method: str, url: str, status: int, content_type: str, body: Any) -> None:
        """Record a response. Fails if its status or shape is not described. Paths outside the API pass."""
        url_path = urlsplit(url).path
        path = next((path for pattern, path in self._paths if pattern.fullmatch(url_path)), None)
        if path is None or method.lower() not in self.document["paths"][path] or status == INTERNAL_ERROR:
            return
        responses = self.document["paths"][path][method.lower()]["responses"]
        assert str(status) in responses, f"{method} {path} does not say that it answers {status}: {body}"
        self.seen.add((method, path, status))
        content = responses[str(status)].get("content", {})
        assert not content or content_type in content, f"{method} {path} {status} is {content_type}"
        validator = self._validator(method, path, status, content.get(content_type, {}).get("schema"))
        if validator is not None:
            errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
            assert errors == [], f"{method} {path} {status}"

    def _validator(
        self, method: str, path: str, status: int, schema: dict[str, Any] | None
    ) -> Validator | None:
        key = (method, path, status)
        if key not in self._validators:
            full_schema = schema and {**schema, "components": self.document["components"]}
            self._validators[key] = Draft202012Validator(full_schema) if full_schema else None
        return self._validators[key]


def _specificity(path: str) -> tuple[int, str]:
    """Written-out paths before those with parts in braces."""
    return path.count("{"), path


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join("[^/]+" if part[0] == "{" else re.escape(part) for part in _segments(path)))


def _segments(path: str) -> list[str]:
    return [piece for piece in re.split(r"({\w+})", path) if piece]


@cache
def api_contract() -> ApiContract:
    """One for the whole run of a process."""
    return ApiContract()
