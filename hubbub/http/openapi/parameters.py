"""Parameters and bodies of requests in the API document."""

import re
from typing import Any

from hubbub.http.middleware import idempotency
from hubbub.http.openapi.schemas import Schemas, without_null, without_properties
from hubbub.http.request import QUERY_ALIASES
from hubbub.http.routes import RouteDoc
from hubbub.http.uploads.multipart import MAX_FILES, SEVERAL_FIELD

_PATH_PARAMS = re.compile(r"{(\w+)}")
_PATH_DESCRIPTIONS = {"provider": "`name` from the list of OAuth providers."}


def _optional_header(name: str, description: str, **limits: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON schema
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **limits},
    }


_IDEMPOTENCY_KEY = _optional_header(
    idempotency.HEADER,
    "Makes a repeated request safe: for 24 hours, the first response is returned again. "
    "With another request it is 409.",
    minLength=1,
    maxLength=idempotency.MAX_KEY_CHARS,
    pattern=idempotency.KEY_PATTERN,
)
_IF_NONE_MATCH = _optional_header(
    "If-None-Match",
    "The `ETag` of a response that the client has. If it is still the current one, 304.",
)
_IF_MATCH = _optional_header(
    "If-Match",
    "The `ETag` of the state that is to be changed. If it is no longer the current one, 412.",
)


def path_names(path: str) -> list[str]:
    """Return the names of a path's parameters, in order."""
    return _PATH_PARAMS.findall(path)


def parameters(method: str, path: str, doc: RouteDoc, schemas: Schemas) -> list[dict[str, Any]]:
    """Return the parameters of an operation: path, query, headers."""
    names = path_names(path)
    kind = doc.query or doc.body
    fields = schemas.component(kind)["properties"] if kind is not None else {}
    found = [_path_parameter(name, fields) for name in names]
    if doc.query is not None:
        found += _query_parameters(schemas.component(doc.query), names)
    if method == "POST" and doc.files is None:
        found.append(_IDEMPOTENCY_KEY)
    if method == "GET" and doc.has_etag:
        found.append(_IF_NONE_MATCH)
    if "precondition_failed" in doc.errors:
        found.append(_IF_MATCH)
    return found


def request_body(path: str, doc: RouteDoc, schemas: Schemas, example: object) -> dict[str, Any] | None:
    """Return the body of an operation; None if it takes none."""
    if doc.files is not None:
        return _multipart_body(doc.files)
    if doc.body is None:
        return None
    schema = without_properties(schemas.component(doc.body), path_names(path))
    if doc.body.field_rules:
        schema["allOf"] = list(doc.body.field_rules)
    content = {"schema": schema, **({"example": example} if example is not None else {})}
    return {
        "description": f"At most {doc.body.max_body_bytes >> 10} KiB, uncompressed.",
        "required": bool(schema.get("required")),
        "content": {"application/json": content},
    }


def _multipart_body(field: str) -> dict[str, Any]:
    """Return a body with files in one field. Other fields are ignored."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    several = {"type": "array", "items": file, "minItems": 1, "maxItems": MAX_FILES}
    schema = {
        "type": "object",
        "properties": {field: several if field == SEVERAL_FIELD else file},
        "required": [field],
    }
    return {
        "description": "The content decides about the type, not the name or the header of the part.",
        "required": True,
        "content": {"multipart/form-data": {"schema": schema}},
    }


def _path_parameter(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    default: dict[str, Any] = {"type": "string"}
    if name.endswith("_id"):
        default["format"] = "uuid"
    if name in _PATH_DESCRIPTIONS:
        default["description"] = _PATH_DESCRIPTIONS[name]
    return _parameter(name, "path", fields.get(name, default), required=True)


def _query_parameters(schema: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    query_names = {field: name for name, field in QUERY_ALIASES.items()}
    return [
        _parameter(
            query_names.get(field, field), "query", field_schema, required=field in schema.get("required", ())
        )
        for field, field_schema in schema["properties"].items()
        if field not in names
    ]


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    rest = without_null(schema)
    description = rest.pop("description", None)
    parameter = {"name": name, "in": place, "required": required, "schema": rest}
    return parameter if description is None else {**parameter, "description": description}
