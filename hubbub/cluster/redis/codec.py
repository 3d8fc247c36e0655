"""The encoding of signals, and the names of their channels."""

from collections.abc import Iterator
from typing import Any, Union
from uuid import UUID

import msgspec

from hubbub.cluster.bus import EntriesAppended, LogAdvanced, Signal

MAX_ENTRIES_BYTES = 64 * 1024  # larger entries are read from the log by each instance
PUBLISHER_ID_BYTES = 8  # at the beginning of each message: the id of its publisher


class Statuses(Signal, frozen=True):
    """Statuses of several users for one room, or (None) of one user for the user's own sockets."""

    room_id: UUID | None
    changes: tuple[tuple[UUID, str, str | None], ...]


class Channels:
    """The names of channels. The prefix separates deployments, since pub/sub ignores database numbers."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}:".encode()  # of all names, with its colon

    def room(self, room_id: UUID) -> bytes:
        return self._prefix + b"room:" + room_id.hex.encode()

    def user(self, user_id: UUID) -> bytes:
        return self._prefix + b"user:" + user_id.hex.encode()

    def instance(self, name: str) -> bytes:
        """Return the channel to which only one instance subscribes."""
        return self._prefix + b"instance:" + name.encode()

    def topic(self, name: str) -> bytes:
        return self._prefix + b"topic:" + name.encode()

    def for_signal(self, signal: Signal) -> bytes:
        """Return the channel of a signal: that of its topic, else of its user, else of its room."""
        target: Any = signal  # each signal has one of these fields
        if hasattr(target, "topic"):
            return self.topic(target.topic)
        return self.user(target.user_id) if hasattr(target, "user_id") else self.room(target.room_id)


_encoder = msgspec.msgpack.Encoder()


def encode(signal: Signal) -> bytes:
    """Encode a signal. Raises the errors of msgspec for values that are no plain data."""
    body = _encoder.encode(signal)
    if len(body) > MAX_ENTRIES_BYTES and isinstance(signal, EntriesAppended):
        body = _encoder.encode(LogAdvanced(signal.room_id, signal.entries[-1].seq))
    return body


def build_decoder() -> msgspec.msgpack.Decoder[Signal]:
    """Return a decoder for every class of signal that is defined so far."""
    signal_types = tuple(_signal_types(Signal))
    return msgspec.msgpack.Decoder(Union[signal_types])  # noqa: UP007 - built from a tuple


def _signal_types(signal_type: type[Signal]) -> Iterator[Any]:
    for subclass in signal_type.__subclasses__():
        yield subclass
        yield from _signal_types(subclass)
