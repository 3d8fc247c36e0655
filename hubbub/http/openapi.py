"""The API document, OpenAPI 3.1, made from the table of routes and the types they read and show."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from hubbub import __version__
from hubbub.http.middleware import idempotency
from hubbub.http.middleware.api_keys import HEADER, needs_session
from hubbub.http.middleware.auth import OPEN, PREFIX
from hubbub.http.problems import STATUS, TITLES
from hubbub.http.request import ALIASES
from hubbub.http.routes import RouteDoc, doc_of
from hubbub.schemas import texts

PATH = "/api/v1/openapi.json"
_REF = "#/components/schemas/{name}"
_PARTS = re.compile(r"{(\w+)}")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token."},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": HEADER,
        "description": "Scope `read`: GET; `write`: all else. A key that signs needs `X-Signature` besides.",
    },
}
_IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "The first answer is given again for 24 hours; with another request it is 409.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.LONGEST,
        "pattern": idempotency.PATTERN,
    },
}
_META: dict[str, dict[str, Any]] = {
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
_MOVED = 302
_CONFIRMED = 204
_ELSEWHERE = {
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
    described = [(route, _told(route)) for route in routes if _is_public(route)]
    kinds = [kind for _, said in described for kind in _kinds(said)]
    schemas, made = msgspec.json.schema_components(kinds, ref_template=_REF)
    components = texts.resolve(made)
    by_kind = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route, said in described:
        path = route.resource.canonical if route.resource is not None else ""
        operation = _operation(route, path, said, by_kind, components)
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "hubbub", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**_used(paths, components), "Problem": _PROBLEM},
            "securitySchemes": _SCHEMES,
        },
    }


def _is_public(route: web.AbstractRoute) -> bool:
    path = route.resource.canonical if route.resource is not None else ""
    return path.startswith(PREFIX) and path != PATH and route.method not in ("HEAD", "OPTIONS")


def _told(route: web.AbstractRoute) -> RouteDoc:
    said = doc_of(route)
    if said is None:
        raise LookupError(f"{route.method} {route.resource} is not described: see routes.Told")
    return said


def _kinds(said: RouteDoc) -> list[Any]:
    return [kind for kind in (said.body, said.query, *_shown(said)) if kind is not None]


def _shown(said: RouteDoc) -> tuple[Any, ...]:
    return said.response if isinstance(said.response, tuple) else (said.response,)


def _operation(
    route: web.AbstractRoute, path: str, said: RouteDoc, by_kind: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    names = _PARTS.findall(path)
    operation: dict[str, Any] = {
        "operationId": said.name,
        "tags": [said.tag],
        "summary": said.summary,
        "parameters": [_part(name, _path_fields(said, by_kind, components)) for name in names],
        "responses": _responses(route.method, path, said, by_kind),
    }
    if said.query is not None:
        operation["parameters"] += _query(_fields(said.query, by_kind, components), names)
    if route.method == "POST":
        operation["parameters"].append(_IDEMPOTENCY_KEY)
    if said.body is not None:
        schema = _without(_fields(said.body, by_kind, components), names)
        if said.body.between:
            schema["allOf"] = list(said.body.between)
        needed = bool(schema.get("required"))
        operation["requestBody"] = {
            "description": f"At most {said.body.max_body_bytes >> 10} KiB, unpacked.",
            "required": needed,
            "content": {"application/json": {"schema": schema}},
        }
    if path not in OPEN:
        operation["security"] = [{"bearer": []}] if needs_session(path) else [{"bearer": []}, {"api_key": []}]
    return operation


def _path_fields(said: RouteDoc, by_kind: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    kind = said.query or said.body
    fields: dict[str, Any] = _fields(kind, by_kind, components)["properties"] if kind is not None else {}
    return fields


def _part(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    plain = {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": _not_null(fields.get(name, plain))}


def _fields(kind: type, by_kind: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    name = str(by_kind[repr(kind)]["$ref"]).rpartition("/")[2]
    fields: dict[str, Any] = components[name]
    return fields


def _query(schema: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    asked = {field: name for name, field in ALIASES.items()}
    return [
        {
            "name": asked.get(field, field),
            "in": "query",
            "required": field in schema.get("required", ()),
            "schema": _not_null(of),
        }
        for field, of in schema["properties"].items()
        if field not in names
    ]


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query string has no null: a parameter is there or it is not."""
    kept = {key: value for key, value in schema.items() if key != "default"}
    kinds = [kind for kind in kept.pop("anyOf", ()) if kind != {"type": "null"}]
    if not kinds:
        return kept
    return {**kept, **kinds[0]} if len(kinds) == 1 else {**kept, "anyOf": kinds}


def _without(schema: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """A command as a body: what the address says already is not repeated in it."""
    fields = {name: of for name, of in schema["properties"].items() if name not in names}
    needed = [name for name in schema.get("required", ()) if name not in names]
    return {
        "type": "object",
        "properties": fields,
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _responses(method: str, path: str, said: RouteDoc, by_kind: dict[str, Any]) -> dict[str, Any]:
    responses = {str(said.status): _success(said, by_kind)}
    if said.may_confirm_session:
        responses[str(_CONFIRMED)] = {"description": "The session is confirmed"}
    if said.redirects:
        responses[str(_MOVED)] = _ELSEWHERE
    codes: dict[int, list[str]] = {}
    for code in sorted(_refusals(method, path, said)):
        codes.setdefault(STATUS[code], []).append(code)
    for status, of_status in sorted(codes.items()):
        responses[str(status)] = {
            "description": f"{TITLES[status]}: {', '.join(f'`{code}`' for code in of_status)}",
            "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
    return responses


def _success(said: RouteDoc, by_kind: dict[str, Any]) -> dict[str, Any]:
    if said.status == _MOVED:
        return _ELSEWHERE
    if said.response is None:
        return {"description": "Done"}
    if said.content_type != "application/json":
        return {"description": "The file", "content": {said.content_type: {}}}
    shown = [by_kind[repr(kind)] for kind in _shown(said)]
    fields = {"data": shown[0] if len(shown) == 1 else {"oneOf": shown}}
    if said.meta:
        # A field of `meta` that ends in `?` depends on the query.
        required = [name for name in said.meta if not name.endswith("?")]
        meta: dict[str, Any] = {"properties": {name: _META[name] for name in map(_bare, said.meta)}}
        if required:
            meta["required"] = required
        fields["meta"] = {"type": "object", **meta}
    envelope = {"type": "object", "properties": fields, "required": list(fields)}
    files: dict[str, Any] = {kind: {} for kind in said.media_types}
    content = {"application/json": {"schema": envelope}, **files}
    return {"description": "Done", "content": content}


def _bare(name: str) -> str:
    return name.removesuffix("?")


def _refusals(method: str, path: str, said: RouteDoc) -> set[str]:
    """What follows from the route itself, and what it says besides."""
    names = _PARTS.findall(path)
    codes = {"bad_request", *said.errors}  # any address or header may be too long to be read
    if said.needs_database:
        codes.add("unavailable")
    if path not in OPEN:
        codes |= {"unauthenticated", "token_expired", "session_revoked", "suspended", "forbidden"}
    if said.needs_confirmed_session:
        codes.add("confirmation_required")
    if method == "POST":  # for the sake of Idempotency-Key
        codes |= {"invalid_payload", "too_large", "conflict"}
    if said.body is not None:
        codes |= {"invalid_json", "invalid_payload", "too_large", "unsupported_media_type"}
    if said.query is not None and any(
        not field.name.endswith("_id") for field in msgspec.structs.fields(said.query)
    ):
        codes.add("invalid_payload")
    if any(name.endswith("_id") for name in names):
        codes.add("not_found")
    return codes


def _used(paths: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The components that are referred to, by paths or by each other."""
    used: dict[str, Any] = {}
    todo = [paths]
    while todo:
        text = msgspec.json.encode(todo.pop()).decode()
        for name in re.findall(r'"#/components/schemas/(\w+)"', text):
            if name in components and name not in used:
                used[name] = components[name]
                todo.append(components[name])
    return dict(sorted(used.items()))


_PROBLEM = {
    "title": "Problem",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"enum": sorted(STATUS)},
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
