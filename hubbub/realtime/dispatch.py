"""The one way from a client's event to an operation to its ack."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, Internal, InvalidPayload, RateLimited, TooLarge, UnknownEvent
from hubbub.realtime import frames
from hubbub.realtime.connections import Connection
from hubbub.schemas import errors
from hubbub.schemas.base import parse
from hubbub.services import database
from hubbub.services.context import Context

log = logging.getLogger(__name__)

C = TypeVar("C", bound=msgspec.Struct)
Handler = Callable[[Context, Any], Awaitable[msgspec.Struct]]


Step = Callable[[], Awaitable[None]]
Told = Callable[[bytes | Exception], None]
# Gives an event its place in the order; its answer is told later, as JSON. See `messages.begin`.
Begin = Callable[[Context, Any, Told], Step | None]


class Event(NamedTuple):
    """What a client may send: how it is read and what it runs."""

    kind: type[msgspec.Struct]
    operation: Handler
    own_limit: bool
    begin: Begin | None


class Asked(NamedTuple):
    """One event of one client."""

    connection: Connection
    ack_id: int | None
    name: str
    payload: object


class Events:
    """The events that one namespace understands: an allow-list."""

    def __init__(self, more: "Events | None" = None) -> None:
        self._events: dict[str, Event] = dict(more) if more is not None else {}

    def add(
        self,
        name: str,
        kind: type[C],
        operation: Callable[[Context, C], Awaitable[msgspec.Struct]],
        *,
        own_limit: bool = False,
        begin: Callable[[Context, C, Told], Step | None] | None = None,
    ) -> None:
        """Understand `name`; with `own_limit` the operation limits itself, not the socket's bucket.

        What has a `begin` need not be answered before the next one begins.
        """
        self._events[name] = Event(kind, operation, own_limit, begin)

    def __iter__(self) -> Iterator[tuple[str, Event]]:
        return iter(self._events.items())

    def get(self, name: str) -> Event | None:
        return self._events.get(name)


class Dispatcher:
    """Bounds, limits and parses events in the order they came, runs them, and answers each one."""

    def __init__(self, events: Events, max_event_bytes: int) -> None:
        self._events = events
        self._max_event_bytes = max_event_bytes

    def receive(self, connection: Connection, ack_id: int | None, arguments: list[Any], size: int) -> None:
        """Take an event; it takes effect after all that came before it. Never blocks, never raises."""
        name = arguments[0]
        payload = arguments[1] if len(arguments) > 1 else None
        if size > self._max_event_bytes:
            payload = TooLarge(f"An event has at most {self._max_event_bytes} bytes.")
        asked = Asked(connection, ack_id, name, payload)
        if connection.crowded:
            connection.refused()
            _refuse(asked, RateLimited("Too many events wait for their answers.", retry_after_ms=1000))
            return
        event = self._events.get(name)
        if event is None or event.begin is None:
            connection.work(partial(self._answer, asked))
        elif connection.free:
            if (rest := self._begin(asked, event, event.begin)) is not None:
                connection.work(rest, begins=True)
        else:
            connection.work(partial(self._begin_in_turn, asked, event, event.begin), begins=True)

    def _begin(self, asked: Asked, event: Event, begin: Begin) -> Step | None:
        """FAST PATH: an event that is answered later, without a task; or the slow part of its beginning."""
        connection = asked.connection

        def told(answer: bytes | Exception) -> None:
            connection.answered()
            if isinstance(answer, Exception):
                _failed(asked, answer)
                return
            metrics.count("events", asked.name)
            if asked.ack_id is not None:
                connection.send(frames.acked(connection.namespace, asked.ack_id, answer))

        connection.begun()
        try:
            rest = begin(connection.ctx, _parsed(event, asked.payload), told)
        except Exception as error:  # noqa: BLE001 - it is the answer
            told(error)
            return None
        return None if rest is None else partial(_guarded, rest, told)

    async def _begin_in_turn(self, asked: Asked, event: Event, begin: Begin) -> None:
        if (rest := self._begin(asked, event, begin)) is not None:
            await rest()

    async def _answer(self, asked: Asked) -> None:
        connection = asked.connection
        try:
            data = await self._run(connection, asked.name, asked.payload)
        except Exception as error:  # noqa: BLE001 - it is answered
            _failed(asked, error)
        else:
            metrics.count("events", asked.name)
            if asked.ack_id is not None:
                connection.send(frames.ack(connection.namespace, asked.ack_id, {"ok": True, "data": data}))

    async def _run(self, connection: Connection, name: str, payload: object) -> msgspec.Struct:
        event = self._events.get(name)
        if (event is None or not event.own_limit) and (wait_ms := connection.events.take()):
            raise RateLimited(retry_after_ms=wait_ms)
        if event is None:
            if isinstance(payload, HubbubError):
                raise payload
            raise UnknownEvent(f"There is no event {name[:60]!r}.")
        async with database.guard():
            return await event.operation(connection.ctx, _parsed(event, payload))


def _parsed(event: Event, payload: object) -> msgspec.Struct:
    if isinstance(payload, HubbubError):
        raise payload
    if not isinstance(payload, dict):
        raise InvalidPayload("An event takes one JSON object.")
    return parse(event.kind, payload)


async def _guarded(rest: Step, told: Told) -> None:
    """The slow part of a beginning; what fails in it is the answer."""
    try:
        async with database.guard():
            await rest()
    except Exception as error:  # noqa: BLE001 - likewise
        told(error)


def _failed(asked: Asked, error: Exception) -> None:
    connection = asked.connection
    if isinstance(error, HubbubError):
        metrics.count("event_refusals", error.code)
        if isinstance(error, RateLimited):
            connection.refused()
        _refuse(asked, error)
        return
    metrics.count("event_failures")
    detail = {"event": asked.name, "user_id": str(connection.user.id)}
    log.error("an event failed", exc_info=error, extra=detail)
    _refuse(asked, Internal())


def _refuse(asked: Asked, error: HubbubError) -> None:
    connection, shown = asked.connection, errors.show(error)
    if asked.ack_id is not None:
        connection.send(frames.ack(connection.namespace, asked.ack_id, {"ok": False, "error": shown}))
    else:
        connection.emit("error", {"event": asked.name[:60], "error": shown})
