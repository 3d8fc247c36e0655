"""Compares responses with the API document: each must be described and have the described shape."""

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from hubbub.http.app import openapi_document
from hubbub.http.openapi.examples import Example

FIRST_ERROR = 400
INTERNAL_ERROR = 500  # not guaranteed


class ApiContract:
    """The document, and the responses that were seen of it as (method, path, status)."""

    def __init__(self) -> None:
        self.document = openapi_document()
        self.seen: set[tuple[str, str, int]] = set()
        self._paths = [(_pattern(path), path) for path in sorted(self.document["paths"], key=_specificity)]
        self._validators: dict[tuple[str, str, int], Validator | None] = {}
        self._recording: dict[str, list[Example]] | None = None

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

    def record(self) -> dict[str, list[Example]]:
        """Record the successful responses from now on, by operation."""
        self._recording = {}
        return self._recording

    def check(
        self, method: str, url: str, status: int, content_type: str, body: Any, request: Any = None
    ) -> None:
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
        if self._recording is not None and status < FIRST_ERROR:
            found = _pattern(path).fullmatch(url_path)
            example = Example(
                status=status,
                path={name: unquote(text) for name, text in found.groupdict().items()} if found else {},
                query=dict(parse_qsl(urlsplit(url).query)),
                request=request,
                response=body if content_type == "application/json" else None,
            )
            operation_id = self.document["paths"][path][method.lower()]["operationId"]
            self._recording.setdefault(operation_id, []).append(example)

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
    return re.compile(
        "".join(f"(?P<{part[1:-1]}>[^/]+)" if part[0] == "{" else re.escape(part) for part in _segments(path))
    )


def _segments(path: str) -> list[str]:
    return [piece for piece in re.split(r"({\w+})", path) if piece]


@cache
def api_contract() -> ApiContract:
    """One for the whole run of a process."""
    return ApiContract()
