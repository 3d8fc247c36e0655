"""`hubbub serve`: start, stop, and reasons for refusing to start."""

import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing

import pytest

from tests.support.production_settings import PRODUCTION_ENVIRONMENT


@pytest.fixture
def serve(tmp_path):
    """Start `hubbub serve` as a process. Returns it once it listens."""
    started = []

    def serve(*arguments, before=(), **variables):
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "hubbub", "serve", "--port", "0", *arguments],
            env={**os.environ, "HUBBUB_DATA_DIR": str(tmp_path), "HUBBUB_LOG_FORMAT": "json", **variables},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "listening" in line:
                break
        return process, lines

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def url_of(lines):
    return re.search(r"http://[0-9.:]+", lines[-1])[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_serves_and_exits_with_0(serve, number):
    process, lines = serve(HUBBUB_ENV="test")

    with urllib.request.urlopen(f"{url_of(lines)}/health/ready", timeout=10) as answer:
        assert answer.status == 200
    process.send_signal(number)

    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


def test_the_server_raises_the_limit_of_open_files(serve):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = ["sh", "-c", 'ulimit -S -n 256 && exec "$0" "$@"']

    process, lines = serve(HUBBUB_ENV="test", before=command)

    assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    assert json.loads(lines[-1])["open_files"] == hard


def test_development_prints_the_url_and_the_login(serve, tmp_path):
    process, lines = serve(HUBBUB_LOG_FORMAT="console")
    process.send_signal(signal.SIGTERM)

    out, _ = process.communicate(timeout=20)

    assert f"{url_of(lines)}/" in out
    assert "admin@hubbub.local" in out
    assert (tmp_path / "admin_password").read_text().strip() in out


def test_production_prints_nothing_to_standard_output(serve):
    process, _ = serve(**PRODUCTION_ENVIRONMENT)
    process.send_signal(signal.SIGTERM)

    out, _ = process.communicate(timeout=20)

    assert out == ""


def test_a_port_in_use_is_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = run("serve", "--port", port)

    assert result.exit_code == 1
    assert (
        result.stderr
        == f"127.0.0.1:{port} is in use: stop the process that listens there, or set HUBBUB_PORT.\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_ip_address_of_another_machine_is_one_line(run, host):
    result = run("serve", "--host", host, "--port", "0")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.endswith("is no address of this machine: set HUBBUB_HOST.")


def test_a_postgres_that_is_not_migrated_is_one_line_with_the_remedy(run, databases, tmp_path):
    url = databases.create_empty("postgres", tmp_path)

    result = run("serve", "--port", "0", HUBBUB_DATABASE_URL=url)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.endswith("Run: hubbub migrate")
    databases.release(url)


def test_an_unavailable_postgres_is_one_line(run):
    result = run("serve", "--port", "0", HUBBUB_DATABASE_URL="postgres://hub:s3cret@127.0.0.1:1/hub")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "127.0.0.1:1" in line
    assert "s3cret" not in line


def test_a_file_that_is_not_a_database_is_one_line(run, tmp_path):
    (tmp_path / "hubbub.db").write_text("this is a letter, not a database " * 100)

    result = run("serve", "--port", "0")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "hubbub.db" in line


@pytest.mark.parametrize("port", ["70000", "-1", "web"])
def test_an_invalid_port_is_refused(run, port):
    assert run("serve", "--port", port).exit_code == 2


# --- one process serves a SQLite database ---


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"], ["scheduler"]])
def test_a_second_process_on_an_sqlite_database_is_refused_with_one_line(serve, run, command):
    process, _ = serve(HUBBUB_ENV="test")

    result = run(*command)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert f"hubbub.db is in use by hubbub serve, process {process.pid}" in line


@pytest.mark.parametrize(
    "command",
    [
        ["migrate", "status"],
        ["migrate"],
        ["create-admin", "a@example.org"],
        ["seed", "--no-pictures", "--users", "1", "--rooms", "1", "--messages", "1"],
    ],
)
def test_other_commands_run_while_the_server_runs(serve, run, command):
    serve(HUBBUB_ENV="test")

    assert run(*command, stdin="correct horse battery\n").exit_code == 0


def test_the_server_starts_again_after_a_kill(serve, tmp_path):
    process, _ = serve(HUBBUB_ENV="test", HUBBUB_INSTANCE_ID="one")
    process.kill()
    process.wait()

    process, lines = serve(HUBBUB_ENV="test", HUBBUB_INSTANCE_ID="one")

    assert json.loads(lines[-1])["message"] == "listening"
    assert _rows(tmp_path) == [("one", "serve")]
    process.terminate()
    process.wait(20)
    assert _rows(tmp_path) == []


def _rows(folder):
    with closing(sqlite3.connect(folder / "hubbub.db")) as database:
        return database.execute("SELECT id, kind FROM processes").fetchall()


# --- several processes on PostgreSQL ---


@pytest.mark.soak  # two renewals, 5 s each. tests/services/instance/test_processes.py tests the same faster
def test_an_instance_that_does_not_match_the_others_is_refused_with_one_line(serve, run, databases, tmp_path):
    url = databases.create_migrated("postgres", tmp_path)
    given = {"HUBBUB_ENV": "test", "HUBBUB_DATABASE_URL": url, "HUBBUB_INSTANCE_ID": "one"}
    serve(**given)

    same_id = run("serve", "--port", "0", **given)
    other_key = run("worker", **given, HUBBUB_SECRET_KEY="of-another-deployment-for-tests-only")

    assert [each.exit_code for each in (same_id, other_key)] == [1, 1]
    assert same_id.stderr.splitlines()[-1].startswith("HUBBUB_INSTANCE_ID: serve one is already running.")
    assert other_key.stderr.splitlines()[-1].startswith("HUBBUB_SECRET_KEY: serve one uses a different key.")
    databases.release(url)


def test_files_of_the_server_are_private_with_any_umask(serve, tmp_path):
    folder = tmp_path / "var"
    before = os.umask(0)
    try:
        serve(HUBBUB_ENV="development", HUBBUB_DATA_DIR=str(folder), HUBBUB_BCRYPT_ROUNDS="4")
    finally:
        os.umask(before)

    made = [folder, *folder.rglob("*")]
    assert {"hubbub.db", "hubbub.db-wal", "hubbub.db-shm", "secret_key"} <= {path.name for path in made}
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_it_imports_no_package_that_it_does_not_use(serve):
    """Python-socketio imports them where they are installed, as here."""
    process, lines = serve(PYTHONPROFILEIMPORTTIME="1")  # whose output names a module `listening`
    while '"listening"' not in lines[-1]:
        lines.append(process.stderr.readline())

    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert "socketio.async_server" in imported
    assert not imported & {"requests.sessions", "urllib3.response", "valkey.client", "redis.client"}
