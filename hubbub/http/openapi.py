"""The API document, OpenAPI 3.1, made from the table of routes and the types they read and show."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from hubbub import __version__
from hubbub.http.middleware import idempotency
from hubbub.http.middleware.api_keys import API_KEY_HEADER, needs_session
from hubbub.http.middleware.auth import API_PREFIX, PUBLIC_ROUTES
from hubbub.http.problems import STATUS_BY_CODE, TITLE_BY_STATUS
from hubbub.http.request import QUERY_ALIASES
from hubbub.http.routes import RouteDoc, doc_of
from hubbub.schemas import texts

PATH = "/api/v1/openapi.json"
_SCHEMA_REF = "#/components/schemas/{name}"
_PATH_PARAMS = re.compile(r"{(\w+)}")
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token."},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER,
        "description": "Scope `read`: GET; `write`: all else. A key that signs needs `X-Signature` besides.",
    },
}
_IDEMPOTENCY_KEY_PARAM = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "The first answer is given again for 24 hours; with another request it is 409.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.MAX_KEY_CHARS,
        "pattern": idempotency.KEY_PATTERN,
    },
}
_META_SCHEMAS: dict[str, dict[str, Any]] = {
    "next_cursor": {"type": ["string", "null"]},
    "has_more": {"type": "boolean"},
    "has_before": {"type": "boolean"},
    "has_after": {"type": "boolean"},
    "page": {"type": "integer"},
    "limit": {"type": "integer"},
    "total": {"type": "integer"},
    "pages": {"type": "integer"},
    "unread": {"type": "integer"},
}
_REDIRECT = 302
_NO_CONTENT = 204
_REDIRECT_RESPONSE = {
    "description": "Go on there",
    "headers": {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}},
}
_DESCRIPTION = """\
What is done over REST is heard by sockets, and the other way round: both call the same operations.
Failures are `application/problem+json` (RFC 9457); programs decide by `code`.
Any route may answer 429 `rate_limited`, with `Retry-After`."""


def document(routes: Iterable[web.AbstractRoute], server: str) -> dict[str, Any]:
    """The document of all routes under /api/v1; `server` is where they are.

    Raises LookupError for a route of which nothing is said.
    """
    documented = [(route, _require_doc(route)) for route in routes if _is_documented(route)]
    kinds = [kind for _, doc in documented for kind in _kinds(doc)]
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template=_SCHEMA_REF)
    components = texts.resolve_lazy(definitions)
    schemas_by_type = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route, doc in documented:
        path = route.resource.canonical if route.resource is not None else ""
        operation = _operation(route, path, doc, schemas_by_type, components)
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "hubbub", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**_used_components(paths, components), "Problem": _PROBLEM_SCHEMA},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _is_documented(route: web.AbstractRoute) -> bool:
    path = route.resource.canonical if route.resource is not None else ""
    return path.startswith(API_PREFIX) and path != PATH and route.method not in ("HEAD", "OPTIONS")


def _require_doc(route: web.AbstractRoute) -> RouteDoc:
    doc = doc_of(route)
    if doc is None:
        raise LookupError(f"{route.method} {route.resource} is not described: see routes.Told")
    return doc


def _kinds(doc: RouteDoc) -> list[Any]:
    return [kind for kind in (doc.body, doc.query, *_response_types(doc)) if kind is not None]


def _response_types(doc: RouteDoc) -> tuple[Any, ...]:
    return doc.response if isinstance(doc.response, tuple) else (doc.response,)


def _operation(
    route: web.AbstractRoute,
    path: str,
    doc: RouteDoc,
    schemas_by_type: dict[str, Any],
    components: dict[str, Any],
) -> dict[str, Any]:
    path_names = _PATH_PARAMS.findall(path)
    operation: dict[str, Any] = {
        "operationId": doc.name,
        "tags": [doc.tag],
        "summary": doc.summary,
        "parameters": [
            _path_param(name, _path_fields(doc, schemas_by_type, components)) for name in path_names
        ],
        "responses": _responses(route.method, path, doc, schemas_by_type),
    }
    if doc.query is not None:
        operation["parameters"] += _query_params(
            _component_of(doc.query, schemas_by_type, components), path_names
        )
    if route.method == "POST":
        operation["parameters"].append(_IDEMPOTENCY_KEY_PARAM)
    if doc.body is not None:
        schema = _without_path_params(_component_of(doc.body, schemas_by_type, components), path_names)
        if doc.body.field_rules:
            schema["allOf"] = list(doc.body.field_rules)
        body_required = bool(schema.get("required"))
        operation["requestBody"] = {
            "description": f"At most {doc.body.max_body_bytes >> 10} KiB, unpacked.",
            "required": body_required,
            "content": {"application/json": {"schema": schema}},
        }
    if path not in PUBLIC_ROUTES:
        operation["security"] = [{"bearer": []}] if needs_session(path) else [{"bearer": []}, {"api_key": []}]
    return operation


def _path_fields(
    doc: RouteDoc, schemas_by_type: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    kind = doc.query or doc.body
    fields: dict[str, Any] = (
        _component_of(kind, schemas_by_type, components)["properties"] if kind is not None else {}
    )
    return fields


def _path_param(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    default = {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": _without_null(fields.get(name, default))}


def _component_of(kind: type, schemas_by_type: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    name = str(schemas_by_type[repr(kind)]["$ref"]).rpartition("/")[2]
    fields: dict[str, Any] = components[name]
    return fields


def _query_params(schema: dict[str, Any], path_names: list[str]) -> list[dict[str, Any]]:
    query_names = {field: name for name, field in QUERY_ALIASES.items()}
    return [
        {
            "name": query_names.get(field, field),
            "in": "query",
            "required": field in schema.get("required", ()),
            "schema": _without_null(field_schema),
        }
        for field, field_schema in schema["properties"].items()
        if field not in path_names
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query string has no null: a parameter is there or it is not."""
    rest = {key: value for key, value in schema.items() if key != "default"}
    alternatives = [alternative for alternative in rest.pop("anyOf", ()) if alternative != {"type": "null"}]
    if not alternatives:
        return rest
    return {**rest, **alternatives[0]} if len(alternatives) == 1 else {**rest, "anyOf": alternatives}


def _without_path_params(schema: dict[str, Any], path_names: list[str]) -> dict[str, Any]:
    """A command as a body: what the address says already is not repeated in it."""
    fields = {
        name: field_schema for name, field_schema in schema["properties"].items() if name not in path_names
    }
    required = [name for name in schema.get("required", ()) if name not in path_names]
    return {
        "type": "object",
        "properties": fields,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _responses(method: str, path: str, doc: RouteDoc, schemas_by_type: dict[str, Any]) -> dict[str, Any]:
    responses = {str(doc.status): _success_response(doc, schemas_by_type)}
    if doc.may_confirm_session:
        responses[str(_NO_CONTENT)] = {"description": "The session is confirmed"}
    if doc.redirects:
        responses[str(_REDIRECT)] = _REDIRECT_RESPONSE
    codes: dict[int, list[str]] = {}
    for code in sorted(_error_codes(method, path, doc)):
        codes.setdefault(STATUS_BY_CODE[code], []).append(code)
    for status, codes_of_status in sorted(codes.items()):
        responses[str(status)] = {
            "description": f"{TITLE_BY_STATUS[status]}: {', '.join(f'`{code}`' for code in codes_of_status)}",
            "content": {"application/problem+json": {"schema": {"$ref": _SCHEMA_REF.format(name="Problem")}}},
        }
    return responses


def _success_response(doc: RouteDoc, schemas_by_type: dict[str, Any]) -> dict[str, Any]:
    if doc.status == _REDIRECT:
        return _REDIRECT_RESPONSE
    if doc.response is None:
        return {"description": "Done"}
    if doc.content_type != "application/json":
        return {"description": "The file", "content": {doc.content_type: {}}}
    schemas = [schemas_by_type[repr(kind)] for kind in _response_types(doc)]
    fields = {"data": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}
    if doc.meta:
        # A field of `meta` that ends in `?` depends on the query.
        required = [name for name in doc.meta if not name.endswith("?")]
        meta: dict[str, Any] = {
            "properties": {name: _META_SCHEMAS[name] for name in map(_meta_name, doc.meta)}
        }
        if required:
            meta["required"] = required
        fields["meta"] = {"type": "object", **meta}
    envelope = {"type": "object", "properties": fields, "required": list(fields)}
    files: dict[str, Any] = {kind: {} for kind in doc.media_types}
    content = {"application/json": {"schema": envelope}, **files}
    return {"description": "Done", "content": content}


def _meta_name(name: str) -> str:
    return name.removesuffix("?")


def _error_codes(method: str, path: str, doc: RouteDoc) -> set[str]:
    """What follows from the route itself, and what it says besides."""
    path_names = _PATH_PARAMS.findall(path)
    codes = {"bad_request", *doc.errors}  # any address or header may be too long to be read
    if doc.needs_database:
        codes.add("unavailable")
    if path not in PUBLIC_ROUTES:
        codes |= {"unauthenticated", "token_expired", "session_revoked", "suspended", "forbidden"}
    if doc.needs_confirmed_session:
        codes.add("confirmation_required")
    if method == "POST":  # for the sake of Idempotency-Key
        codes |= {"invalid_payload", "too_large", "conflict"}
    if doc.body is not None:
        codes |= {"invalid_json", "invalid_payload", "too_large", "unsupported_media_type"}
    if doc.query is not None and any(
        not field.name.endswith("_id") for field in msgspec.structs.fields(doc.query)
    ):
        codes.add("invalid_payload")
    if any(name.endswith("_id") for name in path_names):
        codes.add("not_found")
    return codes


def _used_components(paths: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The components that are referred to, by paths or by each other."""
    used: dict[str, Any] = {}
    pending = [paths]
    while pending:
        text = msgspec.json.encode(pending.pop()).decode()
        for name in re.findall(r'"#/components/schemas/(\w+)"', text):
            if name in components and name not in used:
                used[name] = components[name]
                pending.append(components[name])
    return dict(sorted(used.items()))


_PROBLEM_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"enum": sorted(STATUS_BY_CODE)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
}
