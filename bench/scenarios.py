"""Workloads, peers, and the minimum and target of each figure: the rows of the performance targets."""

from dataclasses import dataclass, field
from typing import Literal

BODY = '{"room":"r{room}","t":"{t}.{seq}.{i}","text":"{pad:64}"}'
PEER_JOIN = '42{ack}["join",{"room":"r{room}"}]'
PEER_MESSAGE = f'42["message",{BODY}]'
PEER_ACKED = '42{ack}["message",' + BODY + "]"
PEER_ECHO = '42{ack}["echo",' + BODY + "]"
MESSAGE = (
    '42/chat,{ack}["message:send",{"room_id":"{col:2}","client_id":"{uuid}","body":"{t}.{seq}.{i} {pad:40}"}]'
)
# Of one publisher in ten, the message mentions another member, or has an image attached.
MENTION = MESSAGE.replace("{i} {pad:40}", "{i} {col:3}{pad:30}")
ATTACHMENT = MESSAGE.replace('"}]', '"{col:4}}]')
# Validated and rate-limited, without storage.
TYPING_EVENT = '42/chat,{ack}["typing:stop",{"room_id":"{col:2}"}]'
# The figure that has the rate of each operation.
RATE_FIGURES = {
    "delivery": "deliveries_per_s",
    "message": "sent_per_s",
    "ack": "acks_per_s",
    "connect": "connects_per_s",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A minimum and a target of hubbub's median divided by a peer's, or of the median itself without a peer.

    If lower is better, they are upper bounds.
    """

    figure: str
    peer: str | None
    minimum: float | None
    target: float | None
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A workload: `load` for all servers, `peer_load` and `hubbub_load` with the frames of each protocol."""

    name: str
    description: str
    peers: tuple[str, ...]
    targets: tuple[Target, ...]
    load: tuple[str, ...] = ()
    peer_load: tuple[str, ...] = ()
    hubbub_load: tuple[str, ...] = ()
    users: int = 500
    rooms: int = 1
    instances: int = 1
    database: Literal["postgres", "sqlite"] = "postgres"
    kind: Literal["load", "crowd", "memory"] = "load"  # how it is measured
    operation: str = ""  # whose CPU time is measured; a key of RATE_FIGURES
    figures: tuple[str, ...] = ()  # printed besides those with targets
    requires: tuple[str, ...] = ()  # scenarios whose figures of hubbub are needed
    settle_s: float = 1.5  # from the last connect to the first message: `ready` and presence are sent
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        """Return whether the clients only connect."""
        return "--idle" in self.load


def _room_load(users: int, rooms: int, *load: str) -> tuple[str, ...]:
    return ("-n", str(users), "--rooms", str(rooms), *load)


_FAN_OUT_LOAD = _room_load(500, 1, "--pubs", "4", "--window", "4")
_STORED_LOAD = _room_load(1000, 200, "--pubs", "200", "--window", "1")

SCENARIOS = {
    each.name: each
    for each in (
        Scenario(
            "P1",
            "fan-out, one room of 500, saturation",
            ("node-socketio", "py-socketio-uvloop", "limit-batch"),
            (
                Target("deliveries_per_s", "node-socketio", 4, 8),
                Target("deliveries_per_s", "limit-batch", None, 0.6),
            ),
            _FAN_OUT_LOAD,
            ("--msg", PEER_MESSAGE),
            ("--msg", MESSAGE),
            operation="delivery",
        ),
        Scenario(
            "P2",
            "200 rooms of 5, saturation, every message stored",
            ("node-socketio-pg", "node-nest-typeorm", "limit-group-pg"),
            (
                Target("sent_per_s", "node-socketio-pg", 1.2, 1.4),
                Target("sent_per_s", "node-nest-typeorm", 3, None),
                Target("sent_per_s", "limit-group-pg", None, 0.6),
            ),
            _STORED_LOAD,
            ("--msg", PEER_ACKED),
            ("--msg", MESSAGE),
            users=1000,
            rooms=200,
            operation="message",
        ),
        Scenario(
            "P2-mentions",
            "P2 with a mention in one message of ten: its notification is a job of the batch",
            (),
            (Target("sent_per_s", None, None, None),),
            _STORED_LOAD,
            hubbub_load=("--msg", MENTION),
            users=1000,
            rooms=200,
            operation="message",
        ),
        Scenario(
            "P2-attachments",
            "P2 with an image attached to one message of ten",
            (),
            (Target("sent_per_s", None, None, None),),
            _STORED_LOAD,
            hubbub_load=("--msg", ATTACHMENT),
            users=1000,
            rooms=200,
            operation="message",
        ),
        Scenario(
            "P3",
            "two instances over Redis, one room of 500 (the peer without storage)",
            ("node-socketio-redis",),
            (Target("deliveries_per_s", "node-socketio-redis", 4, 6),),
            _FAN_OUT_LOAD,
            ("--msg", PEER_MESSAGE),
            ("--msg", MESSAGE),
            instances=2,
            operation="delivery",
        ),
        Scenario(
            "P4",
            "two instances over Redis, 200 rooms of 5 (the peers without storage)",
            ("node-socketio-redis", "py-socketio-uvloop-redis"),
            (
                Target("sent_per_s", "node-socketio-redis", 0.8, 1.2),
                Target("sent_per_s", "py-socketio-uvloop-redis", 8, None),
            ),
            _STORED_LOAD,
            ("--msg", PEER_MESSAGE),
            ("--msg", MESSAGE),
            users=1000,
            rooms=200,
            instances=2,
            operation="message",
        ),
        Scenario(
            "P5",
            "acknowledged event without storage, 64 in flight",
            ("node-socketio", "py-socketio-uvloop", "limit-json"),
            (
                Target("acks_per_s", "node-socketio", 1.0, 1.4),
                Target("acks_per_s", "py-socketio-uvloop", 3, None),
            ),
            _room_load(64, 64, "--pubs", "64", "--window", "1", "--until", "ack", "--expect", "none"),
            ("--msg", PEER_ECHO),
            ("--msg", TYPING_EVENT),
            users=64,
            rooms=64,
            operation="ack",
        ),
        Scenario(
            "P6",
            "500 messages per second into rooms of 5, stored",
            ("node-nest-typeorm", "node-socketio-pg"),
            (
                Target("latency_ms.p99", "node-nest-typeorm", 1.0, None, lower_is_better=True),
                Target("server_cpu", "node-nest-typeorm", 1.0, None, lower_is_better=True),
                Target("latency_ms.p99", "node-socketio-pg", None, 1.0, lower_is_better=True),
                Target("server_cpu", "node-socketio-pg", None, 1.0, lower_is_better=True),
            ),
            _room_load(1000, 200, "--pubs", "200", "--rate", "500"),
            ("--msg", PEER_ACKED),
            ("--msg", MESSAGE),
            users=1000,
            rooms=200,
            operation="message",
            figures=("latency_ms.p50", "ack_ms.p50", "ack_ms.p99"),
        ),
        Scenario(
            "P6-mentions",
            "P6 with a mention in one message of ten",
            (),
            (Target("latency_ms.p99", None, None, None, lower_is_better=True),),
            _room_load(1000, 200, "--pubs", "200", "--rate", "500"),
            hubbub_load=("--msg", MENTION),
            users=1000,
            rooms=200,
            operation="message",
            figures=("latency_ms.p50", "server_cpu"),
        ),
        Scenario(
            "P7",
            "10,000 users connect, token checked, and are idle",
            ("node-socketio", "py-socketio-uvloop"),
            (
                Target("rss_per_conn_kb", "node-socketio", 0.5, 0.5, lower_is_better=True),
                Target("connects_per_s", "node-socketio", 0.8, 1.0),
            ),
            _room_load(10_000, 2000, "--idle", "3"),
            users=10_000,
            rooms=2000,
            operation="connect",
            figures=("handshake_ms.p99",),
        ),
        Scenario(
            "P13",
            "5,000 clients reconnect at once while others send 200 messages per second into rooms of 5",
            (),
            (
                Target("p99_ms", None, 100, 30, lower_is_better=True),
                Target("time_vs_p7", None, 1.2, None, lower_is_better=True),
            ),
            _room_load(5000, 1000, "--inflight", "5000", "--timeout", "60", "--idle", "1"),
            users=5500,
            rooms=1100,
            kind="crowd",
            operation="connect",
            figures=("p50_ms", "quiet_p99_ms", "connect_s"),
            requires=("P7",),
        ),
        Scenario(
            "P14",
            "SQLite, 200 rooms of 5, saturation, every message stored",
            (),
            (Target("sent_per_s", None, 4500, 6000),),
            _STORED_LOAD,
            hubbub_load=("--msg", MESSAGE),
            users=1000,
            rooms=200,
            database="sqlite",
            operation="message",
            figures=("latency_ms.p50", "latency_ms.p99"),
        ),
        Scenario(
            "P15",
            "memory of an instance with 3,000 users in rooms of 5",
            (),
            (
                Target("start_mb", None, 90, 80, lower_is_better=True),
                Target("kb_per_active_sender", None, 2, 1.5, lower_is_better=True),
                Target("kb_per_idle_user", None, 1, 0.7, lower_is_better=True),
            ),
            users=3000,
            rooms=600,
            kind="memory",
            figures=("kb_per_socket",),
        ),
    )
}
