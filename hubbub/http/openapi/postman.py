"""The REST API as a Postman collection (format 2.1), generated from the API document and its examples."""

import json
from typing import Any

from hubbub.http.openapi import examples
from hubbub.http.openapi.examples import Example

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_JSON_HEADER = {"key": "Content-Type", "value": "application/json"}
_NO_EXAMPLE = Example(status=0)


def collection(document: dict[str, Any]) -> dict[str, Any]:
    """Return the collection of an API document: one folder for each tag, one request for each operation.

    The variables `base_url` and `access_token` apply to all requests. Optional query parameters are disabled.
    """
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            folders.setdefault(operation["tags"][0], []).append(_item(method.upper(), path, operation))
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "version": document["info"]["version"],
            "schema": SCHEMA,
        },
        "auth": {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}],
        },
        "variable": [
            {"key": "base_url", "value": document["servers"][0]["url"].rstrip("/")},
            {"key": "access_token", "value": "", "description": "From the response of a login."},
        ],
        "item": [{"name": tag, "item": items} for tag, items in sorted(folders.items())],
    }


def _item(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    example = examples.load().get(operation["operationId"], _NO_EXAMPLE)
    request = _request(method, path, operation, example)
    item = {"name": operation["summary"], "request": request, "response": []}
    if example.status:
        item["response"] = [_response(request, example)]
    return item


def _request(method: str, path: str, operation: dict[str, Any], example: Example) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method,
        "description": operation["description"],
        "header": [_JSON_HEADER] if _takes_json(operation) else [],
        "url": _url(path, operation["parameters"], example),
    }
    if "security" not in operation:
        request["auth"] = {"type": "noauth"}
    if _takes_json(operation):
        body = example.request if example.request is not None else {}
        request["body"] = {"mode": "raw", "raw": _text(body), "options": {"raw": {"language": "json"}}}
    elif "requestBody" in operation:
        schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
        files = [{"key": name, "type": "file", "src": []} for name in schema["properties"]]
        request["body"] = {"mode": "formdata", "formdata": files}
    return request


def _takes_json(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def _url(path: str, parameters: list[dict[str, Any]], example: Example) -> dict[str, Any]:
    segments = [
        f":{segment[1:-1]}" if segment.startswith("{") else segment for segment in path.split("/")[1:]
    ]
    query = [
        {**_variable(each, example.query), "disabled": each["name"] not in example.query}
        for each in parameters
        if each["in"] == "query"
    ]
    return {
        "raw": "/".join(["{{base_url}}", *segments]),
        "host": ["{{base_url}}"],
        "path": segments,
        "variable": [_variable(each, example.path) for each in parameters if each["in"] == "path"],
        **({"query": query} if query else {}),
    }


def _variable(parameter: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    name = parameter["name"]
    return {"key": name, "value": values.get(name, ""), "description": parameter.get("description", "")}


def _response(request: dict[str, Any], example: Example) -> dict[str, Any]:
    has_body = example.response is not None
    return {
        "name": str(example.status),
        "originalRequest": request,
        "code": example.status,
        "header": [_JSON_HEADER] if has_body else [],
        "body": _text(example.response) if has_body else "",
    }


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
