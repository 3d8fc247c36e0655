"""What an application and a request carry, by typed keys."""

from aiohttp import web

from hubbub.services.context import Parts
from hubbub.services.stays import Admitted

PARTS = web.AppKey("parts", Parts)
REQUEST_ID = web.RequestKey("request_id", str)
ADMITTED = web.RequestKey("admitted", Admitted)


def parts_of(request: web.Request) -> Parts:
    return request.config_dict[PARTS]


def admitted_of(request: web.Request) -> Admitted:
    """Who asks; set by the authentication middleware on every route that is not open."""
    admitted: Admitted = request[ADMITTED]
    return admitted
