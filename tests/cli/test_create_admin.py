"""`hubbub create-admin`."""

import os
import pty
import subprocess
import sys

import pytest


def test_the_password_is_read_from_standard_input_and_not_repeated(run):
    result = run("create-admin", "root@example.org", stdin="long enough\n")

    assert result.exit_code == 0
    assert result.stdout == "root@example.org is an admin.\n"
    assert "long enough" not in result.output


def test_an_existing_account_is_promoted_without_a_password(run):
    run("create-admin", "root@example.org", stdin="long enough\n")

    result = run("create-admin", "ROOT@example.org")

    assert result.exit_code == 0
    assert (
        result.stdout == "ROOT@example.org had an account and is an admin now; the password is unchanged.\n"
    )


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("root@example.org", "short\n", "password"),
        ("root@example.org", "", "password"),
        ("root", "long enough\n", "email"),
        ("root", "", "email"),
    ],
)
def test_invalid_account_data_is_reported_in_one_line(run, email, password, field):
    result = run("create-admin", email, stdin=password)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{field}: ")


def test_the_message_names_the_actual_cause(run):
    assert run("create-admin", "notanemail").stderr == "email: notanemail is not an e-mail address.\n"
    assert "write it to standard input" in run("create-admin", "root@example.org").stderr


def test_an_email_address_is_required(run):
    assert run("create-admin").exit_code == 2


def test_a_terminal_prompts_twice_without_echo(tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hubbub", "create-admin", "root@example.org"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "HUBBUB_ENV": "test", "HUBBUB_DATA_DIR": str(tmp_path)},
        cwd=tmp_path,
        start_new_session=True,
    )
    os.close(theirs)

    seen = answer(ours, b"Password: ", b"long enough\n")
    seen += answer(ours, b"confirmation: ", b"long enough\n")
    seen += answer(ours, b"is an admin.", b"")

    assert process.wait(20) == 0
    assert b"long enough" not in seen
    os.close(ours)


def answer(terminal, question, reply):
    """Read until the prompt appears, then type the reply."""
    seen = b""
    while question not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, reply)
    return seen
