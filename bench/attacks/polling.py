"""Attacks by long-polling: everything that a WebSocket may send as well, and what only requests can do."""

import base64
from collections.abc import Callable

from bench.attacks import wire
from bench.attacks.script import ANSWER, HOLD, Attack, Rest, Script, Steps, Target, Until, idle, storm
from bench.attacks.websocket import MB, connects, lists, quadratic
from bench.attacks.wire import filled, frame

POLLING = f"{wire.PATH}polling"
OPEN = wire.request("GET", POLLING)
SID = rb'"sid":"([^"]+)"'


def post(sid: str, *packets: str) -> bytes:
    """A request with packets of a session."""
    return wire.request("POST", f"{POLLING}&sid={sid}", body="\x1e".join(packets).encode())


def poll(sid: str) -> bytes:
    """A request for the packets of a session."""
    return wire.request("GET", f"{POLLING}&sid={sid}")


def posting(*packets: str, many: int = 1, connections: int = 20) -> Callable[[Target], Script]:
    """Sessions that send one body again and again, many requests at once; a new session where one ends."""

    def steps(_: int) -> Steps:
        yield OPEN
        body = post((yield Until(SID)), *packets) * many
        while True:
            yield body
            yield ANSWER

    return lambda _: Script(steps, connections)


def _polls(after: Callable[[str], bytes]) -> Callable[[Target], Script]:
    """Sessions that send the same request again and again, without waiting for responses."""

    def steps(_: int) -> Steps:
        yield OPEN
        chunk = filled(after((yield Until(SID))))
        while True:
            yield chunk

    return lambda _: Script(steps)


def _dropped(after: Callable[[str], bytes]) -> Callable[[Target], Script]:
    """Sessions whose connection is reset after one more request."""

    def steps(_: int) -> Steps:
        yield OPEN
        yield after((yield Until(SID)))
        yield Rest(0.005)

    return lambda _: Script(steps, 50)


def _chunked(sid: str) -> bytes:
    """A body in chunks of one byte."""
    head = wire.request("POST", f"{POLLING}&sid={sid}", "Transfer-Encoding: chunked")
    return head + b"1\r\n4\r\n" + b"1\r\nx\r\n" * 10_000


def _slow_body(_: int) -> Steps:
    yield OPEN
    sid = yield Until(SID)
    yield wire.request("POST", f"{POLLING}&sid={sid}", "Content-Length: 900000") + b"4"
    while True:
        yield Rest(1.0)
        yield b"x" * 10


def _refused(kind: str) -> Callable[[Target], Script]:
    return lambda target: posting(*[connects(target)[kind][1]] * 20)(target)


def upgrades(*frames: bytes, hold: bool = False) -> Callable[[Target], Script]:
    """Sessions by long-polling that begin an upgrade on the same connection."""

    def steps(_: int) -> Steps:
        yield OPEN
        yield wire.upgrade((yield Until(SID)))
        yield Until(b"( 101 | 400 | 503 )")
        yield from frames
        if hold:
            yield HOLD

    return lambda _: Script(steps, 50)


# One body again and again, by name.
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
    "quadratic": ("1 MB of nested brackets and escaped quotes", [quadratic(MB)]),
    "deep": ("1 MB of brackets", ['42/chat,["a",' + "[" * MB]),
    "event-1mb": ("events with 1 MB of text", ['42/chat,["a","' + "x" * MB + '"]']),
    "lists-1mb": ("events with 1 MB of lists", [lists(MB, '42/chat,["a",[', "]]")]),
    "connect-1mb": ("CONNECTs with 1 MB of lists", [lists(MB, '40/chat,{"token":"x","a":[', "]}")]),
    "binary-1mb": ("1 MB of base64", ["b" + base64.b64encode(b"x" * (MB * 3 // 4)).decode()]),
    "binaries": ("20,000 binary packets in each body", ["beHg="] * 20_000),
    "malformed": ("malformed packets", ["4x"]),
}
ATTACKS: list[Attack] = [
    *(
        Attack(f"poll-{name}", says, posting(*packets), short=name == "namespaces")
        for name, (says, packets) in BODIES.items()
    ),
    *(
        Attack(f"poll-{name}", f"20 CONNECTs in each body with {says}", _refused(name))
        for name, (says, _) in connects(Target(0, "")).items()
    ),
    Attack("poll-pipelined", "many small bodies at once", posting("3", many=200)),
    Attack("poll-handshakes", "handshakes on kept connections", lambda _: storm(filled(OPEN, 4096))),
    Attack("poll-handshakes-new", "handshakes, each on a connection of its own", lambda _: storm(OPEN, connections=100)),
    Attack("poll-two", "two polls at a time", _polls(lambda sid: poll(sid) * 2)),
    Attack("poll-many", "polls without end", _polls(poll)),
    Attack("poll-dropped", "polls that are given up", _dropped(poll)),
    Attack("poll-body-dropped", "bodies that are given up", _dropped(lambda sid: post(sid, "4" * 1000)[:-500])),
    Attack("poll-chunked", "bodies in chunks of one byte", _polls(_chunked)),
    Attack("poll-slow-body", "900 sessions with a body of ten bytes a second", lambda _: Script(_slow_body, 900)),
    Attack("poll-too-large", "bodies said to be of 10 MB", _dropped(lambda sid: wire.request("POST", f"{POLLING}&sid={sid}", "Content-Length: 10000000"))),
    Attack("poll-unknown-sid", "requests of unknown sessions", lambda _: storm(filled(poll("x" * 20), 4096))),
    Attack("poll-version", "handshakes of another version", lambda _: storm(filled(OPEN.replace(b"EIO=4", b"EIO=3"), 4096))),
    Attack("poll-not-utf8", "bodies that are not UTF-8", _dropped(lambda sid: wire.request("POST", f"{POLLING}&sid={sid}", body=b"4\xff" * 10_000))),
    Attack("poll-idle", "900 sessions that wait for a poll", lambda _: Script(_waiting, 900)),
    Attack("poll-open", "sessions that are opened and left", lambda _: storm(OPEN, connections=50)),
    Attack("poll-slow-handshake", "handshakes of a byte a second", lambda _: idle(OPEN[:-4], b"x")),
    Attack("upgrade-storm", "upgrades that are given up", upgrades()),
    Attack("upgrade-probe", "upgrades that are given up after the probe", upgrades(frame("2probe"))),
    Attack("upgrade-done", "upgrades that are completed, then given up", upgrades(frame("2probe") + frame("5"))),
    Attack("upgrade-probes", "probes without end", upgrades(*[filled(frame("2probe"))] * 1000)),
    Attack("upgrade-held", "upgrades that are begun and left", upgrades(hold=True)),
]  # fmt: skip


def _waiting(_: int) -> Steps:
    yield OPEN
    yield poll((yield Until(SID)))
    yield HOLD
