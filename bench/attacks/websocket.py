"""Attacks over a WebSocket by a client without an account."""

from collections.abc import Callable

from bench.attacks import wire
from bench.attacks.script import KEEP_OPEN, Attack, Script, Steps, Target, flood, idle, storm, stream
from bench.attacks.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame, repeat_to_size

HANDSHAKE = wire.websocket_handshake()
MAX_PACKET_BYTES = 990_000  # just below the largest packet
MAX_CONNECT_BYTES = 31_000  # just below the largest CONNECT
MAX_EARLY_PACKETS = 20  # packets that a connection may send before it is accepted


def quadratic_json(size: int) -> str:
    """Return more than 100 brackets, then an unterminated string of escaped quotes."""
    head = '42/chat,["a",' + "[" * 101 + '"'
    return head + '\\"' * ((size - len(head)) // 2)


def many_lists(size: int, head: str, tail: str) -> str:
    """Return many small lists: a decoder needs twenty bytes of memory for each byte."""
    return head + ",".join(["[]"] * (size // 3)) + tail


# Frames that are sent repeatedly, by name. An account may send them, too.
FRAMES: dict[str, tuple[str, bytes]] = {
    "pong": ("PONG frames", frame(b"", PONG)),
    "pong-125": ("PONG frames of 125 bytes", frame(b"x" * 125, PONG)),
    "ping": ("PING frames", frame(b"x" * 125, PING)),
    "empty-text": ("empty text frames", frame(b"")),
    "empty-binary": ("empty binary frames", frame(b"", BINARY)),
    "binary": ("binary frames of one byte", frame(b"x", BINARY)),
    "fragments": ("messages in fragments of one byte", frame(b"3", final=False) + frame(b"", CONTINUATION)),
    "heartbeat": ("packets `3`", frame("3")),
    "probe": ("packets `2probe`", frame("2probe")),
    "noop": ("packets `6`", frame("6")),
    "upgraded": ("packets `5`", frame("5")),
    "message": ("packets `4` without content", frame("4")),
    "namespace": ("CONNECTs to unknown namespaces", frame("40/x,")),
    "namespace-long": ("CONNECTs to unknown namespaces with long names", frame("40/" + "x" * 20_000 + ",")),
    "root": ("CONNECTs to the namespace `/`", frame("40")),
    "event": ("events of a namespace that is not open", frame('42/none,["message",1]')),
    "ack": ("unrequested acks", frame("43/chat,1[]")),
    "disconnect": ("DISCONNECTs from namespaces that are not open", frame("41/none,")),
    "malformed": ("packets that are malformed", frame("4x")),
}

# Larger packets of each kind.
LARGE_PACKETS: dict[str, tuple[str, bytes]] = {
    "quadratic": ("1 MB of nested brackets and escaped quotes", frame(quadratic_json(MAX_PACKET_BYTES))),
    "deep": ("1 MB of brackets", frame('42/chat,["a",' + "[" * MAX_PACKET_BYTES)),
    "event-1mb": ("events with 1 MB of text", frame('42/chat,["a","' + "x" * MAX_PACKET_BYTES + '"]')),
    "lists-1mb": ("events with 1 MB of lists", frame(many_lists(MAX_PACKET_BYTES, '42/chat,["a",[', "]]"))),
    "escapes-1mb": (
        "events with 1 MB of escapes",
        frame('42/chat,["a","' + "\\u0041" * (MAX_PACKET_BYTES // 6) + '"]'),
    ),
    "number-1mb": ("packets with a number of 1 MB", frame("42/chat," + "9" * MAX_PACKET_BYTES)),
    "float-1mb": ("events with a number of 1 MB", frame('42/chat,["a",1.' + "9" * MAX_PACKET_BYTES + "]")),
    "keys-1mb": (
        "events with 1 MB of keys",
        frame(
            '42/chat,["a",{' + ",".join(f'"{number:x}":0' for number in range(MAX_PACKET_BYTES // 9)) + "}]"
        ),
    ),
    "connect-1mb": (
        "CONNECTs with 1 MB of lists",
        frame(many_lists(MAX_PACKET_BYTES, '40/chat,{"token":"x","a":[', "]}")),
    ),
    "connect-31k": (
        "CONNECTs with 31 kB of lists",
        frame(many_lists(MAX_CONNECT_BYTES, '40/chat,{"token":"x","a":[', "]}")),
    ),
    "ack-1mb": ("acks with 1 MB of lists", frame(many_lists(MAX_PACKET_BYTES, "43/chat,1[", "]"))),
    "binary-1mb": ("binary frames of 1 MB", frame(b"x" * MAX_PACKET_BYTES, BINARY)),
    "namespace-1mb": ("CONNECTs with a namespace of 1 MB", frame("40/" + "x" * MAX_PACKET_BYTES)),
    "attachments": (
        "binary events with 10 attachments of 90 kB",
        frame('4510-/chat,["a",' + ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10)) + "]")
        + frame(b"x" * 90_000, BINARY) * 10,
    ),
    "fragments-1mb": (
        "1 MB in fragments of 1 kB",
        frame(b"4" + b"x" * 999, final=False)
        + frame(b"x" * 1000, CONTINUATION, final=False) * 988
        + frame(b"x", CONTINUATION),
    ),
}


def refused_connects(target: Target) -> dict[str, tuple[str, str]]:
    """Return refused CONNECTs by their reason, with a description."""
    return {
        "bad-token": ("a malformed token", wire.connect_packet("x")),
        "no-token": ("no token", "40/chat,"),
        "number-token": ("a number as token", '40/chat,{"token":1}'),
        "expired-token": ("an expired token", wire.connect_packet(target.expired_token)),
        "foreign-token": ("a token signed with another key", wire.connect_packet(target.foreign_token)),
        "suspended-token": ("the token of a suspended user", wire.connect_packet(target.suspended_token)),
        "ended-token": ("the token of a session that ended", wire.connect_packet(target.ended_token)),
        "api-key-token": ("an API key as token", wire.connect_packet("hub_" + "x" * 40)),
        "long-token": ("a token of 30 kB", wire.connect_packet("x" * 30_000)),
        "signed-long-token": (
            "a token whose payload is replaced",
            wire.connect_packet(_tamper(target.foreign_token)),
        ),
        "cursors": (
            "a bad token and 500 cursors",
            wire.connect_packet("x", cursors={f"01890000-0000-7000-8000-{n:012}": n for n in range(500)}),
        ),
    }


def _tamper(token: str) -> str:
    head, _, signature = (token or "a.b.c").split(".")
    return f"{head}.{'A' * 4000}.{signature}"


def _repeated_refused_connect(kind: str) -> Callable[[Target], Script]:
    """Repeat one CONNECT on each socket."""
    return lambda target: flood(HANDSHAKE, repeat_to_size(frame(refused_connects(target)[kind][1])))


def _reconnect_after_refusals(kind: str) -> Callable[[Target], Script]:
    """Send five refused CONNECTs, then open another connection."""

    def script(target: Target) -> Script:
        return storm(HANDSHAKE + frame(refused_connects(target)[kind][1]) * 5, connections=50)

    return script


def _flood(data: bytes, *, reads: bool = True) -> Callable[[Target], Script]:
    return lambda _: flood(HANDSHAKE, repeat_to_size(data), reads=reads)


def _reconnect_after_flood(data: bytes) -> Callable[[Target], Script]:
    """Send as much as is allowed before acceptance, then open another connection."""
    return lambda _: storm(HANDSHAKE + data * MAX_EARLY_PACKETS, wait_for_response=False, connections=50)


def _reconnect_after(data: bytes) -> Callable[[Target], Script]:
    """Send data that ends the connection, then open another connection."""

    def steps(_: int) -> Steps:
        yield HANDSHAKE + data
        yield KEEP_OPEN

    return lambda _: Script(steps)


def _random_frames(target: Target) -> Script:
    """Send frames of random kinds, in an order that follows from the seed."""
    rng = target.rng()
    pieces = [piece for _, piece in FRAMES.values()]
    return stream(HANDSHAKE, lambda _: b"".join(rng.choices(pieces, k=500)))


QUICK_ATTACKS = {"ws-pong", "ws-namespace", "ws-bad-token"}
FLOODS = [
    *(Attack(f"ws-{name}", description, _flood(piece), quick=f"ws-{name}" in QUICK_ATTACKS) for name, (description, piece) in FRAMES.items()),
    *(
        Attack(f"ws-unread-{name}", f"{FRAMES[name][0]}, reading nothing", _flood(FRAMES[name][1], reads=False))
        for name in ("ping", "namespace", "namespace-long", "root", "event")
    ),
    Attack(
        "ws-continuation",
        "empty fragments of an endless message",
        lambda _: flood(
            HANDSHAKE + frame(b"", final=False), repeat_to_size(frame(b"", CONTINUATION, final=False))
        ),
    ),
    Attack("ws-random", "frames of all kinds in random order", _random_frames),
]  # fmt: skip
PACKETS = [
    Attack(f"ws-{name}", description, lambda _, piece=piece: flood(HANDSHAKE, piece))  # type: ignore[misc]
    for name, (description, piece) in LARGE_PACKETS.items()
]
REFUSED_CONNECTS = [
    attack
    for name, (description, _) in refused_connects(Target(0, "")).items()
    for attack in (
        Attack(
            f"ws-{name}",
            f"CONNECTs with {description}",
            _repeated_refused_connect(name),
            quick=f"ws-{name}" in QUICK_ATTACKS,
        ),
        Attack(
            f"ws-again-{name}",
            f"connections with five CONNECTs each with {description}",
            _reconnect_after_refusals(name),
        ),
    )
]
RECONNECTS = [
    Attack(f"ws-again-{name}", f"connections with {MAX_EARLY_PACKETS} frames each: {description}", _reconnect_after_flood(piece))
    for name, (description, piece) in FRAMES.items()
    if name in {"pong", "ping", "heartbeat", "namespace", "message"}
] + [
    Attack("ws-again-31k", "connections with a refused CONNECT of 31 kB each", _reconnect_after(LARGE_PACKETS["connect-31k"][1])),
    Attack("ws-again-quadratic", "connections with a hostile packet of 60 kB each", _reconnect_after(frame(quadratic_json(60_000)))),
    Attack("ws-again-close", "connections that close at once", _reconnect_after(frame(b"\x03\xe8", CLOSE))),
    Attack("ws-again-unmasked", "connections with a frame without a mask", _reconnect_after(b"\x81\x01x")),
    Attack("ws-again-opcode", "connections with a frame of an unknown kind", _reconnect_after(b"\x83\x80\0\0\0\0")),
    Attack("ws-again-utf8", "connections with text that is not UTF-8", _reconnect_after(frame(b"4\xff\xfe"))),
    Attack("ws-again-huge", "connections with a frame whose declared length is 4 EB", _reconnect_after(b"\x81\xff\x3f" + b"\xff" * 7 + bytes(4))),
    Attack("ws-again-malformed", "connections with a malformed packet", _reconnect_after(frame("42/chat,{"))),
    Attack("ws-handshakes", "handshakes, each on its own connection", lambda _: storm(HANDSHAKE, connections=100)),
    Attack("ws-handshakes-dropped", "handshakes whose response is not awaited", lambda _: storm(HANDSHAKE, wait_for_response=False, connections=100)),
    Attack("ws-handshakes-bad", "handshakes without a key", lambda _: storm(HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Other"), connections=100)),
    Attack("ws-handshakes-origin", "handshakes of a foreign origin", lambda _: storm(wire.websocket_handshake("", "Origin: https://evil.example"), connections=100)),
    Attack("ws-idle", "900 WebSockets that send nothing", lambda _: idle(HANDSHAKE)),
    Attack("ws-drip", "900 WebSockets that send a byte a second of an endless frame", lambda _: idle(HANDSHAKE + b"\x81\xfe\xff\xff\0\0\0\0", b"x")),
    Attack("ws-slow-refused", "sockets with a refused CONNECT a second", lambda _: idle(HANDSHAKE, frame(wire.connect_packet("x"), TEXT), connections=200)),
]  # fmt: skip
ATTACKS: list[Attack] = [*FLOODS, *PACKETS, *REFUSED_CONNECTS, *RECONNECTS]
