"""What an application and a request carry, by typed keys."""

from typing import NamedTuple
from uuid import UUID

from aiohttp import web

from hubbub.core.cors import CorsOrigins
from hubbub.schemas.users.users import User
from hubbub.services.auth.api_key_auth import ApiKeyPrincipal
from hubbub.services.context import Container


class Caller(NamedTuple):
    """Who asks: with an access token of a session, or with an API key."""

    user: User
    role: str
    session_id: UUID | None
    key_id: UUID | None = None


PARTS = web.AppKey("parts", Container)
ORIGINS = web.AppKey("origins", CorsOrigins)
STATIC = web.RequestKey("static", bool)  # a file of the package: logged at debug
REQUEST_ID = web.RequestKey("request_id", str)
ADMITTED = web.RequestKey("admitted", Caller)
HOLDER = web.RequestKey("holder", ApiKeyPrincipal)  # where it is an API key
ACCEPTED = web.RequestKey("accepted", bool)  # a request of a socket that was accepted


def mark_accepted(request: web.BaseRequest) -> None:
    """Do not count a request of an accepted socket for its IP address."""
    request[ACCEPTED] = True


def parts_of(request: web.Request) -> Container:
    return request.config_dict[PARTS]


def admitted_of(request: web.Request) -> Caller:
    """Who asks; set by the authentication middleware on every route that is not open."""
    admitted: Caller = request[ADMITTED]
    return admitted
