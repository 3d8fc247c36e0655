"""The command line itself, and invalid settings."""

import os
import re
import subprocess
import sys
import time

import pytest

import hubbub
from hubbub import cli
from tests.support.production_settings import PRODUCTION_ENVIRONMENT

COMMANDS = [
    *(
        "serve",
        "worker",
        "scheduler",
        "migrate",
        "seed",
        "create-admin",
        "disable-two-factor",
        "reencrypt",
        "prove",
    ),
    *("backup", "restore", "epoch", "why", "doctor", "mail", "openapi", "asyncapi", "config"),
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


def test_the_version_is_printed(run):
    assert run("--version").stdout == f"hubbub {hubbub.__version__}\n"


def test_an_unknown_command_is_refused(run):
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
def test_invalid_settings_are_listed_one_per_line_and_nothing_is_done(run, tmp_path, command):
    result = run(*command, HUBBUB_PORT="x", HUBBUB_DRAIN_S="-1", HUBBUB_PROT="1")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "HUBBUB_PROT: there is no such setting; did you mean HUBBUB_PORT?",
        'HUBBUB_PORT: must be a whole number, not "x".',
        'HUBBUB_DRAIN_S: must be 0 or more, not "-1".',
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_dotenv_file_in_the_folder_is_read(run, tmp_path):
    (tmp_path / ".env").write_text("HUBBUB_PORT=x\n")

    assert run("config").stderr == 'HUBBUB_PORT: must be a whole number, not "x".\n'


NEEDED = ["HUBBUB_SECRET_KEY", "HUBBUB_PUBLIC_URL", "HUBBUB_SMTP_URL"]
HARMFUL = {
    "HUBBUB_SECRET_KEY": "x" * 40,
    "HUBBUB_CORS_ORIGINS": "*",
    "HUBBUB_REDIS_URL": "redis://127.0.0.1:1",
    "HUBBUB_BCRYPT_ROUNDS": "9",
}
UNFIT = [*({"unset": name} for name in NEEDED), *({name: value} for name, value in HARMFUL.items())]


def variables(unfit):
    """The variables of production with one mistake in them, and the name of the wrong one."""
    given = {**PRODUCTION_ENVIRONMENT, **unfit}
    missing = given.pop("unset", None)
    given.pop(missing, None)
    return given, missing or next(iter(unfit))


@pytest.mark.parametrize(
    ("queues", "reason"),
    [
        ("mail,letters", "letters: not a queue."),
        (" , ", "none: not a queue."),
        ("Mail", "Mail: not a queue."),
    ],
)
def test_a_worker_refuses_queues_that_do_not_exist(run, queues, reason):
    result = run("worker", "--queues", queues)

    assert result.exit_code == 2
    assert reason in result.stderr
    assert "mail, push, sms, webhooks, notifications, media, exports, maintenance" in result.stderr


@pytest.mark.parametrize("unfit", UNFIT)
@pytest.mark.parametrize("command", ["serve", "worker", "scheduler"])
def test_production_does_not_start_with_an_invalid_setting(run, tmp_path, command, unfit):
    given, name = variables(unfit)

    result = run(command, **given)

    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{name}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("unfit", UNFIT)
@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("migrate", "status"),
        ("create-admin", "root@example.org"),
        ("config",),
        ("openapi",),
        ("asyncapi",),
        ("mail", "preview", "reset_password"),
    ],
)
def test_other_commands_run_with_a_warning(run, command, unfit):
    given, name = variables(unfit)

    result = run(*command, stdin="long enough\n", **given)

    assert result.exit_code == 0
    assert result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"warning: {name}: ")


@pytest.mark.parametrize("unfit", UNFIT)
def test_the_doctor_reports_it(run, unfit):
    given, name = variables(unfit)

    result = run("doctor", **given)

    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("failed  settings ")]
    assert len(failed) == 1
    assert name in failed[0]


def test_secrets_are_not_encrypted_again_without_a_key(run):
    given = {name: value for name, value in PRODUCTION_ENVIRONMENT.items() if name != "HUBBUB_SECRET_KEY"}

    result = run("reencrypt", **given)

    assert result.exit_code == 2
    assert "HUBBUB_SECRET_KEY: is required" in result.stderr


ARGUMENTS = {
    "migrate": ("up",),
    "create-admin": ("root@example.org",),
    "seed": ("--no-pictures", "--users", "1", "--rooms", "1", "--messages", "1"),
    "disable-two-factor": ("root@example.org",),
    "reencrypt": (),
    "backup": ("--to", "backups"),
    "restore": ("backups/FOLDER", "--yes"),
    "epoch": ("new",),
    "why": ("00000000-0000-7000-8000-000000000000",),
    "doctor": (),
    "config": (),
    "openapi": (),
    "asyncapi": (),
    "mail": ("preview", "reset_password", "--html", "page.html"),
}
PROCESSES = {"serve", "worker", "scheduler"}  # see test_serve.py
OF_OTHERS = {"prove"}  # as root, it starts servers that run as another user and read its files


def test_files_of_commands_are_private_with_any_umask(run, tmp_path):
    folder = tmp_path / "a" / "var"
    assert set(cli.COMMANDS) == {*ARGUMENTS, *PROCESSES, *OF_OTHERS}
    for name, arguments in ARGUMENTS.items():
        os.umask(0)
        secret = "k7Qm2Vx9Tr4Lw8Zp3Nc6Hd5Jg1Bf0YsAeUiOk" if name == "migrate" else ""
        backups = [each.name for each in tmp_path.glob("backups/hubbub-*")]
        given = [each.replace("FOLDER", "".join(backups)) for each in arguments]
        run(name, *given, stdin="long enough\n", HUBBUB_DATA_DIR=str(folder), HUBBUB_SECRET_KEY=secret)

    made = [*tmp_path.rglob("*")]
    assert any("hubbub-" in path.name for path in made)
    assert {"hubbub.db", "secret_key", "sample_password"} <= {path.name for path in made}
    assert [path for path in made if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("command", ["serve", "worker", "scheduler", "doctor"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HUBBUB_REDIS_URL", "redis://127.0.0.1:6379/0?x=1"),
        ("HUBBUB_REDIS_URL", "redis+sentinel://a:x/service"),
        ("HUBBUB_DATABASE_URL", "postgres://u:s3cret@a:5432,b:x/d"),
        ("HUBBUB_SMTP_URL", "smtp://u:s3cret@h:port"),
        ("HUBBUB_STORAGE_URL", "s3://"),
        ("HUBBUB_PUBLIC_URL", "https://a b"),
        ("HUBBUB_CORS_ORIGINS", "https://a.example/path"),
        ("HUBBUB_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("HUBBUB_HOST", "http://127.0.0.1"),
    ],
)
def test_an_invalid_url_is_one_line_from_every_command(run, command, name, text):
    result = run(command, **{name: text})

    said = [line for line in result.output.splitlines() if line.strip()]
    assert result.exit_code != 0
    assert len(said) == 1
    assert name in said[0]
    assert "s3cret" not in said[0]
