"""Logs: a constant sentence and its fields, as text or JSON lines, without secrets."""

import json
import logging
import re
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from hubbub.core import clock

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

log = logging.getLogger(__name__)

# The lowest level of libraries: below it they log queries with users' texts, or every packet.
LIBRARY_LEVEL = logging.WARNING
# A repeated line of a library is logged at most this often in that many seconds.
MAX_REPEATS, REPEAT_WINDOW_S = 5, 10.0

_context_fields: ContextVar[Mapping[str, object]] = ContextVar("hubbub_log_fields")
_STANDARD_ATTRIBUTES = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
# All three take time linear in the text, which may be a client's User-Agent.
_JWT = re.compile(r"\beyJ[\w-]{4,300}+\.[\w-]{4,}+(?:\.[\w-]*)?")
_API_KEY = re.compile(r"\b(hub_[0-9a-f]{12}_)[\w-]{20,100}+")  # an API key, whose prefix is not secret
_SECRET_NAMES = ("token", "password", "secret", "authorization", "api_key")
# `token=x` in a URL, `'token': 'x'` in a dict, `"password":"x"` in JSON, also in JSON within JSON.
_NAMED_SECRET = re.compile(
    rf"((?:{'|'.join(_SECRET_NAMES)})\w{{0,20}}(?:=|\\?[\"']\s*[:=]\s*\\?[\"'])(?:bearer\s+)?)"
    r"[^\s\"'&,;)}\\]+",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(://[^/?#@\s:\"']*):[^/?#@\s\"']+@")
_CONTROL_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}


class bind:  # noqa: N801 - read as a verb: `with bind(request_id=…)`
    """Add fields to every log line of this context from here on; as a context manager, until its end."""

    def __init__(self, **fields: object) -> None:
        self._token: Token[Mapping[str, object]] = _context_fields.set({**_context_fields.get({}), **fields})

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _context_fields.reset(self._token)


def setup(style: str, level: str, stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error) as `console` or `json`. Safe to call again: the last call applies."""
    stream = stream or sys.stderr
    handler = _HubbubHandler(stream)
    handler.addFilter(RepeatFilter())
    handler.setFormatter(JsonFormatter() if style == "json" else ConsoleFormatter(coloured=stream.isatty()))
    root = logging.getLogger()
    for previous in [one for one in root.handlers if isinstance(one, _HubbubHandler)]:
        root.removeHandler(previous)
    root.addHandler(handler)
    own_level = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(own_level, LIBRARY_LEVEL))
    logging.getLogger("hubbub").setLevel(own_level)
    for name in ("socketio.server", "engineio.server"):
        # With a level of their own, these libraries do not add a handler.
        logging.getLogger(name).setLevel(max(own_level, LIBRARY_LEVEL))
    logging.captureWarnings(capture=True)


def log_uncaught() -> None:
    """Log exceptions that nothing catches, in any thread, instead of printing them."""

    def on_exception(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log.critical("an exception ends the process", exc_info=(kind, error or kind(), trace))

    def on_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_type is not SystemExit:
            error = found.exc_value or found.exc_type()
            log.error("an exception ends a thread", exc_info=(found.exc_type, error, found.exc_traceback))

    def on_unraisable(found: "UnraisableHookArgs") -> None:
        error = found.exc_value or found.exc_type()
        fields = {"where": repr(found.object)[:200], "why": found.err_msg}
        log.error(
            "an exception was ignored", exc_info=(found.exc_type, error, found.exc_traceback), extra=fields
        )

    sys.excepthook, threading.excepthook, sys.unraisablehook = on_exception, on_thread, on_unraisable


def mask_secrets(text: str) -> str:
    """Return the text with tokens, and passwords that are named as such, replaced by `***`."""
    # Most lines contain nothing of the kind. These checks take a tenth of the time of the expressions.
    if "eyJ" in text:
        text = _JWT.sub("***", text)
    if "hub_" in text:
        text = _API_KEY.sub(r"\1***", text)
    lower = text.lower()
    if any(word in lower for word in _SECRET_NAMES):
        text = _NAMED_SECRET.sub(r"\1***", text)
    return _URL_PASSWORD.sub(r"\1:***@", text) if "://" in text else text


class _HubbubHandler(logging.StreamHandler[TextIO]):
    """hubbub's handler of the root logger."""

    _reporting_failure = False  # a line about a failed line is being written

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Write a line about one that can't be formatted. If that fails, too, the stream is the cause."""
        kind = sys.exc_info()[0]
        if kind is None or self._reporting_failure:
            return
        fields = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname}
        message = f"a log line can't be formatted: {record.msg!r:.200}: {kind.__name__}"
        self._reporting_failure = True
        try:
            self.emit(logging.makeLogRecord({**fields, "msg": message}))
        finally:
            self._reporting_failure = False


class RepeatFilter(logging.Filter):
    """Limits repeated lines of libraries. hubbub's own lines all pass."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # line → start of its window, count

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("hubbub"):
            return True
        key, now = (record.name, str(record.msg)[:200]), clock.monotonic()
        window_start, count = self._seen.get(key, (now, 0))
        if now - window_start >= REPEAT_WINDOW_S:
            if count > MAX_REPEATS:
                record.repeats_left_out = count - MAX_REPEATS
            window_start, count = now, 0
        if len(self._seen) > 1000:  # noqa: PLR2004 - messages that contain data; bounded memory
            self._seen.clear()
        self._seen[key] = (window_start, count + 1)
        return count < MAX_REPEATS


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, the fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": clock.rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in _fields(record).items():
            line.setdefault(name, value)
        if trace := _format_trace(self, record):
            line["exception"] = trace
        return mask_secrets(json.dumps(line, default=str))


class ConsoleFormatter(logging.Formatter):
    """Lines for humans. The traceback of an exception follows on lines of its own."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured  # with ANSI colours, for a terminal

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        level = record.levelname.lower()
        parts = [
            self._colorize(f"{time}.{int(record.msecs):03d}", "2"),
            self._colorize(f"{level:<8}", _COLOURS.get(level, "0")),
            _sanitize(record.getMessage()),
            *(
                self._colorize(f"{name}=", "2") + _sanitize(value)
                for name, value in _fields(record).items()
                if value is not None
            ),
            self._colorize(record.name, "2"),
        ]
        line = " ".join(parts)
        trace = _format_trace(self, record)
        return f"{line}\n{mask_secrets(trace)}" if trace else line

    def _colorize(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields of the context and then those of the line itself."""
    fields = {
        **_context_fields.get({}),
        **{name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES},
    }
    return {name: "***" if _is_secret(name) else value for name, value in fields.items()}


@lru_cache(maxsize=1000)
def _is_secret(field: str) -> bool:
    return any(name in field.lower() for name in _SECRET_NAMES)


def _sanitize(value: object) -> str:
    """Return text without secrets that can't start a new line or control a terminal."""
    return mask_secrets(str(value)).translate(_CONTROL_ESCAPES)


def _format_trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)
