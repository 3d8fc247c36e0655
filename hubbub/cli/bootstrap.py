"""Start of every command: loads settings, sets up logs, and reports a failure in one line."""

import logging
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from hubbub.config import ConfigError, Settings, load, log_format
from hubbub.core import logs

EXIT_INVALID_SETTINGS = 2
EXIT_FAILURE = 1

log = logging.getLogger(__name__)


class ProcessCommand(click.Command):
    """The class of `serve`, `worker` and `scheduler`. Wrong options are one line in the format of the log."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - as click has it
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            _refuse_to_start(log_format(), error.format_message())


def load_settings() -> Settings:
    """Return the effective settings for a command that is no process of a deployment; exit if they are wrong.

    What production refuses is printed as a warning.
    """
    try:
        loaded = load()
    except ConfigError as error:
        fail(*error.lines, code=EXIT_INVALID_SETTINGS)
    logs.setup(loaded.log_format, loaded.log_level)
    for line in loaded.production_errors:
        click.echo(f"warning: {line}", err=True)
    return loaded


def load_process_settings(options: Mapping[str, object] | None = None) -> Settings:
    """Return the effective settings of a process; `options` of the command line come first.

    Exits if they are wrong, or if production refuses one of them. From here on, all output of the process is
    lines of the log, including uncaught exceptions.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the loop handles it: Python would print a traceback
    texts = {name: str(value) for name, value in (options or {}).items() if value is not None}
    try:
        loaded = load(options=texts)
    except ConfigError as error:
        _refuse_to_start(log_format(), *error.lines)
    if loaded.production_errors:
        _refuse_to_start(loaded.log_format, *loaded.production_errors)
    logs.setup(loaded.log_format, loaded.log_level)
    logs.log_uncaught()
    return loaded


def _refuse_to_start(style: str, *lines: str) -> NoReturn:
    logs.setup(style, "info")
    fail(*lines, code=EXIT_INVALID_SETTINGS, as_json=style == "json")


def fail(*lines: str, code: int = EXIT_FAILURE, as_json: bool = False) -> NoReturn:
    """Print `lines` on standard error and exit. With `as_json` they are lines of the log."""
    for line in lines:
        if as_json:
            log.critical(line)
        else:
            click.echo(line, err=True)
    sys.exit(code)
