"""/email/unsubscribe: switches the e-mails of a kind off, from a link in an e-mail (RFC 8058)."""

from html import escape

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.request import query
from hubbub.http.routes import Routes
from hubbub.schemas.notifications.unsubscribe import UnsubscribeToken
from hubbub.services.notifications import unsubscribe

routes = Routes()

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34em; margin: 0 auto; padding: 3em 1em; }}
button {{ font: inherit; color: #fff; background: #3b5bdb; border: 0; border-radius: 6px;
  padding: .6em 1.2em; }}
</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""
_FORM = """<p>Do you want no more e-mails of this kind ({kind})?
Your account and other e-mails stay as they are.</p>
<form method="post"><button>Unsubscribe</button></form>"""
_DONE = "<p>You will receive no more e-mails of this kind. You can switch them on again in your settings.</p>"


@routes.get(
    unsubscribe.PATH,
    name="email.show_unsubscribe",
    tag="preferences",
    summary="Get the page of an unsubscribe link",
    description="A page with one button. It changes nothing, so that programs may open the link.",
    query=UnsubscribeToken,
    response=str,
    content_type="text/html",
    errors=("invalid_token", "invalid_payload"),
    needs_database=False,
)
async def show_page(request: web.Request) -> web.Response:
    command = query(request, UnsubscribeToken)
    subscription = await unsubscribe.check(container_of(request), command)
    return _page("Unsubscribe", _FORM.format(kind=escape(subscription.kind)))


@routes.post(
    unsubscribe.PATH,
    name="email.unsubscribe",
    tag="preferences",
    summary="Disable the e-mails of a kind",
    description=(
        "For the button of mail programs and of the page. It needs no login and accepts a body of any type, "
        "which is ignored. Repeating it changes nothing."
    ),
    query=UnsubscribeToken,
    response=str,
    content_type="text/html",
    errors=("invalid_token",),
)
async def end_subscription(request: web.Request) -> web.Response:
    await unsubscribe.unsubscribe(container_of(request), query(request, UnsubscribeToken))
    return _page("Unsubscribed", _DONE)


def _page(title: str, content: str) -> web.Response:
    text = _PAGE.format(title=title, content=content)
    return web.Response(text=text, content_type="text/html", headers=HEADERS)
