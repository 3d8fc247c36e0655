"""All attacks, by name."""

from bench.attacks import account, polling, requests, rest, tcp, websocket
from bench.attacks.script import DEFAULT_CONNECTIONS, Attack, Script, Steps, Target

ALL = [
    *tcp.ATTACKS,
    *websocket.ATTACKS,
    *polling.ATTACKS,
    *requests.ATTACKS,
    *account.ATTACKS,
    *rest.ATTACKS,
]


def _at_once(target: Target) -> Script:
    """Connections of each short attack in turn."""
    scripts = [attack.script(target) for attack in ALL if attack.short]

    def steps(number: int) -> Steps:
        return scripts[number % len(scripts)].steps(number)

    return Script(steps, DEFAULT_CONNECTIONS * len(scripts))


AT_ONCE = Attack("at-once", "some attacks at the same time", _at_once, account=True)
ATTACKS: dict[str, Attack] = {attack.name: attack for attack in [*ALL, AT_ONCE]}

# What runs where nothing is chosen: those that broke something once, and one of each other kind.
CORE: list[str] = [
    "tcp-connect", "tcp-idle-3000", "tcp-slow-header", "ws-pong", "ws-deaf-ping", "ws-continuation",
    "ws-heartbeat", "ws-namespace", "ws-random", "ws-bad-token", "ws-suspended-token", "ws-again-bad-token",
    "ws-quadratic", "ws-connect-1mb", "ws-lists-1mb", "ws-handshakes", "ws-idle", "poll-heartbeats",
    "poll-namespaces", "poll-bad-token", "poll-quadratic", "poll-binary-1mb", "poll-handshakes-new",
    "upgrade-probe", "http-live", "http-openapi", "http-malformed", "http-bad-token",
    "http-suspended-token", "http-api-keys", "http-logins", "http-big-body", "http-gzip",
    "handshake-user-agents", "account-send-invalid", "account-send-not-found", "account-send-too-large",
    "account-send-990k", "account-rooms-100", "account-history", "account-search", "account-sync",
    "account-refresh", "account-lists", "account-waiting", "account-mixed", "account-ws-pong",
    "account-reconnect", "account-deaf-busy", "account-poll-sends", "rest-me", "rest-rooms", "rest-export",
    "rest-too-large",
]  # fmt: skip
