"""A running hubbub as those see it who operate it."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.base import View


class Instance(View):
    """`rooms` are those with somebody who is connected to it; `current` is the one that answers."""

    id: Annotated[str, Meta(description="Generated at every start of the process.")]
    started_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    connections: Annotated[int, Meta(description="Open sockets on this instance.")]
    users: Annotated[int, Meta(description="Distinct users with a socket on this instance.")]
    rooms: Annotated[int, Meta(description="Rooms with a member who is connected to this instance.")]
    draining: Annotated[bool, Meta(description="True after SIGTERM: it closes its connections.")]
    current: Annotated[bool, Meta(description="True for the instance that sent this response.")]


class Realtime(View):
    """`connections` and `rooms` are sums: a room with people on two instances counts on each of them.

    Not `complete` while Redis is away: then only the instance that answers is known.
    """

    connections: Annotated[int, Meta(description="Open sockets on all instances.")]
    rooms: Annotated[
        int,
        Meta(
            description=("Sum over instances. A room with connected members on two instances counts twice.")
        ),
    ]
    complete: Annotated[
        bool, Meta(description="False while Redis is unavailable: only this instance is then counted.")
    ]
    instances: Annotated[list[Instance], Meta(description="Every running `hubbub serve` of the deployment.")]


class InstanceDetail(View):
    """This instance; `jobs` counts those of all instances by their state."""

    version: str
    instance: Instance | None
    database: str
    jobs: dict[str, int]
