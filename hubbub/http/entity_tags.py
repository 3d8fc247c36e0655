"""Conditions of requests on entity tags (RFC 9110, 13.1): `If-None-Match` and `If-Match`."""

from aiohttp import hdrs, web


def client_has(request: web.BaseRequest, etag: str) -> bool:
    """Return whether the client has this version (`If-None-Match`), so that the response is 304.

    `etag` has its quotes. A weak tag counts like a strong one.
    """
    if hdrs.IF_NONE_MATCH not in request.headers:
        return False
    return any(each.value in (etag.strip('"'), "*") for each in request.if_none_match or ())


def expected(request: web.BaseRequest) -> list[str] | None:
    """Return the entity tags of `If-Match`, without quotes; None without the header.

    A weak tag counts like a strong one: proxies that compress a response make its tag weak.
    """
    return None if hdrs.IF_MATCH not in request.headers else [each.value for each in request.if_match or ()]
