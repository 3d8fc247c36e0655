"""Views of the running instances, for administrators."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.base import View


class Instance(View):
    """`rooms` are those with a connected member; `current` is the instance that responds."""

    id: Annotated[str, Meta(description="Generated at every start of the process.")]
    started_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    connections: Annotated[int, Meta(description="Open sockets on this instance.")]
    users: Annotated[int, Meta(description="Distinct users with a socket on this instance.")]
    rooms: Annotated[int, Meta(description="Rooms with a member who is connected to this instance.")]
    draining: Annotated[bool, Meta(description="True after SIGTERM: it closes its connections.")]
    current: Annotated[bool, Meta(description="True for the instance that sent this response.")]


class Realtime(View):
    """`connections` and `rooms` are sums: a room with members on two instances counts on each of them.

    `complete` is false while Redis is unavailable: then only the responding instance is listed.
    """

    connections: Annotated[int, Meta(description="Open sockets on all instances.")]
    rooms: Annotated[
        int,
        Meta(description="Sum over instances. A room with connected members on two instances counts twice."),
    ]
    complete: Annotated[
        bool, Meta(description="False while Redis is unavailable: only this instance is then counted.")
    ]
    instances: Annotated[list[Instance], Meta(description="Every running `hubbub serve` of the deployment.")]


class InstanceDetail(View):
    """This instance. `jobs` counts those of all instances by state."""

    version: str
    instance: Instance | None
    database: str
    jobs: dict[str, int]
