"""Errors during a command are reported in one line."""

import errno
import json

import pytest

from hubbub.cli import run
from hubbub.config import ConfigError
from hubbub.core import logs
from hubbub.core.errors import InvalidPayload, Unavailable
from hubbub.db.database import DatabaseProblem
from hubbub.services.instance.processes import StartRefused


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (ConfigError(["one", "two"]), 2, ["one", "two"]),
        (DatabaseProblem("It is away."), 1, ["It is away."]),
        (StartRefused("It does not fit."), 1, ["It does not fit."]),
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
def test_an_operator_error_is_reported_without_a_traceback(capsys, error, code, lines):
    async def work():
        raise error

    with pytest.raises(SystemExit) as ended:
        run.run(work())

    assert ended.value.code == code
    assert capsys.readouterr().err.splitlines() == lines


def test_a_bug_keeps_its_traceback():
    async def work():
        raise KeyError("x")

    with pytest.raises(KeyError):
        run.run(work())


def test_the_result_is_returned():
    async def work():
        return 7

    assert run.run(work()) == 7


def test_a_program_that_reads_the_log_gets_a_line_for_the_error(capfd):
    logs.setup("json", "info")

    async def work():
        raise DatabaseProblem("It is away.")

    with pytest.raises(SystemExit):
        run.run(work(), as_json=True)

    line = json.loads(capfd.readouterr().err)
    assert (line["level"], line["message"]) == ("critical", "It is away.")
