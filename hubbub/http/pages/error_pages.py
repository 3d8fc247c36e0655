"""Errors of public pages as pages: for browsers, in place of problem documents."""

from html import escape

from aiohttp import hdrs, web

from hubbub.http.pages import theme
from hubbub.http.pages.responses import content_security_policy

PATH_PREFIX = "/@"  # of the paths of public pages
HEADERS = {hdrs.CACHE_CONTROL: "no-store", "Content-Security-Policy": content_security_policy(None)}
_PAGE = """<!doctype html>
<html lang="en" data-theme="system">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="stylesheet" href="{style_sheet}">
</head>
<body>
<main>
<h1>{title}</h1>
<p>{detail}</p>
<p class="small">Request <code>{request_id}</code></p>
</main>
</body>
</html>
"""


def applies(request: web.BaseRequest) -> bool:
    """Return whether a browser requested a public page."""
    return request.path.startswith(PATH_PREFIX) and "text/html" in request.headers.get(hdrs.ACCEPT, "")


def replace(problem: web.Response, title: str, detail: str, request_id: str) -> web.Response:
    """Return a page in place of a problem document, with its status and its own headers."""
    texts = {"title": title, "detail": detail, "request_id": request_id, "style_sheet": theme.url(None)}
    text = _PAGE.format_map({name: escape(each) for name, each in texts.items()})
    page = web.Response(text=text, status=problem.status, content_type="text/html", headers=HEADERS)
    for name in (hdrs.RETRY_AFTER, hdrs.ALLOW):
        if name in problem.headers:
            page.headers[name] = problem.headers[name]
    return page
