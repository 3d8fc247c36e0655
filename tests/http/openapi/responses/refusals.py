"""Calls that are refused for their tokens, ids, bodies, files or idempotency keys."""

import re
from io import BytesIO
from typing import Any
from uuid import uuid4

from hubbub import models
from hubbub.core import clock
from hubbub.http.request import MAX_BODY_BYTES
from tests.http.openapi.responses.operation_caller import SPENT, OperationCaller, Operations, any_ids
from tests.support.full_disk import no_more_than
from tests.support.live_instance import ApiUser
from tests.support.pictures import PDF, form, noise, picture


def valid_body(path: str) -> dict[str, Any] | None:
    """A valid body for callers without a token."""
    login = {"email": "ada@example.com", "password": "correct horse battery"}
    return {
        "/api/v1/auth/register": {
            "name": "Eve",
            "email": "eve@example.com",
            "password": "correct horse battery",
        },
        "/api/v1/auth/login": login,
        "/api/v1/auth/2fa/verify": {"mfa_token": "x", "code": "x"},
        "/api/v1/auth/undo": {"token": "x"},
        "/api/v1/auth/verify-email": {"token": "x"},
        "/api/v1/auth/change-email/confirm": {"token": "x"},
        "/api/v1/public/portfolio/{username}/messages": {
            "name": "Eve",
            "email": "eve@example.org",
            "message": "hello",
        },
        "/api/v1/auth/forgot-password": {"email": "ada@example.com"},
        "/api/v1/auth/reset-password": {"token": "x", "password": "staple of another kind"},
        "/api/v1/auth/refresh": {"refresh_token": SPENT[0]},
        "/api/v1/auth/oauth/exchange": {"code": "x"},
    }.get(path)


async def call_refusals(asker: OperationCaller, operations: Operations, ada: ApiUser, root: ApiUser) -> None:
    """Errors that follow from tokens, ids and bodies alone."""
    for method, path, operation in operations:
        ids = any_ids(operation, path)
        able = root if path.startswith("/api/v1/admin/") else ada
        by = able if "security" in operation else None
        if by is not None:
            await asker.ask(None, method, path, 401, **ids)
        await asker.ask(by, method, path, 400, headers={"X-Long": "x" * 20_000}, **ids)
        answers = operation["responses"]
        kind = {"Content-Type": "application/json"}
        if _takes_files(operation):
            await _refused_files(asker, by, path, operation)
        elif "requestBody" in operation:
            await asker.ask(by, method, path, 400, data="{", headers=kind, **ids)
            large = BytesIO(bytes(max(MAX_BODY_BYTES, _max_bytes(operation)) + 1))
            await asker.ask(by, method, path, 413, data=large, headers=kind, **ids)
            await asker.ask(by, method, path, 415, data="x", headers={"Content-Type": "text/plain"}, **ids)
            await asker.ask(by, method, path, 422, json={"no such field": 1}, **ids)
        elif "422" in answers and method != "POST":
            query = {part["name"] for part in operation["parameters"] if part["in"] == "query"}
            words = {name: "x" * 201 for name in ids if not name.endswith("_id")}
            narrow = [name for name in ("limit", "format", "challenge", "iss") if name in query]
            wrong = {"params": {narrow[0]: "0" if narrow[0] != "iss" else "x" * 1001}} if narrow else words
            await asker.ask(by, method, path, 422, **{**ids, **wrong})
        if method == "POST" and not _takes_files(operation):
            await _idempotency(asker, by, path, ids, _max_bytes(operation))
        if "404" in answers and ids:
            needed = {part["name"]: part["schema"]["enum"][0] for part in _required(operation)}
            await asker.ask(by, method, path, 404, json=_found(path, operation), params=needed, **ids)


def _max_bytes(operation: dict[str, Any]) -> int:
    """The limit of the body that the document states."""
    found = re.search(r"At most (\d+) KiB", operation.get("requestBody", {}).get("description", ""))
    return int(found[1]) << 10 if found is not None else 0


def _takes_files(operation: dict[str, Any]) -> bool:
    return "multipart/form-data" in operation.get("requestBody", {}).get("content", {})


async def _refused_files(
    asker: OperationCaller, by: ApiUser | None, path: str, operation: dict[str, Any]
) -> None:
    """Errors that follow from the files of a request."""
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    (field,) = schema["properties"]
    content = picture() if "image" in path or "avatar" in path else PDF
    large = noise(400, 400)
    await asker.ask(by, "POST", path, 413, data=form(("a", large), field=field))
    await asker.ask(by, "POST", path, 415, data=form(("a", b"<svg/>"), field=field))
    await asker.ask(by, "POST", path, 422, data=form(("a", content), field="other"))
    with no_more_than(10):
        await asker.ask(by, "POST", path, 507, data=form(("a", content), field=field))
    await asker.ask(by, "POST", path, 201, data=form(("a", content), field=field))


async def _idempotency(
    asker: OperationCaller, by: ApiUser | None, path: str, ids: dict[str, Any], max_bytes: int
) -> None:
    """Errors that follow from `Idempotency-Key`, which every POST may have."""
    used = {"Idempotency-Key": "used"}
    await asker.ask(by, "POST", "/rooms" if by else "/auth/login", 422, json={}, headers=used)
    await asker.ask(by, "POST", path, 409, headers=used, **ids)
    await asker.ask(by, "POST", path, 422, headers={"Idempotency-Key": "é"}, **ids)
    packed = {"Idempotency-Key": "packed", "Content-Encoding": "gzip", "Connection": "close"}
    await asker.ask(by, "POST", path, 400, data=b"not packed", headers=packed, **ids)
    body = BytesIO(bytes(max(MAX_BODY_BYTES, max_bytes) + 1))
    await asker.ask(by, "POST", path, 413, data=body, headers={"Idempotency-Key": "large"}, **ids)


def _required(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the query parameters that are required."""
    return [part for part in operation["parameters"] if part["in"] == "query" and part["required"]]


def _found(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Return a valid body about an object that does not exist."""
    if "requestBody" not in operation:
        return {}
    good: dict[str, Any] = {
        "seq": 1,
        "user_id": str(uuid4()),
        "role": "member",
        "client_id": str(uuid4()),
        "body": "hello",
        "name": "a name",
        "paused": True,
        "published": True,
        "email": "eve@example.org",
        "message": "hello",
    }
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return {
        name: good[name]
        for name in schema.get("required", ["name"] if "name" in schema["properties"] else [])
    }


async def call_suspended(asker: OperationCaller, operations: Operations) -> None:
    """A suspended user may do nothing."""
    sue = await asker.instance.register("sue")
    await models.User.filter(id=sue.id).update(suspended_at=clock.now())
    for method, path, operation in operations:
        if "security" in operation:
            await asker.ask(sue, method, path, 403, **any_ids(operation, path))
    login = {"email": "sue@example.com", "password": "correct horse battery"}
    await asker.ask(None, "POST", "/auth/login", 403, json=login)
    await asker.ask(None, "POST", "/auth/refresh", 403, json={"refresh_token": sue.refresh_token})
