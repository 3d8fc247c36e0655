"""The page at `/account`, which links in e-mails open."""

from pathlib import Path

from aiohttp import web

from hubbub.http import assets

FOLDER = Path(__file__).with_name("account_page")
PAGE_PATH = "/account"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)


def routes() -> list[web.RouteDef]:
    """Return the routes of the page and its files."""
    return assets.routes(PAGE_PATH, FOLDER, _POLICY)
