"""A running hubbub as those see it who operate it."""

from hubbub.schemas.base import View


class Instance(View):
    """`rooms` are those with somebody who is connected to it; `current` is the one that answers."""

    id: str
    started_at: str
    connections: int
    users: int
    rooms: int
    draining: bool
    current: bool


class Realtime(View):
    """`connections` and `rooms` are sums: a room with people on two instances counts on each of them.

    Not `complete` while Redis is away: then only the instance that answers is known.
    """

    connections: int
    rooms: int
    complete: bool
    instances: list[Instance]


class InstanceDetail(View):
    """This instance; `jobs` counts those of all instances by their state."""

    version: str
    instance: Instance | None
    database: str
    jobs: dict[str, int]
