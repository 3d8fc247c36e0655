"""Filling a room with sample history: entries as the server writes them, many at a time."""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from hubbub import models
from hubbub.core import clock, ids
from hubbub.models import search, statements
from hubbub.models.connection import Sql
from hubbub.schemas.base import encode
from hubbub.schemas.messages import Message
from hubbub.schemas.users import User
from hubbub.services import database, log, sample

AGE = timedelta(days=7)  # how far back the history of a new room goes
PEOPLE = 1000  # joining in one transaction
MESSAGES = 400  # written in one transaction: a running server gets its turn in between

_REPLIES, _MENTIONS, _REACTIONS, _READ_UP = 0.12, 0.08, 0.2, 0.6


@dataclass(slots=True)
class Page:
    """Rows of one transaction in one room, numbered from the end of its log."""

    room_id: UUID
    seq: int
    begin: datetime
    step: timedelta
    at: datetime
    entries: list[models.Entry] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rows: list[statements.NewMessage] = field(default_factory=list)
    reactions: list[models.Reaction] = field(default_factory=list)
    read: dict[UUID, int] = field(default_factory=dict)

    def tick(self) -> None:
        """Some time passes."""
        self.at += self.step

    def enter(self, event: str, actor_id: UUID, message_id: UUID | None = None, **fields: Any) -> int:  # noqa: ANN401
        """The next entry; returns its seq."""
        self.seq += 1
        head = {"room_id": self.room_id, "seq": self.seq, "at": clock.rfc3339(self.at), "actor_id": actor_id}
        payload = encode({**head, **fields}).decode()
        self.entries.append(
            models.Entry(
                room_id=self.room_id,
                seq=self.seq,
                event=event,
                at=self.at,
                actor_id=actor_id,
                message_id=message_id,
                payload=payload,
            )
        )
        return self.seq
