"""The command itself, and settings that are wrong."""

import re
import subprocess
import sys
import time

import pytest

import hubbub

COMMANDS = [
    *("serve", "worker", "migrate", "seed", "create-admin", "disable-two-factor", "reseal", "prove"),
    *("doctor", "mail", "openapi", "config"),
]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help_lists_the_commands(run, arguments):
    result = run(*arguments)

    assert result.exit_code == 0
    assert re.findall(r"^  (\S+)", result.stdout.partition("Commands:")[2], re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_own_help(run, command):
    result = run(command, "--help")

    assert result.exit_code == 0
    assert f"{command} [OPTIONS]" in result.stdout


def test_the_version_is_told(run):
    assert run("--version").stdout == f"hubbub {hubbub.__version__}\n"


def test_what_is_no_command_is_refused(run):
    result = run("dance")

    assert result.exit_code == 2
    assert "No such command 'dance'" in result.stderr


def test_help_imports_no_server():
    program = "import sys\nfrom hubbub.cli import main\nmain(['-h'], standalone_mode=0)\nprint(*sys.modules)"

    began = time.perf_counter()
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    took = time.perf_counter() - began

    assert not {"aiohttp", "tortoise", "pydantic", "socketio"} & set(out.split())
    assert took < 2  # a busy machine; 0.1 s on an idle one


def test_python_m_hubbub_is_the_same():
    out = subprocess.run(
        [sys.executable, "-m", "hubbub", "--version"], capture_output=True, check=True, text=True
    )

    assert out.stdout == f"hubbub {hubbub.__version__}\n"


@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["seed"], ["create-admin", "a@b"], ["config"]])
def test_wrong_settings_are_told_a_line_each_and_nothing_is_done(run, tmp_path, command):
    result = run(*command, HUBBUB_PORT="x", HUBBUB_DRAIN_S="-1", HUBBUB_PROT="1")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "HUBBUB_PROT: there is no such setting; did you mean HUBBUB_PORT?",
        'HUBBUB_PORT: must be a whole number, not "x".',
        'HUBBUB_DRAIN_S: must be 0 or more, not "-1".',
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_dotenv_in_the_folder_counts(run, tmp_path):
    (tmp_path / ".env").write_text("HUBBUB_PORT=x\n")

    assert run("config").stderr == 'HUBBUB_PORT: must be a whole number, not "x".\n'
