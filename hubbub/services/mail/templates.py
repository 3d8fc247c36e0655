"""E-mail templates: one layout, a catalogue of texts per language, and the variables of each template."""

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hubbub.gateways.mail import Mail, single_line

FOLDER = Path(__file__).with_name("templates_data")
UNDOABLE = ("api_key_made", "two_factor_enabled", "two_factor_disabled", "email_changed")
# Their link contains a token.
WITH_CODE = ("verify_email", "reset_password", "delete_account", "change_email", *UNDOABLE)
SECURITY = (
    *("new_login", "password_changed", "identity_linked", "recovery_code_used", "wrong_codes", "email_taken"),
)
OPERATION = ("queues_behind",)  # to admins
ACCOUNT = ("welcome", "account_deleted")
DELIVERY = ("notification", "digest", "announcement", "portfolio_message")
NAMES = (*WITH_CODE, *SECURITY, *OPERATION, *ACCOUNT, *DELIVERY)
MULTI_LINE = frozenset({"body"})  # variables whose lines are kept
FALLBACK_LANGUAGE = "en"
_SAMPLE_CODE = {"link": "http://127.0.0.1:8000/account#example", "code": "an-example-of-a-code"}
_SAMPLE_CONTEXT: dict[str, object] = {
    "name": "Ada Lovelace",
    "username": "ada",
    "hours": 24,
    "left": "9",
    "queues": "mail (1200, 95 s)",
    "provider": "Google",
    "key_name": "nightly build",
    "prefix": "hub_0123456789ab",
    "scopes": "read write",
    "device": "Firefox on Linux",
    "ip": "192.0.2.1",
    "title": "Grace Hopper mentioned you in compilers",
    "body": "@ada have a look at the new parser.\nIt reads the whole file.",
    "count": 3,
    "sender": "Grace Hopper",
    "email": "grace@example.org",
    "time": "30 November 2026, 18:00 (Europe/Rome)",
    "items": [
        {"title": "Grace Hopper", "body": "Lunch?", "time": "30 November 2026, 12:04"},
        {"title": "Alan Turing added you to machines", "body": "", "time": "30 November 2026, 09:30"},
    ],
}


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that have a catalogue."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def _catalogue(language: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))


@cache
def _layouts() -> tuple[Environment, Environment]:
    """Return the environments for plain text, and for HTML, in which every variable is escaped."""
    loader = FileSystemLoader(FOLDER)
    options: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    plain = Environment(loader=loader, autoescape=False, keep_trailing_newline=True, **options)  # noqa: S701 - plain text
    return plain, Environment(loader=loader, autoescape=True, **options)


def resolve_language(language: str) -> str:
    """Return the catalogue language of a tag like `de-AT`; English if there is none."""
    tag = language.partition("-")[0].lower()
    return tag if tag in languages() else FALLBACK_LANGUAGE


def render(name: str, language: str, context: dict[str, object], unsubscribe_url: str | None = None) -> Mail:
    """Render an e-mail. Variables are text, never markup or a header, and on one line except MULTI_LINE.

    With `unsubscribe_url` it has a link that ends the e-mails of its kind, and the headers of RFC 8058.
    """
    language = resolve_language(language)
    texts = _catalogue(language)
    template_texts = {**texts, **texts[name]}
    plain, html = _layouts()
    values = {key: _clean(key, it) for key, it in {"link": "", "code": "", **context}.items()}

    def fill(text: str) -> str:
        return plain.from_string(text).render(values)

    paragraphs = [fill(each) for each in template_texts["paragraphs"]]
    layout_context: dict[str, object] = {
        **{
            key: fill(template_texts.get(key, ""))
            for key in ("subject", "greeting", "footer", "code_label", "button", "time_label", "unsubscribe")
        },
        "paragraphs": [each for each in paragraphs if each.strip()],
        "items": values.get("items", []),
        "language": language,
        "link": values["link"],
        "code": values["code"],
        "time": values.get("time", ""),
        "unsubscribe_url": unsubscribe_url or "",
    }
    return Mail(
        single_line(str(layout_context["subject"])),
        plain.get_template("layout.txt").render(layout_context),
        html.get_template("layout.html").render(layout_context),
        unsubscribe_url,
    )


def _clean(key: str, value: object) -> object:
    """Return a variable without control characters; a list of objects likewise."""
    if isinstance(value, str):
        return "\n".join(map(single_line, value.splitlines())) if key in MULTI_LINE else single_line(value)
    if isinstance(value, list):
        return [{name: _clean("", it) for name, it in each.items()} for each in value]
    return value


def format_time(at: datetime, language: str, time_zone: str) -> str:
    """Return a time as users read it, in their time zone: `30 November 2026, 18:00 (Europe/Rome)`."""
    local = at.astimezone(ZoneInfo(time_zone))
    months: list[str] = _catalogue(resolve_language(language))["months"]
    day = f"{local.day}." if resolve_language(language) == "de" else str(local.day)
    return f"{day} {months[local.month - 1]} {local.year}, {local:%H:%M} ({time_zone})"


def sample(name: str, language: str, site: str) -> Mail:
    """Render an e-mail with sample values."""
    code = _SAMPLE_CODE if name in WITH_CODE else {"link": site}
    unsubscribe_url = f"{site}/api/v1/email/unsubscribe?token=example" if name in DELIVERY else None
    items = _SAMPLE_CONTEXT["items"] if name == "digest" else []
    context = {**_SAMPLE_CONTEXT, **code, "site": site, "items": items}
    return render(name, language, context, unsubscribe_url)
