"""Which fault comes when: a pure function of the seed, so that a run can be told again."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

GAP_S = (0.4, 2.0)  # between the end of a fault's effects and the next one
QUIET_S = 1.0  # at the beginning

# How long each takes, at least and at most, in seconds; what it does is in faults.py and probes.py.
LASTS: dict[str, tuple[float, float]] = {
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
PRESENCE = "presence"  # tried once, at the end
NAMES = (*LASTS, PRESENCE)

REDIS = frozenset({"redis-down", "redis-drop", "redis-pause"})  # by the relay in front of it
OWN_REDIS = frozenset({"redis-flush"})  # a server that was given is not emptied
OWN_POSTGRES = frozenset({"database-restart", "database-pause"})  # nor stopped
GIVEN_POSTGRES = frozenset({"database-cut"})  # but the way to it is
FAILOVER = frozenset({"failover"})  # of the run's own servers
SERVERS = FAILOVER | REDIS | OWN_REDIS | OWN_POSTGRES | GIVEN_POSTGRES
OFTEN = {"kill": 3}  # shares; 1 for the others
TWOFOLD = 1 / 3  # of the faults of servers have another one in their middle


@dataclass(frozen=True)
class Step:
    """One fault: how long after the last one is over, on which instance, for how long; seconds."""

    name: str
    gap: float
    instance: int
    lasts: float
    hard: bool  # a crash and not a shutdown, where there is a choice
    during: str = ""  # another one that comes in the middle


def possible(servers: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """The faults of instances and connections, and those of these servers."""
    there = frozenset[str]().union(*servers)
    return tuple(name for name in NAMES if name in there or name not in SERVERS)


def _beside(name: str) -> tuple[str, ...]:
    """What else may come in the middle of a fault: without Redis, all of it."""
    if name == "redis-drop":  # a single loss is found within a second: until then a move may be untrue
        return ("kill", "remove", "revoke")
    if name in REDIS:
        return ("kill", "remove", "revoke", "move")
    return ("kill",) if name in SERVERS else ()


def steps(seed: int, faults: Sequence[str], instances: int) -> Iterator[Step]:
    """Without end: each fault once, in a random order, then at random by their shares."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    names = [name for name in LASTS if name in faults]
    first = list(names)
    chance.shuffle(first)
    while names:
        name = first.pop() if first else chance.choices(names, [OFTEN.get(name, 1) for name in names])[0]
        beside = [each for each in _beside(name) if each in names]
        twofold = bool(beside) and chance.random() < TWOFOLD
        yield Step(
            name=name,
            gap=round(chance.uniform(*GAP_S), 3),
            instance=chance.randrange(instances),
            lasts=round(chance.uniform(*LASTS[name]), 3),
            hard=chance.random() < 1 / 2,
            during=chance.choice(beside) if twofold else "",
        )
