"""Finding `@username` in a message: members of the room only, not inside code."""

import re
from collections.abc import Iterator
from uuid import UUID

from hubbub.models import listings
from hubbub.schemas.messages import Message
from hubbub.services import database

MOST = 50

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_NAME = re.compile(r"(?<![\w@./-])@([a-z0-9_.-]{1,33})", re.IGNORECASE)


def candidates(body: str) -> list[str]:
    """Names that the body may mention, at most 50, in order.

    `@bob.` may be `bob.` or `bob` at the end of a sentence: both are candidates.
    """
    if "@" not in body:
        return []
    names: dict[str, None] = {}
    for match in _NAME.finditer(_CODE.sub(" ", body)):
        for name in _readings(match[1].lower()):
            names.setdefault(name)
            if len(names) >= MOST:
                return list(names)
    return list(names)


def _readings(name: str) -> Iterator[str]:
    yield name
    while name and name[-1] in ".-":
        name = name[:-1]
        if name:
            yield name


def rows(message: Message) -> list[tuple[UUID, UUID, int, UUID]]:
    """What is kept to count a message's mentions. Who names themselves is not called by it."""
    named = (user_id for user_id in message.mentions if user_id != message.sender.id)
    return [(message.id, message.room_id, message.seq, user_id) for user_id in named]


async def find(room_id: UUID, body: str) -> list[UUID]:
    """The members that a body mentions, each once, in order; no query where there is no `@`."""
    names = candidates(body)
    if not names:
        return []
    async with database.guard():
        members = await listings.members_named(database.connection(), room_id, names)
    return list(dict.fromkeys(members[name] for name in names if name in members))
