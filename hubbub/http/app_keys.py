"""Typed keys of the values that an application and a request carry."""

from typing import NamedTuple
from uuid import UUID

from aiohttp import web

from hubbub.core.cors import CorsOrigins
from hubbub.schemas.users.users import User
from hubbub.services.auth.api_key_auth import ApiKeyPrincipal
from hubbub.services.context import Container


class Principal(NamedTuple):
    """The caller of a request: a user with a session (access token) or with an API key."""

    user: User
    role: str
    session_id: UUID | None
    key_id: UUID | None = None


CONTAINER = web.AppKey("container", Container)
CORS_ORIGINS = web.AppKey("cors_origins", CorsOrigins)
STATIC_FILE = web.RequestKey("static_file", bool)  # the response is a file of the package: logged at debug
REQUEST_ID = web.RequestKey("request_id", str)
PRINCIPAL = web.RequestKey("principal", Principal)
API_KEY_PRINCIPAL = web.RequestKey("api_key_principal", ApiKeyPrincipal)  # of a caller with an API key
BODY_IN_MEMORY = web.RequestKey("body_in_memory", bool)  # it was read as a whole, as for a signature
SOCKET_ACCEPTED = web.RequestKey("socket_accepted", bool)  # a request of an accepted socket


def mark_socket_accepted(request: web.BaseRequest) -> None:
    """Do not count a request of an accepted socket for its IP address."""
    request[SOCKET_ACCEPTED] = True


def container_of(request: web.Request) -> Container:
    return request.config_dict[CONTAINER]


def principal_of(request: web.Request) -> Principal:
    """Return the caller. The authentication middleware sets it on every route that is not public."""
    principal: Principal = request[PRINCIPAL]
    return principal
