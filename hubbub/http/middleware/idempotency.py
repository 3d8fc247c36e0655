"""`Idempotency-Key` on any POST: the first answer is given again for 24 hours."""

import hashlib
import logging
import re
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, InvalidPayload, Unavailable
from hubbub.http import problems
from hubbub.http.app_keys import ADMITTED
from hubbub.http.middleware import limits
from hubbub.http.middleware.auth import PREFIX
from hubbub.http.request import body
from hubbub.services.idempotency import IdempotencyStore, IdempotentRequest, StoredResponse

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
PATTERN = r"^[ -~]+$"
REPLIES = web.AppKey("replies", IdempotencyStore)
# What is part of an answer; the rest is made for each request.
KEPT = ("Content-Type", "Content-Disposition", "Content-Language", "ETag", "Link", "Location", "Retry-After")
_KEY = re.compile(r"[ -~]{1,255}")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Innermost: who asks is known, and each request is counted, an answer of before or not."""
    if not _is_meant(request):
        return await handler(request)
    replies = request.config_dict[REPLIES]
    question = await _question(request)
    found = await replies.claim(question)
    if isinstance(found, StoredResponse):
        metrics.count("idempotent_responses_replayed")
        headers = {**found.headers, REPLAYED: "true"}
        return web.Response(status=found.status, headers=headers, body=found.body or None)
    return await _act(request, handler, _Held(replies, question, found))


def _is_meant(request: web.Request) -> bool:
    """Whether the key counts: not for what is no route, and not for uploads, which are not held in memory."""
    return (
        request.method == "POST"
        and HEADER in request.headers
        and request.path.startswith(PREFIX)
        and request.match_info.http_exception is None
        and not request.content_type.startswith("multipart/")
    )


async def _question(request: web.Request) -> IdempotentRequest:
    """Raises InvalidPayload, TooLarge, BadRequest."""
    key = request.headers[HEADER]
    if not _KEY.fullmatch(key):
        said = f"Must have 1 to {LONGEST} printable ASCII characters."
        raise InvalidPayload(fields=((HEADER, said),))
    head = f"{request.method}\n{request.raw_path}\n".encode("utf-8", "surrogateescape")
    asked = hashlib.sha256(head + await body(request)).digest()
    admitted = request.get(ADMITTED)
    if admitted is None:  # where nobody is logged in: what two addresses ask is never the same
        return IdempotentRequest(f"address {limits.address(request)}", key, asked)
    caller = f"key {admitted.key_id}" if admitted.key_id is not None else f"user {admitted.user.id}"
    return IdempotentRequest(caller, key, asked, admitted.user.id)


class _Held:
    """The right to act on a request, and what becomes of it."""

    def __init__(self, replies: IdempotencyStore, question: IdempotentRequest, lease: UUID) -> None:
        self._replies = replies
        self._question = question
        self._lease = lease

    async def settle(self, response: web.StreamResponse | None) -> None:
        """Keep the answer if it is final, and none but a whole one; else let go.

        What was done stays done if the database is away now: the key is free again a while later.
        """
        try:
            if response is not None and (answer := _kept(response)) is not None:
                await self._replies.keep(self._question, self._lease, answer)
            else:
                await self._replies.release(self._question, self._lease)
        except Unavailable:
            metrics.count("idempotent_responses_lost")


async def _act(request: web.Request, handler: Handler, held: _Held) -> web.StreamResponse:
    try:
        response = await handler(request)
    except HubbubError as error:
        await held.settle(problems.answer(request, error))
        raise
    except Exception:
        await held.settle(None)
        raise
    await held.settle(response)
    return response


def _kept(response: web.StreamResponse) -> StoredResponse | None:
    """None for what says nothing of the request itself (429, 5xx), and for streams."""
    if response.status >= web.HTTPInternalServerError.status_code or not isinstance(response, web.Response):
        return None
    if response.status == web.HTTPTooManyRequests.status_code:
        return None
    given = response.body if response.body is not None else b""
    if not isinstance(given, bytes):
        return None
    headers = {name: response.headers[name] for name in KEPT if name in response.headers}
    return StoredResponse(response.status, headers, given)
