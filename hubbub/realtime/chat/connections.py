"""Who is connected here: one client's socket, and the ways to find it."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.token_bucket import TokenBucket
from hubbub.realtime.chat.turns import Turn
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.manager import NamespaceClient
from hubbub.schemas.sync.connection import Closing
from hubbub.services.context import Context
from hubbub.services.instance.session_cache import AuthenticatedSession

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

FLOOD_S = 10.0
FLOOD_PAUSE_S = 2.0
ENDS_S = 60.0  # longer than a socket may take to come in

STAY_AWAY = frozenset({"token_expired", "session_revoked", "suspended", "flooding"})


class Connection:
    """One client's socket, with one bounded way out and one ordered way in."""

    def __init__(
        self,
        link: NamespaceClient,
        admitted: AuthenticatedSession,
        ctx: Context,
        max_output: int,
        rate: Rate | None,
    ) -> None:
        self.link = link
        self._session = link.session
        self.sid = link.sid
        self.namespace = link.namespace
        self.admitted = admitted
        self.user = admitted.user
        self.session_id = admitted.session_id
        self.expires_at: datetime = admitted.expires_at
        self.warned_of: datetime | None = None  # the end of the token for which `auth:expiring` was sent
        self.ctx = ctx
        self.rooms: set[UUID] = set()
        self.events = TokenBucket(rate)
        self.turn = Turn(paced=rate is not None)  # one for all sockets of the user: see `Connections.add`
        self.gone: bool = False
        self.outdated: bool = False  # its rooms were those of a history that is no more
        self.close_code = ""  # what the server said when it closed the socket
        self.connected_at = 0.0  # in monotonic seconds, when `ready` was sent
        self.entered = False
        self.current = False  # whether it was accepted from memory that held everything
        self._max_output = max_output
        self._held: list[frames.Frame] | None = []
        self._inbox: deque[tuple[Callable[[], Awaitable[None]], bool]] = deque()
        self._working = False
        self._begun = 0
        self._answers: asyncio.Future[None] | None = None
        self._flooding_since = 0.0
        self._refused_at = float("-inf")

    @property
    def held(self) -> bool:
        """Whether `ready` is still to come: everything sent before is held back."""
        return self._held is not None

    def send(self, frame: frames.Frame, *, hint: bool = False) -> None:
        """Queue a frame. Hints are dropped at half of the bound; past it the client is a slow consumer."""
        if self.gone:
            return
        if self._held is not None:
            self._held.append(frame)
            return
        waiting = self._session.way.waiting_bytes + frame.size
        if waiting > self._max_output:
            metrics.count("slow_consumers")
            self.close("slow_consumer", "You do not take what is sent to you. Connect again and sync.")
        elif not hint or waiting * 2 <= self._max_output:
            self.link.send(frame)
        else:
            metrics.count("hints_dropped")

    def release(self, first: frames.Frame) -> None:
        """Send `first`, then what was held back until then."""
        held, self._held = self._held or [], None
        for frame in (first, *held):
            self.send(frame)

    def start_over(self) -> None:
        """Forget what was held back, if anything still is."""
        if self._held is not None:
            self._held = []

    def emit(self, name: str, payload: object, *, hint: bool = False) -> None:
        """Send an event to this client alone."""
        self.send(frames.event_of(self.namespace, name, payload), hint=hint)

    # Events: one after the other, but for those that are begun and answered later.

    @property
    def free(self) -> bool:
        """Whether nothing waits for its turn: what comes now may begin at once."""
        return not self._working

    @property
    def busy(self) -> bool:
        """Whether something that the client asked is not answered yet."""
        return self._working or self._begun > 0

    def work(self, step: Callable[[], Awaitable[None]], *, begins: bool = False) -> None:
        """Run `step` after all that came before it; a step that `begins` does not wait for their answers."""
        self._inbox.append((step, begins))
        if not self._working:
            self._working = True
            tasks.spawn(self._run(), name="events of a connection")

    async def _run(self) -> None:
        try:
            while self._inbox and not self.gone:
                step, begins = self._inbox.popleft()
                if self._begun and not begins:
                    self._answers = asyncio.get_running_loop().create_future()
                    await self._answers
                await step()
        finally:
            self._working = False

    def begun(self) -> None:
        """One event more whose answer is to come; must be paired with `answered`."""
        self._begun += 1

    def answered(self) -> None:
        """What was begun has its answer."""
        self._begun -= 1
        if not self._begun and self._answers is not None:
            if not self._answers.done():
                self._answers.set_result(None)
            self._answers = None

    def refused(self) -> None:
        """A limit was hit. Who goes on for 10 s is sent away."""
        now = clock.monotonic()
        if now - self._refused_at > FLOOD_PAUSE_S:
            self._flooding_since = now
        self._refused_at = now
        if now - self._flooding_since >= FLOOD_S:
            metrics.count("flooding_sockets")
            self.close("flooding", "Too many events for too long.")

    def close(self, code: str, message: str, retry_after_ms: int | None = None) -> None:
        """Say why, then end the socket: for good, or so that a stock client comes back.

        After `protocol_error` the caller closes the transport, with the close code of its cause.
        """
        if self.gone:
            return
        self._held = None
        closing = Closing(code=code, message=message, retry_after_ms=retry_after_ms)
        self.link.send(frames.event_of(self.namespace, "closing", closing))
        self.gone = True
        self.close_code = code
        metrics.count("sockets_closed", code)
        if code == "protocol_error":
            return  # the transport ends with the close code of a malformed packet
        if code in STAY_AWAY:
            self.link.end_namespace()
        elif code == "slow_consumer":
            self.link.abort()
        elif code != "protocol_error":
            self.link.end_transport()


class Connections:
    """The sockets of one namespace, by sid, user and session."""

    def __init__(self) -> None:
        self.by_sid: dict[str, Connection] = {}
        self.empty = asyncio.Event()
        self.empty.set()
        self._by_user: dict[UUID, dict[str, Connection]] = {}
        self._ends: OrderedDict[UUID, float] = (
            OrderedDict()
        )  # oldest first, none older than `ENDS_S` is needed

    def __len__(self) -> int:
        return len(self.by_sid)

    def note_end(self, ended: UUID) -> None:
        """A session, or all of a user, came to its end now: sockets on their way in must not miss it."""
        now = clock.monotonic()
        self._ends[ended] = now
        self._ends.move_to_end(ended)
        while now - next(iter(self._ends.values())) >= ENDS_S:
            self._ends.popitem(last=False)

    def ended_since(self, began: float, *ids: UUID) -> bool:
        """Whether one of these came to its end since then."""
        return any(self._ends.get(each, 0.0) >= began for each in ids)

    def add(self, connection: Connection) -> None:
        """Know a socket from now on. All sockets of a user share the turn of the first of them."""
        self.by_sid[connection.sid] = connection
        self.empty.clear()
        own = self._by_user.setdefault(connection.user.id, {})
        for other in own.values():
            connection.turn = other.turn
            break
        own[connection.sid] = connection

    def remove(self, sid: str) -> Connection | None:
        """Forget a socket; None if it is not known."""
        connection = self.by_sid.pop(sid, None)
        if connection is not None:
            own = self._by_user[connection.user.id]
            del own[sid]
            if not self.by_sid:
                self.empty.set()
            if not own:
                del self._by_user[connection.user.id]
        return connection

    def of_user(self, user_id: UUID) -> list[Connection]:
        """The user's sockets here."""
        return list(self._by_user.get(user_id, {}).values())

    def count_of(self, user_id: UUID) -> int:
        return len(self._by_user.get(user_id, ()))
