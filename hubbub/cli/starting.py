"""The beginning of every command: the settings, the logs, and one clear line when it can't go on."""

import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from hubbub.config import ConfigError, Settings, load
from hubbub.core import logs

WRONG_SETTINGS = 2
FAILED = 1


def settings(options: Mapping[str, object] | None = None) -> Settings:
    """The settings in force, `options` of the command line first; ends the process if they are wrong."""
    given = {name: str(value) for name, value in (options or {}).items() if value is not None}
    try:
        found = load(options=given)
    except ConfigError as error:
        fail(*error.lines, code=WRONG_SETTINGS)
    logs.setup(found.log_format, found.log_level)
    return found


def fail(*lines: str, code: int = FAILED) -> NoReturn:
    """Say why, on standard error, and end."""
    for line in lines:
        click.echo(line, err=True)
    sys.exit(code)
