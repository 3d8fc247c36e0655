"""Attacks by long-polling: the packets that a WebSocket may send as well, and attacks that need requests."""

import base64
from collections.abc import Callable

from bench.attacks import wire
from bench.attacks.script import (
    ANY_RESPONSE,
    KEEP_OPEN,
    Attack,
    Script,
    Sleep,
    Steps,
    Target,
    WaitFor,
    idle,
    storm,
)
from bench.attacks.websocket import MAX_PACKET_BYTES, many_lists, quadratic_json, refused_connects
from bench.attacks.wire import frame, repeat_to_size

POLLING = f"{wire.PATH}polling"
HANDSHAKE = wire.request("GET", POLLING)
SID_PATTERN = rb'"sid":"([^"]+)"'


def post_request(sid: str, *packets: str) -> bytes:
    """Build a POST request with packets of a session."""
    return wire.request("POST", f"{POLLING}&sid={sid}", body="\x1e".join(packets).encode())


def poll_request(sid: str) -> bytes:
    """Build a GET request for the packets of a session."""
    return wire.request("GET", f"{POLLING}&sid={sid}")


def repeated_posts(*packets: str, repeats: int = 1, connections: int = 20) -> Callable[[Target], Script]:
    """Send one body repeatedly in each session, many requests at once, with a new session when one ends."""

    def steps(_: int) -> Steps:
        yield HANDSHAKE
        body = post_request((yield WaitFor(SID_PATTERN)), *packets) * repeats
        while True:
            yield body
            yield ANY_RESPONSE

    return lambda _: Script(steps, connections)


def _repeated_requests(request_of: Callable[[str], bytes]) -> Callable[[Target], Script]:
    """Send the same request repeatedly in each session, without waiting for responses."""

    def steps(_: int) -> Steps:
        yield HANDSHAKE
        chunk = repeat_to_size(request_of((yield WaitFor(SID_PATTERN))))
        while True:
            yield chunk

    return lambda _: Script(steps)


def _aborted_requests(request_of: Callable[[str], bytes]) -> Callable[[Target], Script]:
    """Reset the connection of each session after one more request."""

    def steps(_: int) -> Steps:
        yield HANDSHAKE
        yield request_of((yield WaitFor(SID_PATTERN)))
        yield Sleep(0.005)

    return lambda _: Script(steps, 50)


def _chunked_post(sid: str) -> bytes:
    """Build a request whose body has chunks of one byte."""
    head = wire.request("POST", f"{POLLING}&sid={sid}", "Transfer-Encoding: chunked")
    return head + b"1\r\n4\r\n" + b"1\r\nx\r\n" * 10_000


def _slow_body(_: int) -> Steps:
    yield HANDSHAKE
    sid = yield WaitFor(SID_PATTERN)
    yield wire.request("POST", f"{POLLING}&sid={sid}", "Content-Length: 900000") + b"4"
    while True:
        yield Sleep(1.0)
        yield b"x" * 10


def _refused_connect_posts(kind: str) -> Callable[[Target], Script]:
    return lambda target: repeated_posts(*[refused_connects(target)[kind][1]] * 20)(target)


def upgrades(*frames: bytes, keep_open: bool = False) -> Callable[[Target], Script]:
    """Begin an upgrade of each session on the same connection."""

    def steps(_: int) -> Steps:
        yield HANDSHAKE
        yield wire.websocket_handshake((yield WaitFor(SID_PATTERN)))
        yield WaitFor(b"( 101 | 400 | 503 )")
        yield from frames
        if keep_open:
            yield KEEP_OPEN

    return lambda _: Script(steps, 50)


# One body, repeated, by name.
BODIES: dict[str, tuple[str, list[str]]] = {
    "heartbeats": ("30,000 packets `3` in each body", ["3"] * 30_000),
    "empty": ("400,000 empty packets in each body", [""] * 400_000),
    "messages": ("20,000 packets `4` in each body", ["4"] * 20_000),
    "namespaces": ("10,000 CONNECTs to unknown namespaces in each body", ["40/x,"] * 10_000),
    "roots": ("10,000 CONNECTs to `/` in each body", ["40"] * 10_000),
    "acks": ("10,000 acks in each body", ["43/chat,1[]"] * 10_000),
    "disconnects": ("10,000 DISCONNECTs in each body", ["41/none,"] * 10_000),
    "events": ("10,000 events before CONNECT in each body", ['42/none,["a",1]'] * 10_000),
    "probes": ("10,000 packets `2probe` in each body", ["2probe"] * 10_000),
    "one": ("one packet `3` in each body", ["3"]),
    "quadratic": ("1 MB of nested brackets and escaped quotes", [quadratic_json(MAX_PACKET_BYTES)]),
    "deep": ("1 MB of brackets", ['42/chat,["a",' + "[" * MAX_PACKET_BYTES]),
    "event-1mb": ("events with 1 MB of text", ['42/chat,["a","' + "x" * MAX_PACKET_BYTES + '"]']),
    "lists-1mb": ("events with 1 MB of lists", [many_lists(MAX_PACKET_BYTES, '42/chat,["a",[', "]]")]),
    "connect-1mb": (
        "CONNECTs with 1 MB of lists",
        [many_lists(MAX_PACKET_BYTES, '40/chat,{"token":"x","a":[', "]}")],
    ),
    "binary-1mb": ("1 MB of base64", ["b" + base64.b64encode(b"x" * (MAX_PACKET_BYTES * 3 // 4)).decode()]),
    "binaries": ("20,000 binary packets in each body", ["beHg="] * 20_000),
    "malformed": ("malformed packets", ["4x"]),
}
ATTACKS: list[Attack] = [
    *(
        Attack(f"poll-{name}", description, repeated_posts(*packets), quick=name == "namespaces")
        for name, (description, packets) in BODIES.items()
    ),
    *(
        Attack(f"poll-{name}", f"20 CONNECTs in each body with {description}", _refused_connect_posts(name))
        for name, (description, _) in refused_connects(Target(0, "")).items()
    ),
    Attack("poll-pipelined", "many small bodies at once", repeated_posts("3", repeats=200)),
    Attack("poll-handshakes", "handshakes on kept connections", lambda _: storm(repeat_to_size(HANDSHAKE, 4096))),
    Attack("poll-handshakes-new", "handshakes, each on a connection of its own", lambda _: storm(HANDSHAKE, connections=100)),
    Attack("poll-two", "two polls at a time", _repeated_requests(lambda sid: poll_request(sid) * 2)),
    Attack("poll-many", "endless polls", _repeated_requests(poll_request)),
    Attack("poll-dropped", "polls that are aborted", _aborted_requests(poll_request)),
    Attack("poll-body-dropped", "bodies that are aborted", _aborted_requests(lambda sid: post_request(sid, "4" * 1000)[:-500])),
    Attack("poll-chunked", "bodies in chunks of one byte", _repeated_requests(_chunked_post)),
    Attack("poll-slow-body", "900 sessions with a body of ten bytes a second", lambda _: Script(_slow_body, 900)),
    Attack("poll-too-large", "bodies with a Content-Length of 10 MB", _aborted_requests(lambda sid: wire.request("POST", f"{POLLING}&sid={sid}", "Content-Length: 10000000"))),
    Attack("poll-unknown-sid", "requests of unknown sessions", lambda _: storm(repeat_to_size(poll_request("x" * 20), 4096))),
    Attack("poll-version", "handshakes of another version", lambda _: storm(repeat_to_size(HANDSHAKE.replace(b"EIO=4", b"EIO=3"), 4096))),
    Attack("poll-not-utf8", "bodies that are not UTF-8", _aborted_requests(lambda sid: wire.request("POST", f"{POLLING}&sid={sid}", body=b"4\xff" * 10_000))),
    Attack("poll-idle", "900 sessions that wait for a poll", lambda _: Script(_idle_poll, 900)),
    Attack("poll-open", "sessions that are opened and not used", lambda _: storm(HANDSHAKE, connections=50)),
    Attack("poll-slow-handshake", "handshakes of a byte a second", lambda _: idle(HANDSHAKE[:-4], b"x")),
    Attack("upgrade-storm", "upgrades that are aborted", upgrades()),
    Attack("upgrade-probe", "upgrades that are aborted after the probe", upgrades(frame("2probe"))),
    Attack("upgrade-done", "upgrades that are completed, then aborted", upgrades(frame("2probe") + frame("5"))),
    Attack("upgrade-probes", "endless probes", upgrades(*[repeat_to_size(frame("2probe"))] * 1000)),
    Attack("upgrade-held", "upgrades that are started and not completed", upgrades(keep_open=True)),
]  # fmt: skip


def _idle_poll(_: int) -> Steps:
    yield HANDSHAKE
    yield poll_request((yield WaitFor(SID_PATTERN)))
    yield KEEP_OPEN
