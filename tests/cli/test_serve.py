"""`hubbub serve`: starting, stopping, and why it does not start."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest


@pytest.fixture
def serve(tmp_path):
    """Start `hubbub serve` as a process; returns it once it says that it listens."""
    started = []

    def serve(*arguments, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "hubbub", "serve", "--port", "0", *arguments],
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
            if '"listening"' in line:
                break
        return process, lines

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def url_of(lines):
    return next(word for word in lines[-1].split('"') if word.startswith("http://"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_with_0(serve, number):
    process, lines = serve(HUBBUB_ENV="test")

    with urllib.request.urlopen(f"{url_of(lines)}/health/ready", timeout=10) as answer:
        assert answer.status == 200
    process.send_signal(number)

    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


def test_a_developer_is_told_where_to_go_and_how_to_log_in(serve, tmp_path):
    process, lines = serve()
    process.send_signal(signal.SIGTERM)

    out, _ = process.communicate(timeout=20)

    assert f"{url_of(lines)}/" in out
    assert "admin@hubbub.local" in out
    assert (tmp_path / "admin_password").read_text().strip() in out


def test_production_says_nothing_on_standard_output(serve):
    process, _ = serve(HUBBUB_ENV="production", HUBBUB_SECRET_KEY="0123456789" * 4)
    process.send_signal(signal.SIGTERM)

    out, _ = process.communicate(timeout=20)

    assert out == ""


def test_a_taken_port_is_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = run("serve", "--port", port)

    assert result.exit_code == 1
    assert result.stderr == f"127.0.0.1:{port} is taken: stop what listens there, or set HUBBUB_PORT.\n"


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_one_line(run, host):
    result = run("serve", "--host", host, "--port", "0")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.endswith("is no address of this machine: set HUBBUB_HOST.")


def test_a_postgres_that_is_not_migrated_is_one_line_with_the_remedy(run, databases, tmp_path):
    url = databases.empty("postgres", tmp_path)

    result = run("serve", "--port", "0", HUBBUB_DATABASE_URL=url)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.endswith("Run: hubbub migrate")
    databases.drop(url)


def test_a_postgres_that_is_away_is_one_line(run):
    result = run("serve", "--port", "0", HUBBUB_DATABASE_URL="postgres://hub:s3cret@127.0.0.1:1/hub")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "127.0.0.1:1" in line
    assert "s3cret" not in line


def test_a_file_that_is_no_database_is_one_line(run, tmp_path):
    (tmp_path / "hubbub.db").write_text("this is a letter, not a database " * 100)

    result = run("serve", "--port", "0")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "hubbub.db" in line


@pytest.mark.parametrize("port", ["70000", "-1", "web"])
def test_a_port_that_is_none_is_refused(run, port):
    assert run("serve", "--port", port).exit_code == 2
