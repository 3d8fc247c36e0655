"""The definition of an attack: a name, and the steps of each of its connections."""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import count

DEFAULT_CONNECTIONS = 20


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait until the pattern is found in the input. The step returns its first group."""

    pattern: bytes


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class KeepOpen:
    """Leave the connection open and send nothing, until the server ends it."""


ANY_RESPONSE = WaitFor(b"()")  # any input
KEEP_OPEN = KeepOpen()
# Bytes are sent. After the last step the connection is reset and another one is opened.
Step = bytes | WaitFor | Sleep | KeepOpen
Steps = Generator[Step, str, None]


@dataclass(frozen=True, slots=True)
class Target:
    """An instance, and the tokens and ids that an attacker has."""

    port: int
    source_ip: str  # the IP address that the attack comes from
    token: str = ""  # of an ordinary account
    refresh_token: str = ""
    user_id: str = ""
    room_id: str = ""  # a room with many members, one of which is the account
    own_room_id: str = ""  # a room without other members
    message_ids: list[str] = field(default_factory=list)  # in the first room
    user_ids: list[str] = field(default_factory=list)  # other users, at least 100
    room_ids: list[str] = field(default_factory=list)  # all rooms of the account
    api_key: str = ""
    expired_token: str = ""  # tokens that are refused, one kind each
    foreign_token: str = ""  # signed with another key
    suspended_token: str = ""  # of a suspended user
    ended_token: str = ""  # of a session that was logged out
    email: str = ""  # of another user
    seed: int = 1

    def rng(self) -> random.Random:
        """Return a random generator that follows from the seed."""
        return random.Random(self.seed)


@dataclass(frozen=True, slots=True)
class Script:
    """The behaviour of an attacking process. `steps` is called with the number of each new connection."""

    steps: Callable[[int], Steps]
    connections: int = DEFAULT_CONNECTIONS
    reads: bool = True  # reads the output of the server
    per_s: float = float("inf")  # highest number of new connections per second


@dataclass(frozen=True, slots=True)
class Attack:
    """A named attack, a row of the table."""

    name: str
    description: str
    script: Callable[[Target], Script]
    needs_account: bool = False  # needs an ordinary account
    quick: bool = False  # part of `make test`


def flood(
    opening: bytes,
    repeat: bytes,
    *,
    until: bytes = b"",
    connections: int = DEFAULT_CONNECTIONS,
    reads: bool = True,
) -> Script:
    """Send the opening on each connection, wait for the pattern, and repeat one chunk endlessly."""

    def steps(_: int) -> Steps:
        if opening:
            yield opening
        if until:
            yield WaitFor(until)
        while True:
            yield repeat

    return Script(steps, connections, reads)


def stream(
    opening: bytes,
    chunk: Callable[[int], bytes],
    *,
    until: bytes = b"",
    connections: int = DEFAULT_CONNECTIONS,
    reads: bool = True,
) -> Script:
    """Do as `flood`, with chunks that are computed from their number."""
    numbers = count()

    def steps(_: int) -> Steps:
        if opening:
            yield opening
        if until:
            yield WaitFor(until)
        while True:
            yield chunk(next(numbers))

    return Script(steps, connections, reads)


def storm(
    data: bytes | Callable[[int], bytes], *, wait_for_response: bool = True, connections: int = 20
) -> Script:
    """Send once on each connection, wait for a response (or not), and open another one."""

    def steps(number: int) -> Steps:
        yield data if isinstance(data, bytes) else data(number)
        if wait_for_response:
            yield ANY_RESPONSE

    return Script(steps, connections)


def idle(opening: bytes, chunk: bytes = b"", *, connections: int = 900, every_s: float = 1.0) -> Script:
    """Send the opening on each connection, then a small chunk at intervals or nothing, and keep it open."""

    def steps(_: int) -> Steps:
        if opening:
            yield opening
        while chunk:
            yield Sleep(every_s)
            yield chunk
        yield KEEP_OPEN

    return Script(steps, connections)
