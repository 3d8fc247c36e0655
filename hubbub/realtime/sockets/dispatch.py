"""Runs the operation of a client's event and sends its ack."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from hubbub.core import metrics
from hubbub.core.errors import (
    HubbubError,
    Internal,
    InvalidPayload,
    RateLimited,
    TooLarge,
    Unavailable,
    UnknownEvent,
    clear_tracebacks,
    codes,
)
from hubbub.db import database
from hubbub.realtime.engine import ProtocolError
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.packets import ClientEvent, decode_arguments
from hubbub.realtime.sockets.connections import Connection
from hubbub.schemas import errors
from hubbub.schemas.base import EventDecoder, encode, parse
from hubbub.schemas.events import RequestFailed
from hubbub.services.context import Context

log = logging.getLogger(__name__)

C = TypeVar("C", bound=msgspec.Struct)
Handler = Callable[[Context, Any], Awaitable[msgspec.Struct]]


Step = Callable[[], Awaitable[None]]
OnResult = Callable[[bytes | Exception], None]
# Gives an event its place in the order. Its result follows later, as JSON. See `messages.send_pipelined`.
PipelinedOperation = Callable[[Context, Any, OnResult], Step | None]
# Performs an operation from memory. Returns None, without any effect, if it would have to wait.
ImmediateOperation = Callable[[Context, Any], msgspec.Struct | None]

_event_counts = metrics.labelled["events"]  # events without an error, by name
MAX_IMMEDIATE_BYTES = 1024  # of an event that may be decoded twice, because the first time it was not valid


class Event(NamedTuple):
    """An entry of the event table."""

    kind: type[msgspec.Struct]  # the class of its payload
    decode: EventDecoder[Any]  # reads the JSON text of an event
    operation: Handler
    own_limit: bool  # whether the operation has a rate limit of its own
    pipelined: PipelinedOperation | None  # the operation for sockets, whose result follows later
    immediate: ImmediateOperation | None  # the operation if it needs only what is in memory


class EventRequest(NamedTuple):
    """One event of one client."""

    connection: Connection
    call: ClientEvent
    event: Event | None  # None: there is no event with that name


class Events:
    """The event table of a namespace. Other events are rejected."""

    def __init__(self, inherited: "Events | None" = None) -> None:
        self._events: dict[str, Event] = dict(inherited) if inherited is not None else {}  # by name

    def add(
        self,
        name: str,
        kind: type[C],
        operation: Callable[[Context, C], Awaitable[msgspec.Struct]],
        *,
        own_limit: bool = False,
        pipelined: Callable[[Context, C, OnResult], Step | None] | None = None,
        immediate: Callable[[Context, C], msgspec.Struct | None] | None = None,
    ) -> None:
        """Add an event. With `own_limit` the operation limits itself, and only rejections count here.

        A `pipelined` event need not be finished before the next one begins. `immediate` performs `operation`
        without waiting, if it can.
        """
        self._events[name] = Event(kind, EventDecoder(kind), operation, own_limit, pipelined, immediate)

    def __iter__(self) -> Iterator[tuple[str, Event]]:
        return iter(self._events.items())

    def get(self, name: str) -> Event | None:
        return self._events.get(name)


class Dispatcher:
    """Limits and parses events in their order, runs them, and sends an ack for each.

    A waiting event is kept as text, and is limited and decoded when it runs. Of all sockets of a user one
    event runs at a time (`paced_lock`), except messages that need no lookup. An event that needs only what is
    in memory runs at once, if nothing else of its user does.
    """

    def __init__(self, events: Events, max_event_bytes: int) -> None:
        self._events = events  # the event table
        self._max_event_bytes = max_event_bytes  # the limit in the text of `too_large`
        metrics.declare("events", (name for name, _ in events))
        metrics.declare("events_rejected", codes())

    def receive(self, connection: Connection, call: ClientEvent) -> None:
        """Accept an event, which takes effect after all earlier ones. Never blocks. Raises ProtocolError."""
        event = self._events.get(call.name)
        request = EventRequest(connection, call, event)
        if event is not None and event.pipelined is not None:
            if connection.idle:
                if (slow_step := self._start_pipelined(request, event, event.pipelined)) is not None:
                    connection.enqueue(slow_step, pipelined=True)
                return
            call.compact()
            connection.enqueue(partial(self._start_queued, request, event, event.pipelined), pipelined=True)
            return
        call.compact()
        connection.enqueue(partial(self._run_and_ack, request))

    def run_immediate(
        self, connection: Connection, ack_id: int | None, name: str, text: str, size: int
    ) -> bool:
        """FAST PATH: run an event from memory and send its ack, without a task. Return whether it could.

        Otherwise it had no effect and was not charged. What is wrong with an event, `_run_and_ack` finds.
        """
        event = self._events.get(name)
        if event is None or event.immediate is None or connection.busy or size > MAX_IMMEDIATE_BYTES:
            return False
        limiter, lock = connection.event_limiter, connection.event_lock
        if not limiter.ready and limiter.wait_ms():
            return False
        try:
            command = event.decode(text)
        except (InvalidPayload, ValueError, RecursionError):
            return False
        if not lock.start_immediate():
            return False
        try:
            data = event.immediate(connection.ctx, command)
        except Exception as error:  # noqa: BLE001 - the ack carries it
            limiter.acquire()
            _handle_failure(EventRequest(connection, ClientEvent(ack_id, name, text, size), event), error)
        else:
            if data is None:
                return False
            limiter.acquire()
            _handle_success(connection, name, ack_id, data)
        finally:
            lock.end_immediate()
        return True

    def _start_pipelined(
        self, request: EventRequest, event: Event, pipelined: PipelinedOperation
    ) -> Step | None:
        """FAST PATH: start an event whose ack follows later, without a task. Return a slow part, if any."""
        connection, call, _ = request

        def on_result(result: bytes | Exception) -> None:
            connection.request_finished()
            connection.client.backlog.remove(call.size)
            if isinstance(result, Exception):
                _handle_failure(request, result)
                return
            _event_counts[call.name] += 1
            if call.id is not None:
                connection.send(frames.ack_result(connection.namespace, call.id, result))

        connection.request_started()
        try:
            _check_limit(connection, event)
            slow_step = pipelined(connection.ctx, self._parse_command(event, call), on_result)
        except ProtocolError:
            connection.request_finished()
            raise
        except Exception as error:  # noqa: BLE001 - the ack carries it
            on_result(error)
            return None
        return None if slow_step is None else partial(_run_slow_step, connection, slow_step, on_result)

    async def _start_queued(self, request: EventRequest, event: Event, pipelined: PipelinedOperation) -> None:
        if (slow_step := self._start_pipelined(request, event, pipelined)) is not None:
            await slow_step()

    async def _run_and_ack(self, request: EventRequest) -> None:
        connection, call, event = request
        try:
            data = await self._run_operation(connection, call, event)
        except Exception as error:  # noqa: BLE001 - the ack carries it
            _handle_failure(request, error)
        else:
            _handle_success(connection, call.name, call.id, data)
        finally:
            connection.client.backlog.remove(call.size)

    async def _run_operation(
        self, connection: Connection, call: ClientEvent, event: Event | None
    ) -> msgspec.Struct:
        _check_limit(connection, event)
        if event is None:
            self._check_size(call)
            raise UnknownEvent(f"There is no event {call.name[:60]!r}.")
        async with connection.event_lock, database.guard():
            if connection.closed:  # while it waited for the lock
                raise Unavailable
            return await event.operation(connection.ctx, self._parse_command(event, call))

    def _parse_command(self, event: Event, call: ClientEvent) -> msgspec.Struct:
        self._check_size(call)
        if call.attachments is None:
            try:
                return event.decode(call.text)  # type: ignore[no-any-return] # of `event.kind`
            except InvalidPayload:
                call.check()
                raise
            except (ValueError, RecursionError):  # no JSON, single surrogates, or numbers out of range
                call.check()
        arguments = call.arguments()
        if len(arguments) == 1 or not isinstance(arguments[1], dict):
            raise InvalidPayload("An event takes one JSON object.")
        if call.attachments is not None:  # no field is binary: a placeholder is an object, which none accepts
            arguments = decode_arguments(call.text)
        return parse(event.kind, arguments[1])

    def _check_size(self, call: ClientEvent) -> None:
        if call.too_large:
            raise TooLarge(f"An event has at most {self._max_event_bytes} bytes.")


def _check_limit(connection: Connection, event: Event | None) -> None:
    """Take one from the bucket of the socket. Raises RateLimited.

    An event with a limit of its own takes none, but needs that there is one: a refusal takes it (`_failed`).
    """
    limiter = connection.event_limiter
    if event is None or not event.own_limit:
        wait_ms = limiter.acquire()
    else:
        wait_ms = 0 if limiter.ready else limiter.wait_ms()
    if wait_ms:
        raise RateLimited(retry_after_ms=wait_ms)


async def _run_slow_step(connection: Connection, slow_step: Step, on_result: OnResult) -> None:
    """Run the slow part of a pipelined event. An exception is its result."""
    try:
        async with connection.event_lock, database.guard():
            await slow_step()
    except Exception as error:  # noqa: BLE001 - likewise
        on_result(error)


def _handle_success(connection: Connection, name: str, ack_id: int | None, data: msgspec.Struct) -> None:
    _event_counts[name] += 1
    if ack_id is not None:
        connection.send(frames.ack_result(connection.namespace, ack_id, encode(data)))


def _handle_failure(request: EventRequest, error: Exception) -> None:
    connection, call, event = request
    if isinstance(error, HubbubError):
        metrics.count("events_rejected", error.code)
        rejection = error
    else:
        metrics.count("event_failures")
        fields = {"event": call.name, "user_id": str(connection.user.id)}
        log.error("an event failed", exc_info=error, extra=fields)
        rejection = Internal()
    clear_tracebacks(error)
    if isinstance(rejection, RateLimited):
        connection.record_rejection()
    elif event is not None and event.own_limit:
        connection.event_limiter.acquire()
    _send_error(request, rejection)


def _send_error(request: EventRequest, error: HubbubError) -> None:
    connection, call, view = request.connection, request.call, errors.to_view(error)
    if call.id is not None:
        connection.send(frames.ack(connection.namespace, call.id, {"ok": False, "error": view}))
    else:
        connection.emit(RequestFailed(event=call.name[:60], error=view))
