"""With HUBBUB_LOG_FORMAT=json every line of `serve` and `worker` is JSON in every situation."""

import json
import os
import signal
import subprocess
import sys

import pytest

# The real command, with a failure injected once it listens.
TROUBLE = """
import asyncio, gc, logging, sys, threading, warnings
from hubbub.cli import main, process

class Bad:
    def __del__(self):
        raise KeyError("unraisable")

class Loop:
    def __init__(self):
        self.me = self

async def fails():
    raise KeyError("task")

def trouble(settings, app):
    warnings.warn("a warning")
    logging.getLogger("hubbub").info("%d bad arguments", "x")
    logging.getLogger("another").warning("from a library\\nin two lines")
    threading.Thread(target=lambda: {}["thread"]).start()
    Bad()
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: {}["callback"])
    asyncio.ensure_future(fails())
    loop.call_later(0.2, gc.collect)
    loop.call_later(0.3, app.stopped.set) if hasattr(app, "stopped") else None
    welcome(settings, app)

welcome, process._print_dev_info = process._print_dev_info, trouble
sys.argv[0] = "hubbub"
main()
"""
CRASH = """
import sys
from hubbub.cli import main, process

async def crash(settings):
    raise KeyError("crash")

process.serve = process.run_worker = crash
main()
"""


def start(tmp_path, *arguments, program="from hubbub.cli import main; main()", **variables):
    given = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
    settings = {"HUBBUB_DATA_DIR": str(tmp_path), "HUBBUB_LOG_FORMAT": "json", **variables}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={**given, **settings},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def objects(text):
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    return lines


def test_every_line_is_json_with_all_kinds_of_failures(tmp_path):
    process = start(tmp_path, "serve", "--port", "0", program=TROUBLE)
    said = ""
    for line in process.stdout:
        said += line
        if "Task exception was never retrieved" in line:
            break
    process.send_signal(signal.SIGTERM)
    said += process.communicate(timeout=30)[0]

    messages = [line["message"] for line in objects(said)]
    assert process.returncode == 0
    for part in (
        *("a warning", "can't be formatted", "from a library\nin two lines", "ends a thread", "was ignored"),
        *("Exception in callback", "Task exception was never retrieved", "development admin"),
        *("listening", "stopped"),
    ):
        assert any(part in message for message in messages), part
    assert (tmp_path / "admin_password").read_text().strip() not in said


def test_a_crash_is_logged_as_json(tmp_path):
    process = start(tmp_path, "serve", program=CRASH)

    (line,) = objects(process.communicate(timeout=30)[0])

    assert process.returncode == 1
    assert "KeyError: 'crash'" in line["exception"]


WRONG = {
    "an option": (["serve", "--port", "web"], {}, 2, "'web' is not a valid integer"),
    "an argument": (["worker", "more"], {}, 2, "unexpected extra argument"),
    "a setting": (["serve"], {"HUBBUB_PROT": "1"}, 2, "HUBBUB_PROT: there is no such setting"),
    "production": (["worker"], {"HUBBUB_ENV": "production"}, 2, "HUBBUB_PUBLIC_URL: is required"),
    "the database": (
        ["worker"],
        {"HUBBUB_DATABASE_URL": "postgres://hub@127.0.0.1:1/hub"},
        1,
        "PostgreSQL at 127.0.0.1:1/hub can't be reached",
    ),
    "the address": (["serve", "--host", "192.0.2.1"], {}, 1, "192.0.2.1:8000 is no address of this machine"),
}


@pytest.mark.parametrize(("arguments", "variables", "code", "text"), WRONG.values(), ids=WRONG)
def test_a_failed_start_is_logged_as_json(run, arguments, variables, code, text):
    result = run(*arguments, HUBBUB_LOG_FORMAT="json", **variables)

    lines = objects(result.output)
    assert result.exit_code == code
    assert text in lines[0]["message"]
    assert {line["level"] for line in lines} == {"critical"}
