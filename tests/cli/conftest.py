"""Runs commands in separate folders."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from hubbub.cli import main


class RunCommand(Protocol):
    """`run("migrate", "up", HUBBUB_PORT="1")`, with `say` as standard input."""

    def __call__(self, *arguments: str, stdin: str | None = None, **variables: str) -> Result: ...


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunCommand]:
    """Run a command in this process, in a separate folder."""
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o022)
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    interrupt = signal.getsignal(signal.SIGINT)

    def run(*arguments: str, stdin: str | None = None, **variables: str) -> Result:
        environment = {"HUBBUB_ENV": "test", "HUBBUB_DATA_DIR": str(tmp_path), **variables}
        result = CliRunner(env=environment).invoke(main, arguments, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    yield run
    os.umask(umask)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    signal.signal(signal.SIGINT, interrupt)
