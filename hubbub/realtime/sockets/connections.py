"""The connected sockets of a namespace, and their lookup by sid, user and session."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.namespace import NamespaceClient
from hubbub.realtime.sockets.ended_sessions import EndedSessions
from hubbub.realtime.sockets.paced_lock import PacedLock
from hubbub.schemas.events import Closing, OutgoingEvent
from hubbub.schemas.sync.connection import CloseCode
from hubbub.services.context import Context
from hubbub.services.instance.session_cache import AuthenticatedSession

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

MAX_FLOODING_S = 10.0  # for which a socket may exceed its limit
FLOODING_RESET_S = 2.0  # without a rejection, after which that time starts again


class Connection:
    """One client's socket, with a bounded output queue and an ordered input queue."""

    # Without slots, the dictionary of this many attributes is 0.8 kB more for each socket.
    __slots__ = (
        "_eio_session", "_flooding_since", "_held_frames", "_last_rejection_at",
        "_max_output_bytes", "_open_requests", "_requests_finished", "_running", "_steps",
        "accepted_from_cache", "active_in", "auth_session", "client", "close_code", "closed", "connected_at",
        "ctx", "epoch_outdated", "event_limiter", "expires_at", "in_membership_cache", "namespace", "rooms",
        "session_id", "shared_lock", "sid", "user", "user_sockets", "warned_expires_at",
    )  # fmt: skip

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
        self.shared_lock: PacedLock | None = None  # that of `event_lock`; None until the user's first event
        self.user_sockets: UserSockets | None = None  # has the user's other sockets; set by `add`
        self.closed: bool = False  # whether nothing is sent or handled any more
        self.epoch_outdated: bool = False  # whether the epoch changed: its rooms were of an earlier history
        self.close_code: CloseCode | None = None  # the code with which the server closed the socket
        self.connected_at = 0.0  # monotonic time when `ready` was sent; 0: not yet
        self.in_membership_cache = False  # whether the membership cache counts this socket
        self.active_in = -1  # the interval of ActivityTracker in which its user was last recorded
        self.accepted_from_cache = False  # whether it was accepted from caches that were up to date
        self._max_output_bytes = max_output_bytes  # unread bytes above which it is a slow consumer
        self._held_frames: list[frames.Frame] | None = []  # frames for after `ready`; None: sent at once
        # Each step, and whether it is pipelined. None while there are none: an empty deque is 0.6 kB.
        self._steps: deque[tuple[Callable[[], Awaitable[None]], bool]] | None = None
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
        transport = self._eio_session.transport
        if not transport.stalled and (transport.output_bytes + frame.size) * 2 <= self._max_output_bytes:
            self.client.send(frame)  # nearly always
            return
        waiting_bytes = transport.waiting_bytes + frame.size
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
    def event_lock(self) -> PacedLock:
        """The lock that all sockets of the user share, in all namespaces."""
        lock = self.shared_lock
        if lock is None:
            sockets = self.user_sockets.of_user(self.user.id) if self.user_sockets is not None else []
            locks = (each.shared_lock for each in sockets if each.shared_lock is not None)
            lock = next(locks, None) or PacedLock(paced=self.event_limiter.limits)
            for each in (self, *sockets):
                each.shared_lock = lock
        return lock

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
        if self._steps is None:
            self._steps = deque()
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
            if not self._steps:
                self._steps = None

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
        closing = Closing(code=code, message=message, retry_after_ms=retry_after_ms)
        if not self.mark_closed(closing):
            return
        if code is CloseCode.PROTOCOL_ERROR:
            return  # the transport ends with the close code of a malformed packet
        if not code.reconnects:
            self.client.end_namespace()
            return
        self.client.announce_transport_end(closing)
        if code is CloseCode.SLOW_CONSUMER:
            self.client.abort()
        else:
            self.client.end_transport()

    def mark_closed(self, closing: Closing) -> bool:
        """Send `closing`, after which nothing is sent or handled. Return False if it was closed before."""
        if self.closed:
            return False
        self._held_frames = None
        self.client.send(frames.encode_event(self.namespace, closing))
        self.closed = True
        self.close_code = closing.code
        metrics.count("sockets_closed", closing.code)
        return True


class UserSockets:
    """The sockets of each user in all namespaces: they share a limit, and the user's event lock."""

    def __init__(self) -> None:
        # By user id: the socket, or several. Nearly always it is one, which needs no list.
        self._by_user: dict[UUID, Connection | list[Connection]] = {}
        self._count = 0  # of all sockets
        self.ended_sessions = EndedSessions()  # for connects that are in progress

    def __len__(self) -> int:
        return self._count

    def add(self, connection: Connection) -> None:
        """Add a socket. It shares the event lock of the user's other sockets."""
        user_id = connection.user.id
        connection.user_sockets = self
        self._count += 1
        own = self._by_user.get(user_id)
        if own is None:
            self._by_user[user_id] = connection
            return
        if not isinstance(own, list):
            own = self._by_user[user_id] = [own]
        connection.shared_lock = own[0].shared_lock
        own.append(connection)

    def remove(self, connection: Connection) -> None:
        """Remove a socket that was added."""
        own = self._by_user[connection.user.id]
        if isinstance(own, list) and len(own) > 1:
            own.remove(connection)
        else:
            del self._by_user[connection.user.id]
        self._count -= 1

    def of_user(self, user_id: UUID) -> list[Connection]:
        """Return the user's sockets on this instance, of all namespaces."""
        own = self._by_user.get(user_id)
        if own is None:
            return []
        return list(own) if isinstance(own, list) else [own]

    def count_of_user(self, user_id: UUID) -> int:
        return len(self.of_user(user_id))


class Connections:
    """The sockets of one namespace, by sid and user."""

    def __init__(self, user_sockets: UserSockets | None = None) -> None:
        self._user_sockets = user_sockets if user_sockets is not None else UserSockets()  # of all namespaces
        self.by_sid: dict[str, Connection] = {}  # all sockets
        self.empty = asyncio.Event()  # set while there are no sockets
        self.empty.set()

    def __len__(self) -> int:
        return len(self.by_sid)

    def add(self, connection: Connection) -> None:
        """Add a socket."""
        self.by_sid[connection.sid] = connection
        self._user_sockets.add(connection)
        self.empty.clear()

    def remove(self, sid: str) -> Connection | None:
        """Remove a socket and return it, None if it is unknown."""
        connection = self.by_sid.pop(sid, None)
        if connection is not None:
            self._user_sockets.remove(connection)
            if not self.by_sid:
                self.empty.set()
        return connection

    def of_user(self, user_id: UUID) -> list[Connection]:
        """Return the user's sockets of this namespace on this instance."""
        return [each for each in self._user_sockets.of_user(user_id) if each.sid in self.by_sid]
