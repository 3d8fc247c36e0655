"""What an instance knows by heart: the standing of the users who are connected to it.

With it an ordinary message is accepted or refused without a query. It is kept true by the bus; because the
bus may lose a signal, every write that relied on it compares the room's `member_version` under the room's
lock (`appender`), so that a removed member gets nothing in.
"""

from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from hubbub.cluster.bus import MemberChanged, MemberJoined, Signal
from hubbub.core.limits import Bucket, Rate
from hubbub.schemas.users import User

REPEATS_REMEMBERED = 64


@dataclass(slots=True)
class Standing:
    """What a user is in a room, at the room's `version`."""

    room_id: UUID
    kind: str
    role: str
    muted: bool
    version: int


@dataclass(slots=True)
class Card:
    """What is known of a room in which a resident is."""

    kind: str
    member_count: int
    users: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class Resident:
    """A user with at least one socket here."""

    user: User
    messages: Bucket
    rooms: dict[UUID, Standing] = field(default_factory=dict)
    recent: deque[UUID] = field(default_factory=lambda: deque(maxlen=REPEATS_REMEMBERED))
    sockets: int = 0
    loaded: bool = False  # whether `rooms` is complete
    version: int = 0  # counts changes that signals made, so that a slower reading can tell it is old


class Residents:
    """The users who are connected here."""

    def __init__(self, message_rate: Rate | None) -> None:
        self._rate = message_rate
        self._users: dict[UUID, Resident] = {}
        self.rooms: dict[UUID, Card] = {}

    def __len__(self) -> int:
        return len(self._users)

    def get(self, user_id: UUID) -> Resident | None:
        """The user, if they are connected here and their memberships are known."""
        resident = self._users.get(user_id)
        return resident if resident is not None and resident.loaded else None

    def enter(self, user: User) -> Resident:
        """One more socket of this user; must be paired with `leave`."""
        resident = self._users.get(user.id)
        if resident is None:
            resident = self._users[user.id] = Resident(user, Bucket(self._rate))
        resident.sockets += 1
        return resident

    def leave(self, user_id: UUID) -> None:
        """One socket less; the last one takes the user's knowledge with it."""
        resident = self._users.get(user_id)
        if resident is None:
            return
        resident.sockets -= 1
        if resident.sockets == 0:
            for room_id in list(resident.rooms):
                self._drop(resident, room_id)
            del self._users[user_id]

    def learn(self, user_id: UUID, standing: Standing, member_count: int) -> None:
        """A membership as the database has it."""
        resident = self._users.get(user_id)
        if resident is None:
            return
        resident.rooms[standing.room_id] = standing
        card = self.rooms.get(standing.room_id)
        if card is None:
            card = self.rooms[standing.room_id] = Card(standing.kind, member_count)
        card.member_count = member_count
        card.users.add(user_id)

    def forget(self, user_id: UUID, room_id: UUID) -> None:
        """The membership is over."""
        if (resident := self._users.get(user_id)) is not None:
            resident.version += 1
            self._drop(resident, room_id)

    def _drop(self, resident: Resident, room_id: UUID) -> None:
        resident.rooms.pop(room_id, None)
        card = self.rooms.get(room_id)
        if card is not None:
            card.users.discard(resident.user.id)
            if not card.users:
                del self.rooms[room_id]

    def hear(self, signal: Signal) -> None:
        """Keep what is known true. First listener of the bus: the others may rely on it."""
        if isinstance(signal, MemberJoined):
            self._joined(signal)
        elif isinstance(signal, MemberChanged):
            self._changed(signal)

    def _joined(self, signal: MemberJoined) -> None:
        resident = self._users.get(signal.user_id)
        if resident is None or signal.room.my is None:
            return
        my = signal.room.my
        resident.version += 1
        standing = Standing(signal.room_id, signal.room.kind, my.role, my.muted, signal.version)
        self.learn(signal.user_id, standing, signal.room.member_count)

    def _changed(self, signal: MemberChanged) -> None:
        if signal.ended:
            self.forget(signal.user_id, signal.room_id)
            return
        resident = self._users.get(signal.user_id)
        standing = resident.rooms.get(signal.room_id) if resident is not None else None
        if resident is None or standing is None:
            return
        resident.version += 1
        standing.role = signal.role or standing.role
        if signal.muted is not None:
            standing.muted = signal.muted

    def counted(self, room_id: UUID, member_count: int) -> None:
        """How many members a room has now; asked for once a second, which is exact enough for audiences."""
        if (card := self.rooms.get(room_id)) is not None:
            card.member_count = member_count
