"""URLs in settings. Each mistake is a ValueError with one sentence.

A URL may contain a password. Therefore no message repeats any part of it.
"""

import os
import re
from pathlib import Path, PurePath
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from hubbub.core.client_ip import is_ip_address

ESCAPE_HINT = "write @ : / ? # in a user or a password as %40 %3A %2F %3F %23"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
MAX_HOST_CHARS = 253
MAX_PORT = 65535
SENTINEL_PORT = 26379
# The allowed parameters. hubbub sets the others itself, or ignores them.
_REDIS_OPTIONS = ("db",)
_REDIS_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
_OPTION_CHOICES = {
    "ssl_cert_reqs": ("none", "optional", "required"),
    "ssl_check_hostname": ("true", "false", "yes", "no", "1", "0"),
    "path_style": ("true", "false"),
}
_SESSION_ATTRS = ("any", "primary", "read-write")  # the values of target_session_attrs that allow writes
_FILE_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


class Server(NamedTuple):
    """A host, without brackets, and a port; None if the URL has none."""

    host: str
    port: int | None


class Url(NamedTuple):
    """The parts of a URL, with percent-escapes decoded except in `parts`."""

    parts: SplitResult
    servers: list[Server]
    user: str | None
    password: str | None
    options: dict[str, str]


def parse(text: str, schemes: tuple[str, ...], example: str) -> Url:
    """Return the parts of a URL with any number of hosts, including none. Raises ValueError."""
    if _CONTROL_CHARACTERS.search(text):
        raise ValueError("must not contain spaces or control characters")
    try:
        text.encode()
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"is not a URL: check the brackets; {ESCAPE_HINT}") from None
    if parts.scheme not in schemes or not text[len(parts.scheme) :].startswith("://"):
        raise ValueError(f"must be a URL like {example}")
    if "#" in text:
        raise ValueError(f"must not contain a #; {ESCAPE_HINT}")
    if _BAD_ESCAPE.search(text):
        raise ValueError("contains a % that is not followed by two hexadecimal digits; write it as %25")
    login, _, hosts = parts.netloc.rpartition("@")
    user, colon, password = login.partition(":")
    if "@" in login or ":" in password:
        raise ValueError(f"has more than one @ or : before its host; {ESCAPE_HINT}")
    first_port = 0 if parts.scheme.startswith("http") else 1
    return Url(
        parts,
        servers=[_parse_server(each, first_port) for each in hosts.split(",")] if hosts else [],
        user=unquote(user) if user else None,
        password=unquote(password) if colon else None,
        options=_parse_options(parts.query),
    )


def _parse_options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    if query and (len(pairs) != len(query.split("&")) or not all(name for name, _ in pairs)):
        raise ValueError("has a parameter without a name after its ?")
    if duplicates := sorted({name for name, _ in pairs if [each for each, _ in pairs].count(name) > 1}):
        raise ValueError(f"has the parameter {duplicates[0][:40]!r} twice")
    return dict(pairs)


def _parse_server(text: str, first_port: int) -> Server:
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not is_ip_address(host):
            raise ValueError("has brackets around something other than an IPv6 address")
        port = rest[1:]
        colon = bool(rest)
    else:
        host, separator, port = text.partition(":")
        colon = bool(separator)
        if ":" in port:
            raise ValueError("has more than one : in a host; put an IPv6 address into brackets")
    if not host:
        raise ValueError("lacks the name of a host")
    check_host(host)
    if colon and not (_is_number(port, max_digits=5) and first_port <= int(port) <= MAX_PORT):
        raise ValueError(f"has a port that is not a number from 1 to 65535; {ESCAPE_HINT}")
    return Server(unquote(host), int(port) if colon else None)


def check_host(host: str) -> None:
    """Raise ValueError unless `host` is an IP address, a host name or the folder of a Unix socket."""
    if is_ip_address(host) or host.startswith(("%2F", "%2f")):
        return
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    labels = name.removesuffix(".").split(".")
    if len(name) > MAX_HOST_CHARS or not all(_HOST_LABEL.fullmatch(each) for each in labels):
        raise ValueError("has a host that is neither a host name nor an IP address")


def _is_number(text: str, max_digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= max_digits


def _require_host(url: Url, example: str) -> None:
    if not url.servers:
        raise ValueError(f"must be a URL like {example}")
    if len(url.servers) > 1:
        raise ValueError("names several hosts; only one is allowed")
    if url.servers[0].host.startswith("/"):
        raise ValueError("has a host that is neither a host name nor an IP address")


def _require_options(url: Url, allowed: tuple[str, ...]) -> None:
    for name, value in url.options.items():
        if name not in allowed:
            hint = f"allowed are {', '.join(allowed)}" if allowed else "none is allowed"
            raise ValueError(f"has the unknown parameter {name[:40]!r} after its ?; {hint}")
        if name in _OPTION_CHOICES and value.lower() not in _OPTION_CHOICES[name]:
            raise ValueError(f"has a wrong {name}: it is one of {', '.join(_OPTION_CHOICES[name])}")
        if name in _FILE_OPTIONS and not os.access(value, os.R_OK):
            raise ValueError(f"has a {name} that names an unreadable file")


def _require_path(url: Url, *allowed: str) -> None:
    if url.parts.path not in allowed:
        raise ValueError("must end after the host and the port")


def host(value: object) -> str:
    """Validate the IP address or host name to listen on."""
    text = _text(value)
    if not text or _CONTROL_CHARACTERS.search(text) or text.startswith("%"):
        raise ValueError("must be an IP address or a host name")
    check_host(text)
    return text


def database(value: object) -> str:
    """Validate `postgres://user:password@host:port/name`, with one or several hosts, or `sqlite://path`."""
    example, text = "postgres://user:password@host/name", _text(value)
    if text.startswith("sqlite:"):
        if not text.removeprefix("sqlite:").removeprefix("//").strip("/"):
            raise ValueError(f"must be a URL like {example}")
        if "?" in text or "#" in text:
            raise ValueError("of SQLite is a path without parameters; write ? # in a name as %3F %23")
        if re.search(r"[\x00-\x1f\x7f]", unquote(text)):
            raise ValueError("must not contain control characters")
        if not text.startswith("sqlite://"):
            raise ValueError("of SQLite begins with sqlite:// and is followed by a path")
        return text
    url = parse(text, ("postgres", "postgresql"), example)
    if not (url.servers or url.parts.path.strip("/")):
        raise ValueError(f"must be a URL like {example}")
    cache_size = url.options.get("statement_cache_size", "0")
    if not _is_number(cache_size, max_digits=6):
        raise ValueError("has a statement_cache_size that is not a number")
    if url.options.get("target_session_attrs", _SESSION_ATTRS[0]) not in _SESSION_ATTRS:
        raise ValueError(f"has a wrong target_session_attrs: it is one of {', '.join(_SESSION_ATTRS)}")
    return text


def redis(value: object) -> str | None:
    """Validate `redis://`, `rediss://`, `redis+sentinel://…/service/0` or `redis+cluster://`."""
    if value is None:
        return None
    example, text = "redis://host:6379/0", _text(value)
    url = parse(text, ("redis", "rediss", "redis+sentinel", "redis+cluster"), example)
    path = url.parts.path.removesuffix("/").removeprefix("/")
    if url.parts.scheme == "redis+sentinel":
        if not url.servers:
            raise ValueError("must be a URL like redis+sentinel://host:26379,host:26379/service/0")
        service, _, path = path.partition("/")
        if url.parts.path.strip("/") and not service:
            raise ValueError("must name a service after the hosts, like /mymaster/0")
        _require_options(url, ())
    else:
        _require_host(url, example)
        has_tls = url.parts.scheme == "rediss"
        _require_options(url, (*_REDIS_OPTIONS, *_REDIS_TLS_OPTIONS) if has_tls else _REDIS_OPTIONS)
    for number in (path, url.options.get("db", "")):
        if number and not _is_number(number, max_digits=5):
            raise ValueError("must end with the number of a database, like /0")
    if url.parts.scheme == "redis+cluster" and (int(path or 0) or int(url.options.get("db") or 0)):
        raise ValueError("of a cluster allows only the database 0")
    return text


def smtp(value: object) -> str | None:
    """Validate `smtp://user:password@host:port`, `smtps://…`, or `off`."""
    text = "" if value is None else _text(value)
    if text.lower() == "off":
        return "off"
    if value is None:
        return None
    example = "smtp://user:password@host:587, or off"
    url = parse(text, ("smtp", "smtps"), example)
    _require_host(url, example)
    _require_path(url, "", "/")
    _require_options(url, ())
    if url.password is not None and url.user is None:
        raise ValueError(f"has a password but no user; {ESCAPE_HINT}")
    return text


def storage(value: object) -> str:
    """Validate `file:///absolute/folder` or `s3://bucket/prefix?region=…&endpoint=https://…&path_style=true`."""
    example, text = "file:///srv/uploads", _text(value)
    if text.startswith("file:"):
        parts = urlsplit(text)
        if not text.startswith("file://") or not (parts.netloc or parts.path.strip("/")):
            raise ValueError(f"must be a URL like {example}")
        if parts.query or parts.fragment or re.search(r"[\x00-\x1f\x7f]", unquote(text)):
            raise ValueError("of a folder has no ?, no # and no control characters")
        return text
    url = parse(text, ("file", "s3"), example)
    if len(url.servers) != 1 or url.servers[0].port is not None or "@" in url.parts.netloc:
        raise ValueError("must name a bucket, like s3://bucket/prefix?region=eu-central-1")
    _require_options(url, ("region", "endpoint", "path_style"))
    if (endpoint := url.options.get("endpoint")) is not None:
        _require_host(parse(endpoint, ("http", "https"), "endpoint=https://host"), "endpoint=https://host")
    return text


def site(value: object, example: str = "https://chat.example") -> str | None:
    """Validate the URL of a site and return it without a slash at its end."""
    if value is None:
        return None
    text = _text(value)
    url = parse(text, ("http", "https"), example)
    _require_host(url, example)
    if url.parts.query or "?" in text or "@" in url.parts.netloc:
        raise ValueError("is a URL without a user, a password and a ?")
    return text.rstrip("/")


def origin(text: str) -> str:
    """Validate an origin as browsers send it, or `*`."""
    if text == "*":
        return text
    message = f'must be origins like https://chat.example, or *; "{text}" is not one'
    try:
        url = parse(text, (urlsplit(text).scheme,), "")
    except ValueError:
        raise ValueError(message) from None
    if not url.parts.scheme or len(url.servers) != 1 or url.parts.path or "?" in text or "@" in text:
        raise ValueError(message)
    return text


def file_path(url: str) -> Path:
    """Return the path of a `file://` URL. Without a leading slash it is relative to the working directory."""
    path = url.partition("://")[2]
    return Path(unquote(path.removeprefix("localhost") if path.startswith("localhost/") else path))


def file_url(scheme: str, path: PurePath) -> str:
    """Return the URL of a file, with the characters that would end its path escaped."""
    text = str(path).replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    return f"{scheme}://{text}"


def _text(value: object) -> str:
    return str(value).strip()
