"""Errors of routes become problem documents, without internal details."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, Internal, clear_tracebacks
from hubbub.db import database
from hubbub.http import problems

log = logging.getLogger(__name__)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        async with database.guard():
            return await handler(request)
    except HubbubError as error:
        clear_tracebacks(error)
        return problems.to_response(request, error)
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise
        clear_tracebacks(error)
        response = problems.to_response(request, problems.from_http_exception(error))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        metrics.count("request_failures")
        log.exception("a request failed")
        clear_tracebacks(error)
        return problems.to_response(request, Internal())
