"""The schedule of faults: a pure function of the seed, so that a run can be repeated."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

DELAY_RANGE_S = (0.4, 2.0)  # between the recovery from a fault and the next fault
INITIAL_DELAY_S = 1.0  # at the beginning

# Minimum and maximum duration in seconds. faults.py and probes.py implement the faults.
DURATION_RANGES_S: dict[str, tuple[float, float]] = {
    "kill": (0.0, 1.5),
    "pause": (1.0, 8.0),
    "rolling": (0.0, 0.0),
    "roam": (0.0, 0.0),
    "twins": (0.0, 0.0),
    "remove": (0.0, 0.0),
    "revoke": (0.0, 0.0),
    "move": (0.0, 0.05),
    "redis-down": (1.0, 5.0),
    "redis-flush": (0.0, 0.0),
    "redis-drop": (2.0, 6.0),
    "redis-pause": (1.0, 5.0),
    "database-restart": (0.2, 4.0),
    "database-pause": (1.0, 5.0),
    "database-cut": (0.2, 4.0),
    "slow": (6.0, 10.0),
    "failover": (3.0, 6.0),
}
PRESENCE = "presence"  # tested once, at the end
FAULT_NAMES = (*DURATION_RANGES_S, PRESENCE)

REDIS_PROXY_FAULTS = frozenset({"redis-down", "redis-drop", "redis-pause"})  # injected by the proxy
OWN_REDIS_FAULTS = frozenset({"redis-flush"})  # a given server is not emptied
OWN_POSTGRES_FAULTS = frozenset({"database-restart", "database-pause"})  # a given server is not stopped
GIVEN_POSTGRES_FAULTS = frozenset({"database-cut"})  # the connections to a given server are closed
FAILOVER_FAULTS = frozenset({"failover"})  # of the run's own servers
SERVER_FAULTS = (
    FAILOVER_FAULTS | REDIS_PROXY_FAULTS | OWN_REDIS_FAULTS | OWN_POSTGRES_FAULTS | GIVEN_POSTGRES_FAULTS
)
WEIGHTS = {"kill": 3}  # relative frequency; 1 for the others
NESTED_SHARE = 1 / 3  # of the faults of servers, which have another fault in the middle


@dataclass(frozen=True)
class Step:
    """One fault; times in seconds."""

    name: str
    delay_s: float  # after the recovery from the previous one
    instance: int
    duration_s: float
    crash: bool  # a crash instead of a shutdown, where both are possible
    nested: str = ""  # the name of another fault in the middle


def possible_faults(servers: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """Return the faults of instances and connections, and those of these servers."""
    available = frozenset[str]().union(*servers)
    return tuple(name for name in FAULT_NAMES if name in available or name not in SERVER_FAULTS)


def _nestable(name: str) -> tuple[str, ...]:
    """Return the faults that may be nested in a fault; without Redis, all of them."""
    if name == "redis-drop":  # a lost message is found within a second; a move before that may be wrong
        return ("kill", "remove", "revoke")
    if name in REDIS_PROXY_FAULTS:
        return ("kill", "remove", "revoke", "move")
    return ("kill",) if name in SERVER_FAULTS else ()


def generate_steps(seed: int, faults: Sequence[str], instances: int) -> Iterator[Step]:
    """Yield steps endlessly: each fault once, in a random order, then random ones by weight."""
    rng = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    names = [name for name in DURATION_RANGES_S if name in faults]
    pending = list(names)
    rng.shuffle(pending)
    while names:
        name = pending.pop() if pending else rng.choices(names, [WEIGHTS.get(name, 1) for name in names])[0]
        nestable = [each for each in _nestable(name) if each in names]
        has_nested = bool(nestable) and rng.random() < NESTED_SHARE
        yield Step(
            name=name,
            delay_s=round(rng.uniform(*DELAY_RANGE_S), 3),
            instance=rng.randrange(instances),
            duration_s=round(rng.uniform(*DURATION_RANGES_S[name]), 3),
            crash=rng.random() < 1 / 2,
            nested=rng.choice(nestable) if has_nested else "",
        )
