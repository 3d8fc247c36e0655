"""The settings as documents, made from their fields: `.env.example`, `docs/settings.md`, `hubbub config`."""

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from hubbub.config import parsers
from hubbub.config.fields import env_name, field_metadata
from hubbub.config.settings import Settings
from hubbub.ratelimit.rate import Rate

_EXAMPLE_HEADER = """\
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


class SettingDoc(NamedTuple):
    """One setting, as the documents show it. `default` is text for a person if `computed`."""

    name: str
    section: str
    text: str
    default: str
    sample: str
    computed: bool
    secret: bool


def setting_docs() -> Iterator[SettingDoc]:
    """All settings in the order of the reference."""
    section = ""
    for name, field in Settings.model_fields.items():
        metadata = field_metadata(field)
        section = metadata.get("section", section)
        default_text = metadata.get("default_text")
        yield SettingDoc(
            name=env_name(name),
            section=section,
            text=field.description or "",
            default=default_text or format_value(field.default),
            sample=metadata.get("sample", format_value(field.default)),
            computed=default_text is not None,
            secret=bool(metadata.get("secret")),
        )


def format_value(value: Any) -> str:  # noqa: ANN401 - of any field
    """A value as it is written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Rate):
        return parsers.format_rate(value)
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value)


def env_example() -> str:
    """The content of `.env.example`: every setting, commented out."""
    lines = [_EXAMPLE_HEADER]
    for section, settings in groupby(setting_docs(), key=lambda one: one.section):
        lines.append(f"# --- {section} ---\n")
        for one in settings:
            default = f" Default: {one.default}." if one.computed else ""
            lines += textwrap.wrap(one.text + default, 108, initial_indent="# ", subsequent_indent="# ")
            lines.append(f"# {one.name}={one.sample}\n")
    return "\n".join(lines).rstrip() + "\n"


def markdown_page() -> str:
    """The content of `docs/settings.md`."""
    lines = [_INTRODUCTION]
    for section, settings in groupby(setting_docs(), key=lambda one: one.section):
        lines += [f"## {section}\n", "| name | default | |", "| --- | --- | --- |"]
        for one in settings:
            default = one.default if one.computed else f"`{one.default}`"
            lines.append(f"| `{one.name}` | {default} | {one.text}{' *Secret.*' if one.secret else ''} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def effective_values(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(name, value, source) of every setting. Secrets are masked, as are passwords in addresses."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is None:
            text = "off" if name.startswith("limit_") else ""
        elif field_metadata(Settings.model_fields[name]).get("secret") and "://" not in format_value(value):
            text = "***" if value else ""
        else:
            text = parsers.mask_secrets(format_value(value))
        yield env_name(name), text, settings.source(name)
