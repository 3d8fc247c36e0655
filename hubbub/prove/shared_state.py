"""The state that the clients of a run share."""

import random
from collections.abc import Sequence

import aiohttp

from hubbub.core import clock
from hubbub.prove.journal import Json, canonical_json


class SharedState:
    """Clock, instances, random choices, and the payloads that many clients receive."""

    def __init__(self, http: aiohttp.ClientSession, urls: Sequence[str], seed: int) -> None:
        self.http = http
        self.urls = list(urls)  # of the instances
        self.rng = random.Random(seed)  # noqa: S311 - choices of a test, not a secret
        self.started_at = clock.monotonic()
        self.ack_count = 0  # acks of sends, of all clients
        self.last_seqs: dict[str, int] = {}  # the highest seq of each room that any client has seen
        self._texts: dict[str, str] = {}  # each payload once

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the run."""
        return clock.monotonic() - self.started_at

    def canonical_text(self, payload: Json) -> str:
        """Return the payload as text, stored once for all clients that receive it."""
        text = canonical_json(payload)
        return self._texts.setdefault(text, text)

    def record_seq(self, room_id: str, seq: int) -> None:
        """Record that a room has an entry with this seq."""
        self.last_seqs[room_id] = max(seq, self.last_seqs.get(room_id, 0))
