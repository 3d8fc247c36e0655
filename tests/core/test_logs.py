"""Logs: fields, two formats, and masked secrets."""

import asyncio
import io
import json
import logging
import time

import pytest

from hubbub.core import logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhIn0.c2lnbmF0dXJl"
log = logging.getLogger("hubbub.tests")


@pytest.fixture
def written(request: pytest.FixtureRequest) -> io.StringIO:
    stream = io.StringIO()
    logs.setup(getattr(request, "param", "json"), "debug", stream)
    return stream


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


console = pytest.mark.parametrize("written", ["console"], indirect=True)
both = pytest.mark.parametrize("written", ["console", "json"], indirect=True)


def test_a_json_line_has_time_level_logger_message_and_fields(written):
    log.info("socket closed", extra={"code": "draining", "sockets": 3})

    line = json.loads(written.getvalue())

    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "hubbub.tests",
        "message": "socket closed",
        "code": "draining",
        "sockets": 3,
    }


def test_a_json_line_contains_an_exception(written):
    log.error("it failed", exc_info=ValueError("no"))

    line = json.loads(written.getvalue())

    assert line["message"] == "it failed"
    assert "ValueError: no" in line["exception"]
    assert written.getvalue().count("\n") == 1


def test_values_without_a_json_form_are_logged(written):
    log.info("odd \udc80", extra={"what": {1, 2}, "error": ValueError("x")})

    line = json.loads(written.getvalue())

    assert line["what"] == "{1, 2}"


def test_a_field_does_not_replace_a_standard_field(written):
    log.info("here", extra={"level": "mine", "time": "mine"})

    line = json.loads(written.getvalue())

    assert line["level"] == "info"
    assert line["time"] != "mine"


@console
def test_a_console_line_is_short_and_has_its_fields(written):
    log.warning("slow batch", extra={"messages": 500, "user_id": None})

    text = written.getvalue()

    assert text.endswith("warning  slow batch messages=500 hubbub.tests\n")
    assert "\x1b" not in text


@console
def test_an_exception_on_the_console_follows_its_line(written):
    log.error("it failed", exc_info=ValueError("no"))

    lines = written.getvalue().splitlines()

    assert lines[0].endswith("error    it failed hubbub.tests")
    assert lines[-1] == "ValueError: no"


@console
def test_external_text_starts_no_line_and_controls_no_terminal(written):
    log.info("connected", extra={"user_agent": "x\n12:00 error \x1b[31mforged\x07"})

    text = written.getvalue()

    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_terminal_has_colours():
    stream = Terminal()
    logs.setup("console", "info", stream)

    log.error("broken", extra={"part": "bus"})

    assert "\x1b[31merror" in stream.getvalue()


def test_bound_fields_are_on_every_line_of_their_scope(written):
    with logs.bind(request_id="r1", user_id="u1"):
        with logs.bind(session_id="s1"):
            log.info("inner")
        log.info("outer")
    log.info("after")

    inner, outer, after = map(json.loads, written.getvalue().splitlines())

    assert (inner["request_id"], inner["user_id"], inner["session_id"]) == ("r1", "u1", "s1")
    assert "session_id" not in outer
    assert outer["request_id"] == "r1"
    assert "request_id" not in after


async def test_bound_fields_stay_in_their_task(written):
    async def say(name):
        logs.bind(request_id=name)
        await asyncio.sleep(0)
        log.info("said by %s", name)

    await asyncio.gather(say("one"), say("two"))

    lines = map(json.loads, written.getvalue().splitlines())
    assert [(line["message"], line["request_id"]) for line in lines] == [
        ("said by one", "one"),
        ("said by two", "two"),
    ]


@both
@pytest.mark.parametrize(
    "message",
    [
        f"got {JWT}",
        "GET /socket.io/?token=s3cr3t-thing&EIO=4",
        "packet {'token': 's3cr3t-thing', 'x': 1}",
        'body {"refresh_token":"s3cr3t-thing","password": "s3cr3t-thing"}',
        "Authorization=Bearer s3cr3t-thing",
        "the key hub_0123456789ab_s3cr3t-thing_of-a-program is sent",
        "cannot reach postgres://hub:s3cr3t-thing@host/db",
    ],
)
def test_no_secret_is_written(written, message):
    log.info(message, extra={"seen": message})
    log.error("failed", exc_info=ValueError(message))

    text = written.getvalue()

    assert "s3cr3t-thing" not in text
    assert JWT.split(".")[1] not in text
    assert "***" in text


@both
def test_a_field_with_the_name_of_a_secret_is_masked(written):
    log.info("login", extra={"access_token": "plain words", "user_id": "u1"})

    assert "plain words" not in written.getvalue()
    assert "u1" in written.getvalue()


def test_ordinary_words_about_tokens_are_kept():
    text = "The access token has run out: token expired"

    assert logs.mask_secrets(text) == text


def test_nothing_is_written_below_the_level():
    stream = io.StringIO()
    logs.setup("json", "warning", stream)

    log.info("quiet")
    log.warning("loud")

    assert len(stream.getvalue().splitlines()) == 1


def test_libraries_are_logged_from_warning_on(written):
    for name in ("aiohttp.access", "tortoise.db_client", "socketio.server", "engineio.server"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("%s warns", name)

    messages = [json.loads(line)["message"] for line in written.getvalue().splitlines()]

    assert messages == [
        "aiohttp.access warns",
        "tortoise.db_client warns",
        "socketio.server warns",
        "engineio.server warns",
    ]


def test_repeated_library_lines_are_truncated_and_counted(written, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(logs.clock, "monotonic", lambda: now[0])
    noisy = logging.getLogger("engineio.server")

    for number in range(20):
        noisy.warning("bad packet from %s", number)
    now[0] += logs.REPEAT_WINDOW_S
    noisy.warning("bad packet from %s", "another")
    now[0] += logs.REPEAT_WINDOW_S
    noisy.warning("bad packet from %s", "yet another")

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert len(lines) == logs.MAX_REPEATS + 2
    assert lines[-2]["repeats_left_out"] == 20 - logs.MAX_REPEATS
    assert "repeats_left_out" not in lines[-1]


def test_ever_new_library_messages_use_bounded_memory(written):
    repeats = logs.RepeatFilter()

    for number in range(5000):
        repeats.filter(logging.makeLogRecord({"name": "noisy", "msg": f"message {number}"}))

    assert len(repeats._seen) <= 1001


def test_lines_of_hubbub_are_never_limited(written):
    for _ in range(20):
        log.warning("again")

    assert len(written.getvalue().splitlines()) == 20


def test_a_second_setup_replaces_the_first(written):
    other = io.StringIO()
    logs.setup("json", "info", other)

    log.info("once")

    assert written.getvalue() == ""
    assert len(other.getvalue().splitlines()) == 1


def test_socketio_adds_no_handler_of_its_own(written, monkeypatch):
    import socketio

    for name in ("socketio.server", "engineio.server"):  # an earlier test may have had no level
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])

    socketio.AsyncServer(async_mode="aiohttp")

    assert logging.getLogger("socketio.server").handlers == []
    assert logging.getLogger("engineio.server").handlers == []


def test_the_source_of_a_line_can_be_logged(written):
    log.info("here", stack_info=True)

    assert "test_the_source_of_a_line_can_be_logged" in json.loads(written.getvalue())["exception"]


@pytest.mark.parametrize(
    "part", ["token", "tokentoken=", "eyJaaaa-", "eyJaaaa.", "://a:b", "://", "secret\\", "a=", "x-api_key:'"]
)
def test_hostile_text_takes_linear_time(part):
    text = part * (100_000 // len(part))

    began = time.perf_counter()
    logs.mask_secrets(text)

    assert time.perf_counter() - began < 2  # 0.01 to 0.03 s on an idle machine; minutes if it were quadratic
