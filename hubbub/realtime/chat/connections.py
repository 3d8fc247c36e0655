"""The connected sockets of the namespace, and their lookup by sid, user and session."""

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

MAX_FLOODING_S = 10.0  # for which a socket may exceed its limit
FLOODING_RESET_S = 2.0  # without a rejection, after which that time starts again
SESSION_END_TTL_S = 60.0  # longer than a connect may take


class Connection:
    """One client's socket, with a bounded output queue and an ordered input queue."""

    def __init__(
        self,
        client: NamespaceClient,
        auth_session: AuthenticatedSession,
        ctx: Context,
        max_output_bytes: int,
        event_rate: Rate | None,
    ) -> None:
        self.client = client  # its Socket.IO connection
        self._eio_session = client.eio_session  # the Engine.IO session below it
        self.sid = client.sid  # Socket.IO id
        self.namespace = client.namespace  # name in each packet
        self.auth_session = auth_session  # the session as it was authenticated at the connect
        self.user = auth_session.user  # updated when the account changes
        self.session_id = auth_session.session_id
        self.expires_at: datetime = auth_session.expires_at  # of the latest access token
        self.warned_expires_at: datetime | None = None  # `expires_at` for which `auth:expiring` was sent
        self.ctx = ctx  # the context of all its operations
        self.rooms: set[UUID] = set()  # rooms whose entries it receives
        self.event_limiter = SingleKeyLimiter(event_rate)  # limits its events
        self.event_lock = PacedLock(paced=event_rate is not None)  # one per user: see `Connections.add`
        self.closed: bool = False  # whether nothing is sent or handled any more
        self.epoch_outdated: bool = False  # whether the epoch changed: its rooms were of an earlier history
        self.close_code: CloseCode | None = None  # the code with which the server closed the socket
        self.connected_at = 0.0  # monotonic time when `ready` was sent; 0: not yet
        self.in_membership_cache = False  # whether the membership cache counts this socket
        self.accepted_from_cache = False  # whether it was accepted from caches that were up to date
        self._max_output_bytes = max_output_bytes  # unread bytes above which it is a slow consumer
        self._held_frames: list[frames.Frame] | None = []  # frames for after `ready`; None: sent at once
        self._steps: deque[tuple[Callable[[], Awaitable[None]], bool]] = deque()  # step, whether pipelined
        self._running = False  # whether the task that runs `_steps` exists
        self._open_requests = 0  # pipelined events without their ack
        self._requests_finished: asyncio.Future[None] | None = None  # resolved when there are none
        self._flooding_since = 0.0  # monotonic time of the first of the current series of rejections
        self._last_rejection_at = float("-inf")  # monotonic time

    @property
    def awaiting_ready(self) -> bool:
        """Whether `ready` was not sent yet. All other frames are held until then."""
        return self._held_frames is not None

    def send(self, frame: frames.Frame, *, hint: bool = False) -> None:
        """Queue a frame. Drop a hint above half of the output limit. Close the socket above the limit."""
        if self.closed:
            return
        if self._held_frames is not None:
            self._held_frames.append(frame)
            return
        waiting_bytes = self._eio_session.transport.waiting_bytes + frame.size
        if waiting_bytes > self._max_output_bytes:
            metrics.count("slow_consumers")
            self.close(CloseCode.SLOW_CONSUMER, "The client reads too slowly. Reconnect and sync.")
        elif not hint or waiting_bytes * 2 <= self._max_output_bytes:
            self.client.send(frame)
        else:
            metrics.count("hints_dropped")

    def release(self, first: frames.Frame) -> None:
        """Send `first`, then the held frames."""
        held_frames, self._held_frames = self._held_frames or [], None
        for frame in (first, *held_frames):
            self.send(frame)

    def drop_held(self) -> None:
        """Drop the held frames. Does nothing after `release`."""
        if self._held_frames is not None:
            self._held_frames = []

    def emit(self, event: OutgoingEvent) -> None:
        """Send an event to this socket only."""
        self.send(frames.encode_event(self.namespace, event))

    # Events run one after the other, except pipelined ones, whose acks follow later.

    @property
    def idle(self) -> bool:
        """Whether no step waits or runs, so that an event may begin at once."""
        return not self._running

    @property
    def busy(self) -> bool:
        """Whether an event of the client is not finished."""
        return self._running or self._open_requests > 0

    def enqueue(self, step: Callable[[], Awaitable[None]], *, pipelined: bool = False) -> None:
        """Run `step` after all earlier steps. A pipelined one does not wait for acks of pipelined ones."""
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
        """Count a pipelined event. Must be paired with `request_finished`."""
        self._open_requests += 1

    def request_finished(self) -> None:
        """Record that a pipelined event has its result."""
        self._open_requests -= 1
        if not self._open_requests and self._requests_finished is not None:
            if not self._requests_finished.done():
                self._requests_finished.set_result(None)
            self._requests_finished = None

    def record_rejection(self) -> None:
        """Record an event over the limit. A socket that continues for MAX_FLOODING_S is closed."""
        now = clock.monotonic()
        if now - self._last_rejection_at > FLOODING_RESET_S:
            self._flooding_since = now
        self._last_rejection_at = now
        if now - self._flooding_since >= MAX_FLOODING_S:
            metrics.count("flooding_sockets")
            self.close(CloseCode.FLOODING, "Too many events for too long.")

    def close(self, code: CloseCode, message: str, retry_after_ms: int | None = None) -> None:
        """Send `closing`, then close the socket. The code decides whether a stock client reconnects.

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
        self.by_sid: dict[str, Connection] = {}  # all sockets
        self.empty = asyncio.Event()  # set while there are no sockets
        self.empty.set()
        self._by_user: dict[UUID, dict[str, Connection]] = {}  # by user id and sid
        # By id of a session or user: the monotonic time of its end. The oldest is first, and none is older
        # than SESSION_END_TTL_S.
        self._ended_at: OrderedDict[UUID, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self.by_sid)

    def record_end(self, ended_id: UUID) -> None:
        """Record that a session, or all sessions of a user, ended now, for connects that are in progress."""
        now = clock.monotonic()
        self._ended_at[ended_id] = now
        self._ended_at.move_to_end(ended_id)
        while now - next(iter(self._ended_at.values())) >= SESSION_END_TTL_S:
            self._ended_at.popitem(last=False)

    def ended_since(self, since: float, *ids: UUID) -> bool:
        """Return whether a session or user with one of these ids ended since a monotonic time."""
        return any(self._ended_at.get(each, 0.0) >= since for each in ids)

    def add(self, connection: Connection) -> None:
        """Add a socket. All sockets of a user share the event lock of the first of them."""
        self.by_sid[connection.sid] = connection
        self.empty.clear()
        own = self._by_user.setdefault(connection.user.id, {})
        for other in own.values():
            connection.event_lock = other.event_lock
            break
        own[connection.sid] = connection

    def remove(self, sid: str) -> Connection | None:
        """Remove a socket and return it, None if it is unknown."""
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
        """Return the user's sockets on this instance."""
        return list(self._by_user.get(user_id, {}).values())

    def count_of_user(self, user_id: UUID) -> int:
        return len(self._by_user.get(user_id, ()))
