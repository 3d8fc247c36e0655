"""E-mail templates: one layout, a catalogue of texts per language, and the variables of each template."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hubbub.gateways.mail import Mail, single_line

FOLDER = Path(__file__).with_name("templates_data")
NOTIFICATIONS = ("new_login", "password_changed", "identity_linked", "recovery_code_used", "wrong_codes")
UNDOABLE = ("api_key_made", "two_factor_enabled", "two_factor_disabled")
NAMES = ("verify_email", "reset_password", "delete_account", *UNDOABLE, *NOTIFICATIONS)
FALLBACK_LANGUAGE = "en"
_SAMPLE_CONTEXT = {
    "name": "Ada Lovelace",
    "hours": 24,
    "left": "9",
    "provider": "Google",
    "key_name": "nightly build",
    "prefix": "hub_0123456789ab",
    "scopes": "read write",
    "device": "Firefox on Linux",
    "ip": "192.0.2.1",
    "link": "http://127.0.0.1:8000/account#example",
    "code": "an-example-of-a-code",
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


def render(name: str, language: str, context: dict[str, object]) -> Mail:
    """Render an e-mail. Variables are put on one line and are text, never markup or a header."""
    language = resolve_language(language)
    texts = _catalogue(language)
    template_texts = {**texts, **texts[name]}
    plain, html = _layouts()
    values = {
        key: single_line(it) if isinstance(it, str) else it
        for key, it in {"link": "", "code": "", **context}.items()
    }

    def fill(text: str) -> str:
        return plain.from_string(text).render(values)

    layout_context: dict[str, object] = {
        **{
            key: fill(template_texts.get(key, ""))
            for key in ("subject", "greeting", "footer", "code_label", "button")
        },
        "paragraphs": [fill(each) for each in template_texts["paragraphs"]],
        "language": language,
        "link": values["link"],
        "code": values["code"],
    }
    return Mail(
        single_line(str(layout_context["subject"])),
        plain.get_template("layout.txt").render(layout_context),
        html.get_template("layout.html").render(layout_context),
    )


def sample(name: str, language: str, site: str) -> Mail:
    """Render an e-mail with sample values."""
    action_context = {} if name in NOTIFICATIONS else _SAMPLE_CONTEXT
    context = {key: it for key, it in _SAMPLE_CONTEXT.items() if key not in ("link", "code")} | action_context
    return render(name, language, {**context, "site": site})
