"""What goes wrong while a command runs, in one line."""

import errno
import os

import pytest

from hubbub.cli import running
from hubbub.config import ConfigError
from hubbub.core.errors import InvalidPayload, Unavailable
from hubbub.services.database import DatabaseProblem


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (ConfigError(["one", "two"]), 2, ["one", "two"]),
        (DatabaseProblem("It is away."), 1, ["It is away."]),
        (Unavailable("It went away."), 1, ["It went away."]),
        (
            InvalidPayload(fields=(("email", "Not one."), ("name", "Too long."))),
            1,
            ["email: Not one.", "name: Too long."],
        ),
        (OSError(errno.ENOSPC, "No space left", "var/x"), 1, ["var/x: No space left"]),
        (OSError("odd"), 1, ["odd"]),
    ],
)
def test_what_an_operator_can_mend_is_told_without_a_traceback(capsys, error, code, lines):
    async def work():
        raise error

    with pytest.raises(SystemExit) as ended:
        running.run(work())

    assert ended.value.code == code
    assert capsys.readouterr().err.splitlines() == lines


def test_what_only_we_can_mend_keeps_its_traceback():
    async def work():
        raise KeyError("x")

    with pytest.raises(KeyError):
        running.run(work())


def test_the_result_is_handed_on():
    async def work():
        return 7

    assert running.run(work()) == 7


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EADDRINUSE, "x"), "h:1 is taken: stop what listens there, or set HUBBUB_PORT."),
        (OSError(errno.EADDRNOTAVAIL, "x"), "h:1 is no address of this machine: set HUBBUB_HOST."),
        (OSError(errno.EACCES, "x"), "h:1 may not be used by this user: set HUBBUB_PORT to one above 1023."),
        (OSError(errno.EMFILE, "x"), f"h:1 {os.strerror(errno.EMFILE)}."),
        (OSError(-2, "x"), "h is no address of this machine: set HUBBUB_HOST."),
        (OSError("odd"), "h:1: odd."),
    ],
)
def test_why_it_can_not_listen(error, said):
    assert running.address_problem(error, "h", 1) == said
