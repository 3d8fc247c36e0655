"""Workloads, peers and required ratios: the rows P1 to P7 of the performance targets."""

from dataclasses import dataclass, field

BODY = '{"room":"r{room}","t":"{t}.{seq}.{i}","text":"{pad:64}"}'
PEER_JOIN = '42{ack}["join",{"room":"r{room}"}]'
PEER_MESSAGE = f'42["message",{BODY}]'
PEER_ACKED = '42{ack}["message",' + BODY + "]"
PEER_ECHO = '42{ack}["echo",' + BODY + "]"
MESSAGE = (
    '42/chat,{ack}["message:send",{"room_id":"{col:2}","client_id":"{uuid}","body":"{t}.{seq}.{i} {pad:40}"}]'
)
TYPING_EVENT = (
    '42/chat,{ack}["typing:stop",{"room_id":"{col:2}"}]'  # validated, rate-limited, without storage
)


@dataclass(frozen=True, slots=True)
class RatioTarget:
    """A ratio of hubbub's median to a peer's: at least `required`, aim `goal`; at most if lower is better."""

    figure: str
    peer: str
    required: float | None
    goal: float | None
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A workload: `load` for all servers, `peer_load` and `hubbub_load` with the frames of each protocol."""

    name: str
    description: str
    peers: tuple[str, ...]
    targets: tuple[RatioTarget, ...]
    load: tuple[str, ...]
    peer_load: tuple[str, ...]
    hubbub_load: tuple[str, ...]
    users: int = 500
    rooms: int = 1
    instances: int = 1
    fresh_servers: bool = False  # memory is only comparable on servers without earlier load
    settings: dict[str, str] = field(default_factory=dict)


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
                RatioTarget("deliveries_per_s", "node-socketio", 4, 8),
                RatioTarget("deliveries_per_s", "limit-batch", None, 0.6),
            ),
            _FAN_OUT_LOAD,
            ("--msg", PEER_MESSAGE),
            ("--msg", MESSAGE),
        ),
        Scenario(
            "P2",
            "200 rooms of 5, saturation, every message stored",
            ("node-socketio-pg", "node-nest-typeorm", "limit-group-pg"),
            (
                RatioTarget("sent_per_s", "node-socketio-pg", 1.2, 1.7),
                RatioTarget("sent_per_s", "node-nest-typeorm", 3, None),
                RatioTarget("sent_per_s", "limit-group-pg", None, 0.9),
            ),
            _STORED_LOAD,
            ("--msg", PEER_ACKED),
            ("--msg", MESSAGE),
            users=1000,
            rooms=200,
        ),
        Scenario(
            "P3",
            "two instances over Redis, one room of 500",
            ("node-socketio-redis",),
            (RatioTarget("deliveries_per_s", "node-socketio-redis", 4, 6),),
            _FAN_OUT_LOAD,
            ("--msg", PEER_MESSAGE),
            ("--msg", MESSAGE),
            instances=2,
        ),
        Scenario(
            "P4",
            "two instances over Redis, 200 rooms of 5 (the peers without storage)",
            ("node-socketio-redis", "py-socketio-uvloop-redis"),
            (
                RatioTarget("sent_per_s", "node-socketio-redis", 0.8, 1.2),
                RatioTarget("sent_per_s", "py-socketio-uvloop-redis", 8, None),
            ),
            (*_STORED_LOAD, "--layout", "block"),
            ("--msg", PEER_MESSAGE),
            ("--msg", MESSAGE),
            users=1000,
            rooms=200,
            instances=2,
        ),
        Scenario(
            "P5",
            "acknowledged event without storage, 64 in flight",
            ("node-socketio", "py-socketio-uvloop", "limit-json"),
            (
                RatioTarget("acks_per_s", "node-socketio", 0.6, 1.0),
                RatioTarget("acks_per_s", "py-socketio-uvloop", 2.5, None),
            ),
            _room_load(64, 64, "--pubs", "64", "--window", "1", "--until", "ack", "--expect", "none"),
            ("--msg", PEER_ECHO),
            ("--msg", TYPING_EVENT),
            users=64,
            rooms=64,
        ),
        Scenario(
            "P6",
            "500 messages per second into rooms of 5, stored",
            ("node-nest-typeorm", "node-socketio-pg"),
            (
                RatioTarget("latency_ms.p99", "node-nest-typeorm", 1.0, None, lower_is_better=True),
                RatioTarget("server_cpu", "node-nest-typeorm", 1.0, None, lower_is_better=True),
                RatioTarget("latency_ms.p99", "node-socketio-pg", None, 1.0, lower_is_better=True),
                RatioTarget("server_cpu", "node-socketio-pg", None, 1.0, lower_is_better=True),
            ),
            _room_load(1000, 200, "--pubs", "200", "--rate", "500"),
            ("--msg", PEER_ACKED),
            ("--msg", MESSAGE),
            users=1000,
            rooms=200,
        ),
        Scenario(
            "P7",
            "10,000 idle connections, token checked",
            ("node-socketio", "py-socketio-uvloop"),
            (
                RatioTarget("rss_per_conn_kb", "node-socketio", 0.8, 0.5, lower_is_better=True),
                RatioTarget("connects_per_s", "node-socketio", 1.0, 2.0),
            ),
            _room_load(10_000, 1000, "--idle", "3"),
            (),
            (),
            users=1000,
            rooms=200,
            fresh_servers=True,
        ),
    )
}
