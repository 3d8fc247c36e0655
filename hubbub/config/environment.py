"""Reads the settings. Only this module reads the environment and `.env`."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, get_origin

from dotenv.parser import parse_stream

from hubbub.config.errors import ConfigError
from hubbub.config.fields import PREFIX, env_name, field_metadata
from hubbub.config.settings import Settings
from hubbub.core import secret_files

# The variables that give the tests a database and a Redis are not settings of the server.
_TEST_PREFIX = "HUBBUB_TEST_"
_FILE_SUFFIX = "_FILE"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class SourcedText(NamedTuple):
    """A variable's text and its source."""

    text: str
    source: str  # `command line`, `environment`, `.env` or `file …`


def load(
    environ: Mapping[str, str] | None = None,
    dotenv_path: str | Path | None = ".env",
    options: Mapping[str, str] | None = None,
) -> Settings:
    """Return the effective settings: command line, environment, `.env`, defaults, in this order.

    `options` are those of the command line, by field name. Outside production, a missing secret key is
    generated and stored in the data folder. Raises ConfigError with every mistake, one line each.
    """
    errors: list[str] = []
    variables = _read_variables(environ, dotenv_path, errors)
    for name, text in (options or {}).items():
        variables[env_name(name)] = SourcedText(text, "command line")
    values = _values_by_field(variables, errors)
    sources = {name: found.source for name, found in values.items()}
    try:
        settings = Settings.build({name: found.text.strip() for name, found in values.items()}, sources)
    except ConfigError as error:
        raise ConfigError(errors + error.lines) from None
    if errors:
        raise ConfigError(errors)
    return _with_generated(settings)


def log_format(environ: Mapping[str, str] | None = None, dotenv_path: str | Path | None = ".env") -> str:
    """Return `json` or `console`, even if other settings are wrong."""
    found = _read_variables(environ, dotenv_path, []).get(env_name("log_format"))
    return "json" if found is not None and found.text.strip() == "json" else "console"


def _read_variables(
    environ: Mapping[str, str] | None, dotenv_path: str | Path | None, errors: list[str]
) -> dict[str, SourcedText]:
    """Return the variables of `.env` and the environment that begin with `HUBBUB_`."""
    variables = dict(_read_dotenv(Path(dotenv_path), errors)) if dotenv_path else {}
    for name, text in (os.environ if environ is None else environ).items():  # noqa: TID251 - the one reader
        if name.startswith(PREFIX):
            variables[name] = SourcedText(text, "environment")
    return variables


def _read_dotenv(path: Path, errors: list[str]) -> Iterator[tuple[str, SourcedText]]:
    """Yield the variables of a `.env` that begin with `HUBBUB_`."""
    try:
        with path.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        errors.append(f"{path}: can't be read: {error}.")
        return
    for binding in bindings:
        if binding.error:
            errors.append(f"{path}: line {binding.original.line} is not NAME=value.")
        elif binding.key and binding.key.startswith(PREFIX):
            yield binding.key, SourcedText(binding.value or "", str(path))


def _values_by_field(variables: dict[str, SourcedText], errors: list[str]) -> dict[str, SourcedText]:
    """Return field name → text and source. An empty text means unset; for a list, it means an empty list."""
    fields = {env_name(name): name for name in Settings.model_fields}
    files = {
        env_name(n) + _FILE_SUFFIX: n
        for n, field in Settings.model_fields.items()
        if field_metadata(field).get("secret")
    }
    values: dict[str, SourcedText] = {}
    for name, found in variables.items():
        if _CONTROL_CHARACTERS.search(found.text):
            errors.append(f"{name}: contains control characters, or is not UTF-8 text.")
            continue
        if name in fields:
            if found.text.strip() or _is_list(fields[name]):
                values[fields[name]] = found
        elif name in files:
            if env_name(files[name]) in variables and variables[env_name(files[name])].text.strip():
                errors.append(f"{name}: set either this or {env_name(files[name])}, not both.")
            elif found.text.strip():
                _read_secret_file(name, Path(found.text.strip()), values, files[name], errors)
        elif not name.startswith(_TEST_PREFIX):
            errors.append(_unknown_message(name, [*fields, *files]))
    return values


def _is_list(name: str) -> bool:
    return get_origin(Settings.model_fields[name].annotation) is tuple


def _read_secret_file(
    name: str, path: Path, values: dict[str, SourcedText], field: str, errors: list[str]
) -> None:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        errors.append(f"{name}: can't read {path}: {reason}.")
        return
    if text:
        values[field] = SourcedText(text, f"file {path}")
    else:
        errors.append(f"{name}: {path} is empty.")


def _unknown_message(name: str, known: list[str]) -> str:
    # Without the prefix, which would make all names similar.
    bare = [one.removeprefix(PREFIX) for one in known]
    close = get_close_matches(name.removeprefix(PREFIX), bare, n=1)
    return f"{name}: there is no such setting{f'; did you mean {PREFIX}{close[0]}?' if close else '.'}"


def _with_generated(settings: Settings) -> Settings:
    if settings.source("instance_id") == "default":
        settings = settings.with_generated("instance_id", settings.instance_id)
    if settings.secret_key or settings.env == "production":
        return settings
    try:
        secret = secret_files.load_or_create(settings.data_dir, "secret_key")
    except OSError as error:
        where = error.filename or settings.data_dir
        raise ConfigError([f"HUBBUB_DATA_DIR: {where} can't be used: {error.strerror}."]) from None
    return settings.with_generated("secret_key", secret)
