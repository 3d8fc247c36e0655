"""What an application and a request carry, by typed keys."""

from typing import NamedTuple
from uuid import UUID

from aiohttp import web

from hubbub.core.cors import CorsOrigins
from hubbub.schemas.users.users import User
from hubbub.services.auth.api_key_auth import ApiKeyPrincipal
from hubbub.services.context import Container


class Principal(NamedTuple):
    """Who asks: with an access token of a session, or with an API key."""

    user: User
    role: str
    session_id: UUID | None
    key_id: UUID | None = None


CONTAINER = web.AppKey("container", Container)
CORS_ORIGINS = web.AppKey("cors_origins", CorsOrigins)
STATIC_FILE = web.RequestKey("static_file", bool)  # a file of the package: logged at debug
REQUEST_ID = web.RequestKey("request_id", str)
PRINCIPAL = web.RequestKey("principal", Principal)
API_KEY_PRINCIPAL = web.RequestKey("api_key_principal", ApiKeyPrincipal)  # where it is an API key
SOCKET_ACCEPTED = web.RequestKey("socket_accepted", bool)  # a request of a socket that was accepted


def mark_socket_accepted(request: web.BaseRequest) -> None:
    """Do not count a request of an accepted socket for its IP address."""
    request[SOCKET_ACCEPTED] = True


def container_of(request: web.Request) -> Container:
    return request.config_dict[CONTAINER]


def principal_of(request: web.Request) -> Principal:
    """Who asks; set by the authentication middleware on every route that is not open."""
    principal: Principal = request[PRINCIPAL]
    return principal
