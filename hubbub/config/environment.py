"""Reading the settings: the only place that looks at the environment and at `.env`."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, get_origin

from dotenv.parser import parse_stream

from hubbub.config.errors import ConfigError
from hubbub.config.fields import PREFIX, extra, variable
from hubbub.config.settings import Settings
from hubbub.core import secret_files

# The variables by which the tests find a database and a Redis are no settings of the server.
_FOR_TESTS = "HUBBUB_TEST_"
_FILE = "_FILE"
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Given(NamedTuple):
    """A variable's text, and where it was set."""

    text: str
    source: str


def load(
    environ: Mapping[str, str] | None = None,
    dotenv_path: str | Path | None = ".env",
    options: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force: the command line, the environment, `.env`, the defaults, in this order.

    `options` are those of the command line, by field name. Outside production a missing secret key is made
    and kept in the data folder. Raises ConfigError with every mistake, a line each.
    """
    lines: list[str] = []
    given = _given(environ, dotenv_path, lines)
    for name, text in (options or {}).items():
        given[variable(name)] = Given(text, "command line")
    values = _sort(given, lines)
    sources = {name: found.source for name, found in values.items()}
    try:
        settings = Settings.build({name: found.text.strip() for name, found in values.items()}, sources)
    except ConfigError as error:
        raise ConfigError(lines + error.lines) from None
    if lines:
        raise ConfigError(lines)
    return _complete(settings)


def log_format(environ: Mapping[str, str] | None = None, dotenv_path: str | Path | None = ".env") -> str:
    """`json` or `console`, also where other settings are wrong."""
    found = _given(environ, dotenv_path, []).get(variable("log_format"))
    return "json" if found is not None and found.text.strip() == "json" else "console"


def _given(
    environ: Mapping[str, str] | None, dotenv_path: str | Path | None, lines: list[str]
) -> dict[str, Given]:
    """The variables of `.env` and of the environment that are ours."""
    given = dict(_dotenv(Path(dotenv_path), lines)) if dotenv_path else {}
    for name, text in (os.environ if environ is None else environ).items():  # noqa: TID251 - the one reader
        if name.startswith(PREFIX):
            given[name] = Given(text, "environment")
    return given


def _dotenv(path: Path, lines: list[str]) -> Iterator[tuple[str, Given]]:
    """The variables of a `.env` that are ours."""
    try:
        with path.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        lines.append(f"{path}: can't be read: {error}.")
        return
    for binding in bindings:
        if binding.error:
            lines.append(f"{path}: line {binding.original.line} is not NAME=value.")
        elif binding.key and binding.key.startswith(PREFIX):
            yield binding.key, Given(binding.value or "", str(path))


def _sort(given: dict[str, Given], lines: list[str]) -> dict[str, Given]:
    """Field name → what was given for it. Empty is as if not set, for a list it is none."""
    fields = {variable(name): name for name in Settings.model_fields}
    files = {
        variable(n) + _FILE: n for n, field in Settings.model_fields.items() if extra(field).get("secret")
    }
    values: dict[str, Given] = {}
    for name, found in given.items():
        if _ODD.search(found.text):
            lines.append(f"{name}: contains control characters, or is not UTF-8 text.")
            continue
        if name in fields:
            if found.text.strip() or _is_list(fields[name]):
                values[fields[name]] = found
        elif name in files:
            if variable(files[name]) in given and given[variable(files[name])].text.strip():
                lines.append(f"{name}: set either this or {variable(files[name])}, not both.")
            elif found.text.strip():
                _read(name, Path(found.text.strip()), values, files[name], lines)
        elif not name.startswith(_FOR_TESTS):
            lines.append(_unknown(name, [*fields, *files]))
    return values


def _is_list(name: str) -> bool:
    return get_origin(Settings.model_fields[name].annotation) is tuple


def _read(name: str, path: Path, values: dict[str, Given], field: str, lines: list[str]) -> None:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        lines.append(f"{name}: can't read {path}: {reason}.")
        return
    if text:
        values[field] = Given(text, f"file {path}")
    else:
        lines.append(f"{name}: {path} is empty.")


def _unknown(name: str, known: list[str]) -> str:
    # Without what all names share, which would make them all look alike.
    bare = [one.removeprefix(PREFIX) for one in known]
    close = get_close_matches(name.removeprefix(PREFIX), bare, n=1)
    return f"{name}: there is no such setting{f'; did you mean {PREFIX}{close[0]}?' if close else '.'}"


def _complete(settings: Settings) -> Settings:
    if settings.source("instance_id") == "default":
        settings = settings.with_made("instance_id", settings.instance_id)
    if settings.secret_key or settings.env == "production":
        return settings
    try:
        secret = secret_files.load_or_create(settings.data_dir, "secret_key")
    except OSError as error:
        where = error.filename or settings.data_dir
        raise ConfigError([f"HUBBUB_DATA_DIR: {where} can't be used: {error.strerror}."]) from None
    return settings.with_made("secret_key", secret)
