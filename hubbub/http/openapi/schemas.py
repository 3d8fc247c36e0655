"""JSON schemas of the types that routes read and write, as components of the API document."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from hubbub.http.problems import STATUS_BY_CODE
from hubbub.schemas import texts

SCHEMA_REF = "#/components/schemas/{name}"
_NULL = {"type": "null"}
PROBLEM_REF = {"$ref": SCHEMA_REF.format(name="Problem")}
PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "An error (RFC 9457). Programs decide by `code`, which is stable.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "Always `about:blank`: `code` names the kind of error."},
        "title": {"type": "string", "description": "Text for the HTTP status."},
        "status": {"type": "integer", "description": "The HTTP status again, for bodies that are stored."},
        "detail": {"type": "string", "description": "A sentence for users. It may change with a release."},
        "code": {"enum": sorted(STATUS_BY_CODE), "description": "The same over REST and sockets."},
        "errors": {
            "type": "array",
            "description": "What is wrong in the body or the query. Left out if it is not about a field.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "Its path, such as `member_ids[3]`."},
                    "message": {"type": "string", "description": "A sentence for users."},
                },
                "required": ["field", "message"],
            },
        },
        "request_id": {"type": "string", "description": "Finds the request in the log of the server."},
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
}


class Schemas:
    """The schemas of a set of types."""

    def __init__(self, kinds: list[Any]) -> None:
        schemas, definitions = msgspec.json.schema_components(kinds, ref_template=SCHEMA_REF)
        self._components = _lift_descriptions(texts.resolve_lazy(definitions))  # by name
        self._by_type = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}

    def reference(self, kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type, also a list of one
        """Return the schema of a type as a part of others: of a struct, a reference to its component."""
        schema: dict[str, Any] = self._by_type[repr(kind)]
        return schema

    def component(self, kind: type) -> dict[str, Any]:
        """Return the schema of a struct, with its properties."""
        name = str(self.reference(kind)["$ref"]).rpartition("/")[2]
        component: dict[str, Any] = self._components[name]
        return component

    def used_by(self, paths: dict[str, Any]) -> dict[str, Any]:
        """Return the components that paths refer to, directly or through other components, by name."""
        used: dict[str, Any] = {}
        pending = [paths]
        while pending:
            text = msgspec.json.encode(pending.pop()).decode()
            for name in re.findall(r'"#/components/schemas/(\w+)"', text):
                if name in self._components and name not in used:
                    used[name] = self._components[name]
                    pending.append(self._components[name])
        return dict(sorted(used.items()))


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: a query string has no null and no default."""
    rest = {key: value for key, value in schema.items() if key != "default"}
    alternatives = [alternative for alternative in rest.pop("anyOf", ()) if alternative != _NULL]
    if not alternatives:
        return rest
    return {**alternatives[0], **rest} if len(alternatives) == 1 else {**rest, "anyOf": alternatives}


def without_properties(schema: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a body: a command without the fields that the path contains."""
    excluded = frozenset(names)
    fields = {name: field for name, field in schema["properties"].items() if name not in excluded}
    required = [name for name in schema.get("required", ()) if name not in excluded]
    return {
        "type": "object",
        "properties": fields,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _lift_descriptions(components: dict[str, Any]) -> dict[str, Any]:
    """Give each field that may be null the description of its type, which is one of two alternatives."""
    for component in components.values():
        properties = component.get("properties", {})
        for name, field in properties.items():
            alternatives = [each for each in field.get("anyOf", ()) if each != _NULL]
            if len(alternatives) != 1 or "description" in field:
                continue
            only = alternatives[0]
            referred = components.get(only.get("$ref", "").rpartition("/")[2], {})
            description = only.get("description", referred.get("description"))
            rest = {key: value for key, value in only.items() if key != "description"}
            if description is not None:
                properties[name] = {**field, "description": description, "anyOf": [rest, _NULL]}
    return components
