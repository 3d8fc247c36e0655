"""The properties of a handshake that are needed after it."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from hubbub.core import client_ip, user_agents
from hubbub.core.client_ip import Network


class HandshakeInfo:
    """IP address and credentials of a handshake. The request itself is not kept."""

    __slots__ = ("authorization", "has_api_key", "ip", "token", "user_agent")

    def __init__(self, request: web.BaseRequest, trusted_proxies: Iterable[Network]) -> None:
        headers = request.headers
        user_agent = headers.get("User-Agent", "").encode("utf-8", "replace").decode()
        self.ip = client_ip.from_request(request, trusted_proxies)  # of the client, not of a trusted proxy
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
