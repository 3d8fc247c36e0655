"""The settings as documents, made from their fields: `.env.example`, `docs/settings.md`, `hubbub config`."""

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from hubbub.config import parsers
from hubbub.config.fields import extra, variable
from hubbub.config.settings import Settings
from hubbub.ratelimit.rate import Rate

_HEAD = """\
# The settings of hubbub and their defaults. Copy this file to .env and take away the # of what you change.
# An environment variable of the same name comes before it. Made by `hubbub config --example`.
"""
_INTRODUCTION = """\
# Settings

Set them as environment variables, or in a file `.env` in the folder where hubbub is started; a variable comes
before the file. They are checked at the start, with one line for each mistake; a name that begins with
`HUBBUB_` and is not in this list is one. A name without a value is as if it were not there; a list without a
value is empty. What is marked *secret* can also be the content of a file:
`HUBBUB_SECRET_KEY_FILE=/run/secrets/key`.

`hubbub config` shows the settings in force and where each came from, `hubbub doctor` tries them. This page is
made by `hubbub config --reference`.
"""


class Documented(NamedTuple):
    """One setting, as the documents show it. `default` is text for a person if `computed`."""

    name: str
    section: str
    text: str
    default: str
    sample: str
    computed: bool
    secret: bool


def documented() -> Iterator[Documented]:
    """All settings in the order of the reference."""
    section = ""
    for name, field in Settings.model_fields.items():
        noted = extra(field)
        section = noted.get("section", section)
        shown = noted.get("shown")
        yield Documented(
            name=variable(name),
            section=section,
            text=field.description or "",
            default=shown or written(field.default),
            sample=noted.get("sample", written(field.default)),
            computed=shown is not None,
            secret=bool(noted.get("secret")),
        )


def written(value: Any) -> str:  # noqa: ANN401 - of any field
    """A value as it is written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Rate):
        return parsers.rate_text(value)
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value)


def example() -> str:
    """The content of `.env.example`: every setting, commented out."""
    lines = [_HEAD]
    for section, settings in groupby(documented(), key=lambda one: one.section):
        lines.append(f"# --- {section} ---\n")
        for one in settings:
            default = f" Default: {one.default}." if one.computed else ""
            lines += textwrap.wrap(one.text + default, 108, initial_indent="# ", subsequent_indent="# ")
            lines.append(f"# {one.name}={one.sample}\n")
    return "\n".join(lines).rstrip() + "\n"


def page() -> str:
    """The content of `docs/settings.md`."""
    lines = [_INTRODUCTION]
    for section, settings in groupby(documented(), key=lambda one: one.section):
        lines += [f"## {section}\n", "| name | default | |", "| --- | --- | --- |"]
        for one in settings:
            default = one.default if one.computed else f"`{one.default}`"
            lines.append(f"| `{one.name}` | {default} | {one.text}{' *Secret.*' if one.secret else ''} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def in_force(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(name, value, source) of every setting. Secrets are masked, as are passwords in addresses."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is None:
            text = "off" if name.startswith("limit_") else ""
        elif extra(Settings.model_fields[name]).get("secret") and "://" not in written(value):
            text = "***" if value else ""
        else:
            text = parsers.masked(written(value))
        yield variable(name), text, settings.source(name)
