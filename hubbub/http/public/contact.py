"""The contact form of a portfolio: `/@{username}/contact`."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec
from aiohttp import hdrs, web

from hubbub.core.errors import HubbubError, InvalidPayload, TooLarge
from hubbub.http.app_keys import container_of
from hubbub.http.pages.form_stamps import FormStamps, StampState
from hubbub.http.pages.responses import page_headers
from hubbub.http.problems import UnsupportedMediaType, set_retry_after, status_of
from hubbub.http.public.pages import HTML, RENDERER, read
from hubbub.http.request import read_body, request_info
from hubbub.schemas.base import parse
from hubbub.schemas.portfolio.pages import FORM_FIELDS, ContactPage
from hubbub.schemas.portfolio.public import SendPortfolioMessage
from hubbub.services.portfolio import messages, pages, public

routes = web.RouteTableDef()

STAMPS = web.AppKey("form_stamps", FormStamps)
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 20
STAMP_PLACEHOLDER = b"<!--stamp-->"  # in contact.html; text of users is escaped, so that it can't contain it
_STAMP_PROBLEMS = {
    StampState.EARLY: "This was sent very quickly. Wait a few seconds and send it again.",
    StampState.EXPIRED: "This form was open for more than a day. Send it again.",
    StampState.FORGED: "This form is not valid any more. Send it again.",
}


@routes.get("/@{username}/contact")
async def get_form(request: web.Request) -> web.Response:
    """Return the form with a new stamp. The page is cached without it."""
    cached = await read(request, "contact.html", pages.contact)
    stamp = request.config_dict[STAMPS].issue(_form_of(request))
    body = cached.body.replace(STAMP_PLACEHOLDER, stamp.encode())
    return web.Response(body=body, content_type=HTML, charset="utf-8", headers=_headers(request))


@routes.post("/@{username}/contact")
async def send_message(request: web.Request) -> web.Response:
    """Send what was typed. If it can't be sent, the page says why and keeps it."""
    container = container_of(request)
    username = request.match_info["username"]
    page = await pages.contact_form(container, username)
    sent = await _read_form(request)
    form = {name: sent.get(name, "") for name in FORM_FIELDS}
    stamp = sent.get("stamp", "")
    state = request.config_dict[STAMPS].check(_form_of(request), stamp)
    try:
        if state in _STAMP_PROBLEMS:
            raise InvalidPayload(_STAMP_PROBLEMS[state])
        command = parse(SendPortfolioMessage, form)
        await messages.send(container, username, command, request_info(request))
    except HubbubError as error:
        if state is not StampState.EARLY:  # whose stamp is valid soon
            stamp = request.config_dict[STAMPS].issue(_form_of(request))
        return await _form_page(request, page, form, error, stamp)
    return await _page(request, page, 202, sent=True)


async def _read_form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form. Line ends are as in JSON.

    Raises UnsupportedMediaType, TooLarge, InvalidPayload, BadRequest.
    """
    if request.content_type != FORM_TYPE:
        raise UnsupportedMediaType(f"Send the form, with the header Content-Type: {FORM_TYPE}.")
    raw = await read_body(request)
    if len(raw) > SendPortfolioMessage.max_body_bytes:
        raise TooLarge
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise InvalidPayload("The form can't be read.") from None
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


async def _form_page(
    request: web.Request, page: ContactPage, form: Mapping[str, str], error: HubbubError, stamp: str
) -> web.Response:
    """Return the form with what was typed and what is wrong with it."""
    errors = dict(error.fields)
    problem = error.message if not errors else "Correct the marked fields and send it again."
    response = await _page(
        request, page, status_of(error), form=form, errors=errors, problem=problem, stamp=stamp
    )
    set_retry_after(response, error)
    return response


async def _page(request: web.Request, page: ContactPage, status: int, **changes: object) -> web.Response:
    context = {**msgspec.structs.asdict(page), **changes}
    body = await request.config_dict[RENDERER].render("contact.html", context)
    return web.Response(
        body=body, status=status, content_type=HTML, charset="utf-8", headers=_headers(request)
    )


def _headers(request: web.Request) -> dict[str, str]:
    return {**page_headers(container_of(request).settings), hdrs.CACHE_CONTROL: "no-store"}


def _form_of(request: web.Request) -> str:
    """Return the name of a form in its stamp."""
    return f"contact:{public.normalize(request.match_info['username'])}"
