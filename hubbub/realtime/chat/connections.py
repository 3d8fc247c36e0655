"""Who is connected here: one client's socket, and the ways to find it."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.realtime.chat.paced_lock import PacedLock
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.namespace import NamespaceClient
from hubbub.schemas.events import Closing, OutgoingEvent
from hubbub.schemas.sync.connection import CloseCode
from hubbub.services.context import Context
from hubbub.services.instance.session_cache import AuthenticatedSession

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

MAX_FLOODING_S = 10.0
FLOODING_RESET_S = 2.0
SESSION_END_TTL_S = 60.0  # longer than a socket may take to come in


class Connection:
    """One client's socket, with one bounded way out and one ordered way in."""

    def __init__(
        self,
        client: NamespaceClient,
        auth_session: AuthenticatedSession,
        ctx: Context,
        max_output_bytes: int,
        event_rate: Rate | None,
    ) -> None:
        self.client = client
        self._eio_session = client.eio_session
        self.sid = client.sid
        self.namespace = client.namespace
        self.auth_session = auth_session
        self.user = auth_session.user
        self.session_id = auth_session.session_id
        self.expires_at: datetime = auth_session.expires_at
        self.warned_expires_at: datetime | None = (
            None  # the end of the token for which `auth:expiring` was sent
        )
        self.ctx = ctx
        self.rooms: set[UUID] = set()
        self.event_limiter = SingleKeyLimiter(event_rate)
        self.event_lock = PacedLock(
            paced=event_rate is not None
        )  # one for all sockets of the user: see `Connections.add`
        self.closed: bool = False
        self.epoch_outdated: bool = False  # its rooms were those of a history that is no more
        self.close_code: CloseCode | None = None  # what the server said when it closed the socket
        self.connected_at = 0.0  # in monotonic seconds, when `ready` was sent
        self.in_membership_cache = False
        self.accepted_from_cache = False  # whether it was accepted from memory that held everything
        self._max_output_bytes = max_output_bytes
        self._held_frames: list[frames.Frame] | None = []
        self._steps: deque[tuple[Callable[[], Awaitable[None]], bool]] = deque()
        self._running = False
        self._open_requests = 0
        self._requests_finished: asyncio.Future[None] | None = None
        self._flooding_since = 0.0
        self._last_rejection_at = float("-inf")

    @property
    def awaiting_ready(self) -> bool:
        """Whether `ready` is still to come: everything sent before is held back."""
        return self._held_frames is not None

    def send(self, frame: frames.Frame, *, hint: bool = False) -> None:
        """Queue a frame. Hints are dropped at half of the bound; past it the client is a slow consumer."""
        if self.closed:
            return
        if self._held_frames is not None:
            self._held_frames.append(frame)
            return
        waiting_bytes = self._eio_session.transport.waiting_bytes + frame.size
        if waiting_bytes > self._max_output_bytes:
            metrics.count("slow_consumers")
            self.close(
                CloseCode.SLOW_CONSUMER, "You do not take what is sent to you. Connect again and sync."
            )
        elif not hint or waiting_bytes * 2 <= self._max_output_bytes:
            self.client.send(frame)
        else:
            metrics.count("hints_dropped")

    def release(self, first: frames.Frame) -> None:
        """Send `first`, then what was held back until then."""
        held_frames, self._held_frames = self._held_frames or [], None
        for frame in (first, *held_frames):
            self.send(frame)

    def drop_held(self) -> None:
        """Forget what was held back, if anything still is."""
        if self._held_frames is not None:
            self._held_frames = []

    def emit(self, event: OutgoingEvent) -> None:
        """Send an event to this client alone."""
        self.send(frames.encode_event(self.namespace, event))

    # Events: one after the other, but for those that are begun and answered later.

    @property
    def idle(self) -> bool:
        """Whether nothing waits for its turn: what comes now may begin at once."""
        return not self._running

    @property
    def busy(self) -> bool:
        """Whether something that the client asked is not answered yet."""
        return self._running or self._open_requests > 0

    def enqueue(self, step: Callable[[], Awaitable[None]], *, pipelined: bool = False) -> None:
        """Run `step` after all that came before it; a step that `begins` does not wait for their answers."""
        self._steps.append((step, pipelined))
        if not self._running:
            self._running = True
            tasks.spawn(self._run(), name="events of a connection")

    async def _run(self) -> None:
        try:
            while self._steps and not self.closed:
                step, pipelined = self._steps.popleft()
                if self._open_requests and not pipelined:
                    self._requests_finished = asyncio.get_running_loop().create_future()
                    await self._requests_finished
                await step()
        finally:
            self._running = False

    def request_started(self) -> None:
        """One event more whose answer is to come; must be paired with `answered`."""
        self._open_requests += 1

    def request_finished(self) -> None:
        """What was begun has its answer."""
        self._open_requests -= 1
        if not self._open_requests and self._requests_finished is not None:
            if not self._requests_finished.done():
                self._requests_finished.set_result(None)
            self._requests_finished = None

    def record_rejection(self) -> None:
        """A limit was hit. Who goes on for 10 s is sent away."""
        now = clock.monotonic()
        if now - self._last_rejection_at > FLOODING_RESET_S:
            self._flooding_since = now
        self._last_rejection_at = now
        if now - self._flooding_since >= MAX_FLOODING_S:
            metrics.count("flooding_sockets")
            self.close(CloseCode.FLOODING, "Too many events for too long.")

    def close(self, code: CloseCode, message: str, retry_after_ms: int | None = None) -> None:
        """Say why, then end the socket: for good, or so that a stock client comes back.

        After `protocol_error` the caller closes the transport, with the close code of its cause.
        """
        if self.closed:
            return
        self._held_frames = None
        closing = Closing(code=code, message=message, retry_after_ms=retry_after_ms)
        self.client.send(frames.encode_event(self.namespace, closing))
        self.closed = True
        self.close_code = code
        metrics.count("sockets_closed", code)
        if code is CloseCode.PROTOCOL_ERROR:
            return  # the transport ends with the close code of a malformed packet
        if not code.reconnects:
            self.client.end_namespace()
        elif code is CloseCode.SLOW_CONSUMER:
            self.client.abort()
        else:
            self.client.end_transport()


class Connections:
    """The sockets of one namespace, by sid, user and session."""

    def __init__(self) -> None:
        self.by_sid: dict[str, Connection] = {}
        self.empty = asyncio.Event()
        self.empty.set()
        self._by_user: dict[UUID, dict[str, Connection]] = {}
        self._ended_at: OrderedDict[UUID, float] = (
            OrderedDict()
        )  # oldest first, none older than `ENDS_S` is needed

    def __len__(self) -> int:
        return len(self.by_sid)

    def record_end(self, ended_id: UUID) -> None:
        """A session, or all of a user, came to its end now: sockets on their way in must not miss it."""
        now = clock.monotonic()
        self._ended_at[ended_id] = now
        self._ended_at.move_to_end(ended_id)
        while now - next(iter(self._ended_at.values())) >= SESSION_END_TTL_S:
            self._ended_at.popitem(last=False)

    def ended_since(self, since: float, *ids: UUID) -> bool:
        """Whether one of these came to its end since then."""
        return any(self._ended_at.get(each, 0.0) >= since for each in ids)

    def add(self, connection: Connection) -> None:
        """Know a socket from now on. All sockets of a user share the turn of the first of them."""
        self.by_sid[connection.sid] = connection
        self.empty.clear()
        own = self._by_user.setdefault(connection.user.id, {})
        for other in own.values():
            connection.event_lock = other.event_lock
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

    def count_of_user(self, user_id: UUID) -> int:
        return len(self._by_user.get(user_id, ()))
