"""Signals as bytes, and the names of the channels that they travel by."""

from collections.abc import Iterator
from typing import Any, Union
from uuid import UUID

import msgspec

from hubbub.cluster.bus import EntriesAppended, LogAdvanced, Signal

MAX_ENTRIES_BYTES = 64 * 1024  # bytes; entries past it are read from the log by whoever wants them
PUBLISHER_ID_BYTES = 8  # bytes in front of each message: who published it


class Statuses(Signal, frozen=True):
    """Presence of several users, for one room, or (None) for the sockets of the one user."""

    room_id: UUID | None
    changes: tuple[tuple[UUID, str, str | None], ...]


class Channels:
    """The names of channels. Pub/sub knows no database numbers: the prefix tells deployments apart."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}:".encode()

    def room(self, room_id: UUID) -> bytes:
        return self._prefix + b"room:" + room_id.hex.encode()

    def user(self, user_id: UUID) -> bytes:
        return self._prefix + b"user:" + user_id.hex.encode()

    def instance(self, name: str) -> bytes:
        """A channel that one instance alone listens to."""
        return self._prefix + b"instance:" + name.encode()

    def topic(self, name: str) -> bytes:
        return self._prefix + b"topic:" + name.encode()

    def for_signal(self, signal: Signal) -> bytes:
        """Where those listen whom a signal concerns: instances with the user, else with the room."""
        target: Any = signal  # each is about one of these
        if hasattr(target, "topic"):
            return self.topic(target.topic)
        return self.user(target.user_id) if hasattr(target, "user_id") else self.room(target.room_id)


_encoder = msgspec.msgpack.Encoder()


def encode(signal: Signal) -> bytes:
    """Raises msgspec's errors for what is no plain data."""
    body = _encoder.encode(signal)
    if len(body) > MAX_ENTRIES_BYTES and isinstance(signal, EntriesAppended):
        body = _encoder.encode(LogAdvanced(signal.room_id, signal.entries[-1].seq))
    return body


def build_decoder() -> msgspec.msgpack.Decoder[Signal]:
    """Reads every kind of signal that is defined by now."""
    signal_types = tuple(_signal_types(Signal))
    return msgspec.msgpack.Decoder(Union[signal_types])  # noqa: UP007 - made of a tuple


def _signal_types(signal_type: type[Signal]) -> Iterator[Any]:
    for subclass in signal_type.__subclasses__():
        yield subclass
        yield from _signal_types(subclass)
