"""Runs a command's coroutine. A failure that an operator can correct is one line, without a traceback."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hubbub.cli import describe_os_error
from hubbub.cli.bootstrap import EXIT_INVALID_SETTINGS, fail
from hubbub.config import ConfigError
from hubbub.core.errors import HubbubError
from hubbub.db.database import DatabaseProblem
from hubbub.http.listening import CannotListen
from hubbub.services.backups.files import BackupProblem
from hubbub.services.instance.processes import StartRefused

T = TypeVar("T")


def run(
    coroutine: Coroutine[Any, Any, T],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    as_json: bool = False,
) -> T:
    """Run to completion, or exit with one line that names the cause; with `as_json`, a line of the log."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(coroutine)
    except ConfigError as error:
        fail(*error.lines, code=EXIT_INVALID_SETTINGS, as_json=as_json)
    except (DatabaseProblem, StartRefused, CannotListen, BackupProblem) as error:
        fail(str(error), as_json=as_json)
    except HubbubError as error:
        lines = [f"{field}: {reason}" for field, reason in error.fields] or [error.message]
        fail(*lines, as_json=as_json)
    except OSError as error:
        fail(describe_os_error(error), as_json=as_json)
