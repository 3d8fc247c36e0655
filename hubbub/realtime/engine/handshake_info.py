"""The properties of a handshake that are needed after it."""

from typing import Any

from aiohttp import web

from hubbub.core import user_agents


class HandshakeInfo:
    """IP address and credentials of a handshake. The request itself is not kept."""

    __slots__ = ("authorization", "forwarded_for", "has_api_key", "remote_ip", "token", "user_agent")

    def __init__(self, request: web.BaseRequest) -> None:
        headers = request.headers
        user_agent = headers.get("User-Agent", "").encode("utf-8", "replace").decode()
        self.remote_ip = request.remote or ""  # IP address of the client, or of the last proxy
        self.forwarded_for = ",".join(
            headers.getall("X-Forwarded-For", ())
        )  # IP addresses before the proxies
        self.user_agent = user_agents.intern_text(user_agent[: user_agents.MAX_USER_AGENT_CHARS])
        self.authorization = headers.get("Authorization", "")  # the header, with its scheme
        self.has_api_key = "X-API-Key" in headers  # sockets accept no API key; the refusal states it
        self.token = request.query.get("token", "")  # access token of the query


def wsgi_environ(request: web.BaseRequest) -> dict[str, Any]:
    """Return a request in the form that python-socketio documents for `connect` handlers."""
    result: dict[str, Any] = {
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
        result[key] = f"{result[key]},{value}" if key in result else value
    return result
