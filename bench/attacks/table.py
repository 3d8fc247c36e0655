"""All attacks, by name."""

from bench.attacks import account, polling, requests, rest, tcp, websocket
from bench.attacks.script import DEFAULT_CONNECTIONS, Attack, Script, Steps, Target

SINGLE_ATTACKS = [
    *tcp.ATTACKS,
    *websocket.ATTACKS,
    *polling.ATTACKS,
    *requests.ATTACKS,
    *account.ATTACKS,
    *rest.ATTACKS,
]


def _combined(target: Target) -> Script:
    """Run connections of each quick attack in turn."""
    scripts = [attack.script(target) for attack in SINGLE_ATTACKS if attack.quick]

    def steps(number: int) -> Steps:
        return scripts[number % len(scripts)].steps(number)

    return Script(steps, DEFAULT_CONNECTIONS * len(scripts))


COMBINED_ATTACK = Attack("at-once", "some attacks at the same time", _combined, needs_account=True)
ATTACKS: dict[str, Attack] = {attack.name: attack for attack in [*SINGLE_ATTACKS, COMBINED_ATTACK]}

# The default selection: attacks that violated a bound once, and one of each other kind.
DEFAULT_ATTACKS: list[str] = [
    "tcp-connect", "tcp-idle-3000", "tcp-slow-header", "ws-pong", "ws-unread-ping", "ws-continuation",
    "ws-heartbeat", "ws-namespace", "ws-random", "ws-bad-token", "ws-suspended-token", "ws-again-bad-token",
    "ws-quadratic", "ws-connect-1mb", "ws-lists-1mb", "ws-handshakes", "ws-idle", "poll-heartbeats",
    "poll-namespaces", "poll-bad-token", "poll-quadratic", "poll-binary-1mb", "poll-handshakes-new",
    "upgrade-probe", "http-live", "http-openapi", "http-malformed", "http-bad-token",
    "http-suspended-token", "http-api-keys", "http-logins", "http-big-body", "http-gzip",
    "handshake-user-agents", "account-send-invalid", "account-send-not-found", "account-send-too-large",
    "account-send-990k", "account-rooms-100", "account-history", "account-search", "account-sync",
    "account-refresh", "account-lists", "account-waiting", "account-mixed", "account-ws-pong",
    "account-reconnect", "account-unread-busy", "account-poll-sends", "rest-me", "rest-rooms", "rest-export",
    "rest-too-large",
]  # fmt: skip
