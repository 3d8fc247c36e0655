"""Running a command's work; what an operator can mend is told in a line, without a traceback."""

import asyncio
import errno
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hubbub.cli.starting import WRONG_SETTINGS, fail
from hubbub.config import ConfigError
from hubbub.core.errors import HubbubError
from hubbub.services.database import DatabaseProblem

T = TypeVar("T")

_REASONS = {
    errno.EADDRINUSE: "is taken: stop what listens there, or set HUBBUB_PORT",
    errno.EADDRNOTAVAIL: "is no address of this machine: set HUBBUB_HOST",
    errno.EACCES: "may not be used by this user: set HUBBUB_PORT to one above 1023",
}


def run(
    work: Coroutine[Any, Any, T],
    *,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    told: Callable[[OSError], str] | None = None,
) -> T:
    """Run to the end, or end the process with a line; `told` says what an OSError is about."""
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work)
    except ConfigError as error:
        fail(*error.lines, code=WRONG_SETTINGS)
    except DatabaseProblem as error:
        fail(str(error))
    except HubbubError as error:
        fail(*([f"{field}: {said}" for field, said in error.fields] or [error.message]))
    except OSError as error:
        fail(told(error) if told else _plainly(error))


def _plainly(error: OSError) -> str:
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)


def address_problem(error: OSError, host: str, port: int) -> str:
    """Why an instance can't listen there."""
    if error.errno is None:
        return f"{host}:{port}: {error}."
    if error.errno < 0:  # of looking up the name
        return f"{host} is no address of this machine: set HUBBUB_HOST."
    return f"{host}:{port} {_REASONS.get(error.errno, os.strerror(error.errno))}."
