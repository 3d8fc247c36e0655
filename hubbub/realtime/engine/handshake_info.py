"""Where a connection came from: the little of its first request that is needed later."""

from typing import Any

from aiohttp import web

from hubbub.core import user_agents


class HandshakeInfo:
    """Address and credentials of a handshake; the request itself is let go."""

    __slots__ = ("agent", "api_key", "authorization", "forwarded", "remote", "token")

    def __init__(self, request: web.BaseRequest) -> None:
        headers = request.headers
        agent = headers.get("User-Agent", "").encode("utf-8", "replace").decode()
        self.remote = request.remote or ""
        self.forwarded = ",".join(headers.getall("X-Forwarded-For", ()))
        self.agent = user_agents.shared(agent[: user_agents.LONGEST])
        self.authorization = headers.get("Authorization", "")
        self.api_key = "X-API-Key" in headers  # which is good for nothing here, and told so
        self.token = request.query.get("token", "")


def environ(request: web.BaseRequest) -> dict[str, Any]:
    """The request as python-socketio's documentation promises it to `connect` handlers."""
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "PATH_INFO": request.path,
        "RAW_URI": request.path_qs,
        "SERVER_PROTOCOL": f"HTTP/{request.version[0]}.{request.version[1]}",
        "REMOTE_ADDR": request.remote or "",
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": request.scheme,
        "aiohttp.request": request,
    }
    for name, value in request.headers.items():
        key = "HTTP_" + name.upper().replace("-", "_")
        found[key] = f"{found[key]},{value}" if key in found else value
    return found
