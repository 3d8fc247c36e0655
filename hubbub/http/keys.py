"""What an application and a request carry, by typed keys."""

from typing import NamedTuple
from uuid import UUID

from aiohttp import web

from hubbub.schemas.users import User
from hubbub.services.context import Parts
from hubbub.services.key_holders import Holder


class Caller(NamedTuple):
    """Who asks: with an access token of a session, or with an API key."""

    user: User
    role: str
    session_id: UUID | None
    key_id: UUID | None = None


PARTS = web.AppKey("parts", Parts)
REQUEST_ID = web.RequestKey("request_id", str)
ADMITTED = web.RequestKey("admitted", Caller)
HOLDER = web.RequestKey("holder", Holder)  # where it is an API key


def parts_of(request: web.Request) -> Parts:
    return request.config_dict[PARTS]


def admitted_of(request: web.Request) -> Caller:
    """Who asks; set by the authentication middleware on every route that is not open."""
    admitted: Caller = request[ADMITTED]
    return admitted
