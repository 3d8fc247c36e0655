"""Responses of operations in the API document."""

from typing import Any

import msgspec

from hubbub.http.middleware.auth import is_public
from hubbub.http.openapi.parameters import path_names
from hubbub.http.openapi.schemas import PROBLEM_REF, Schemas
from hubbub.http.problems import STATUS_BY_CODE, STORAGE_FULL_STATUS, TITLE_BY_STATUS
from hubbub.http.request import TEXT_NAMES
from hubbub.http.routes import RouteDoc

_META_SCHEMAS: dict[str, dict[str, Any]] = {
    "next_cursor": {
        "type": ["string", "null"],
        "description": "`cursor` of the next page. Null: this is the last one.",
    },
    "has_more": {"type": "boolean", "description": "True if there are items beyond this page."},
    "has_before": {"type": "boolean", "description": "True if there are older messages."},
    "has_after": {"type": "boolean", "description": "True if there are newer messages."},
    "page": {"type": "integer", "description": "Number of this page, from 1."},
    "limit": {"type": "integer", "description": "Maximum number of items on a page."},
    "total": {"type": "integer", "description": "Number of items on all pages."},
    "pages": {"type": "integer", "description": "Number of pages. 0 without items."},
    "unread": {"type": "integer", "description": "Number of items that are not read."},
}
_REDIRECT = 302
_NO_CONTENT = 204
_NOT_MODIFIED = 304
_ETAG_HEADER = {
    "ETag": {"required": True, "description": "Of this version, in quotes.", "schema": {"type": "string"}}
}
_REDIRECT_RESPONSE = {
    "description": "Redirect",
    "headers": {
        "Location": {
            "required": True,
            "description": "URL to open next.",
            "schema": {"type": "string", "format": "uri"},
        }
    },
}


def response_types(doc: RouteDoc) -> tuple[Any, ...]:
    """Return the types of `data`; the only one is None if there is no body."""
    return doc.response if isinstance(doc.response, tuple) else (doc.response,)


def responses(method: str, path: str, doc: RouteDoc, schemas: Schemas, example: object) -> dict[str, Any]:
    """Return the responses of an operation by status; `example` is the body of the successful one."""
    found = {str(doc.status): _success_response(doc, schemas, example)}
    if doc.may_confirm_session:
        found[str(_NO_CONTENT)] = {"description": "The session is confirmed"}
    if doc.has_etag and method == "GET":
        found[str(_NOT_MODIFIED)] = {"description": "The client has this version", "headers": _ETAG_HEADER}
    if doc.redirects:
        found[str(_REDIRECT)] = _REDIRECT_RESPONSE
    codes: dict[int, list[str]] = {}
    for code in sorted(_error_codes(method, path, doc)):
        codes.setdefault(STATUS_BY_CODE[code], []).append(code)
    if doc.files is not None:
        codes[STORAGE_FULL_STATUS] = ["unavailable"]
    for status, codes_of_status in sorted(codes.items()):
        found[str(status)] = {
            "description": f"{TITLE_BY_STATUS[status]}: {', '.join(f'`{code}`' for code in codes_of_status)}",
            "content": {"application/problem+json": {"schema": PROBLEM_REF}},
        }
    return found


def _success_response(doc: RouteDoc, schemas: Schemas, example: object) -> dict[str, Any]:
    if doc.status == _REDIRECT:
        return _REDIRECT_RESPONSE
    if doc.response is None:
        return {"description": "Success, without a body"}
    if doc.content_type != "application/json":
        return {"description": "The file", "content": {doc.content_type: {}}}
    content = {"schema": _envelope(doc, schemas), **({"example": example} if example is not None else {})}
    files: dict[str, Any] = {media_type: {} for media_type in doc.media_types}
    headers = {"headers": _ETAG_HEADER} if doc.has_etag else {}
    return {"description": "Success", **headers, "content": {"application/json": content, **files}}


def _envelope(doc: RouteDoc, schemas: Schemas) -> dict[str, Any]:
    """Return the schema of `{ "data": …, "meta": … }`."""
    kinds = [schemas.reference(kind) for kind in response_types(doc)]
    fields = {"data": kinds[0] if len(kinds) == 1 else {"oneOf": kinds}}
    if doc.meta:
        # A field of `meta` that ends with `?` depends on the query.
        required = [name for name in doc.meta if not name.endswith("?")]
        properties = {name: _META_SCHEMAS[name] for name in (each.removesuffix("?") for each in doc.meta)}
        fields["meta"] = {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
        }
    return {"type": "object", "properties": fields, "required": list(fields)}


def _error_codes(method: str, path: str, doc: RouteDoc) -> set[str]:
    """Return the codes that follow from the kind of route, and those that its documentation adds."""
    names = path_names(path)
    codes = {"bad_request", *doc.errors}  # any URL or header may be too long to be read
    if doc.needs_database:
        codes.add("unavailable")
    if not is_public(path):
        codes |= {"unauthenticated", "token_expired", "session_revoked", "suspended", "forbidden"}
    if doc.needs_confirmed_session:
        codes.add("confirmation_required")
    if doc.files is not None:
        codes |= {"bad_request", "too_large", "unsupported_media_type", "invalid_payload"}
    elif method == "POST":  # because of Idempotency-Key
        codes |= {"invalid_payload", "too_large", "conflict"}
    if doc.body is not None:
        codes |= {"invalid_json", "invalid_payload", "too_large", "unsupported_media_type"}
    unchecked = TEXT_NAMES.keys() & set(names)  # a path that names nothing is 404
    query_fields = msgspec.structs.fields(doc.query) if doc.query is not None else ()
    if any(not field.name.endswith("_id") and field.name not in unchecked for field in query_fields):
        codes.add("invalid_payload")
    if any(name.endswith("_id") for name in names):
        codes.add("not_found")
    return codes
