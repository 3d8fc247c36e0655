"""Finds mentions (`@username`): only members of the room, not in code, e-mail addresses and URLs."""

import re
import unicodedata
from collections.abc import Iterator
from uuid import UUID

from hubbub.core.text import code_blocks, names
from hubbub.core.text.usernames import MAX_USERNAME_CHARS
from hubbub.db import database
from hubbub.queries.chat import rooms
from hubbub.schemas.chat.messages import Message

MAX_MENTIONS = 50  # per message, looked up
MAX_CANDIDATE_NAMES = 200  # per message, looked up

_AT_SIGNS = "@\uff20\ufe6b"  # also full-width and small
# Characters of usernames, also full-width.
_USERNAME_CHARS = "A-Za-z0-9\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_MENTION = re.compile(rf"[{_AT_SIGNS}]([{_USERNAME_CHARS}_.\-\uff3f\uff0e\uff0d]++)(?![{_AT_SIGNS}])")
# The start of a URL, which extends to white space, a quotation mark or CJK punctuation.
_URL = re.compile(
    r"(?<![a-z0-9+.-])(?:[a-z0-9+.-]++://|www\.)|(?<![\w.-])(?:[\w-]++\.)++[^\W\d_]{2,}(?::\d{1,5})?/",
    re.IGNORECASE,
)
_URL_END = re.compile(r"[\s<>\"\u3001\u3002\u300c-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]")


def has_at_sign(body: str) -> bool:
    """Return whether a body can mention a user."""
    return "@" in body or (not body.isascii() and ("\uff20" in body or "\ufe6b" in body))


def candidates(body: str) -> list[tuple[str, ...]]:
    """Return the possible mentions in order, at most 50. Each is a tuple of the usernames that it may name.

    `_@bob_` may name `bob_` or emphasize `bob`: the longest name that is a member counts.
    """
    if not has_at_sign(body):
        return []
    found: dict[tuple[str, ...], None] = {}
    text, names_left = code_blocks.without_code(body), MAX_CANDIDATE_NAMES
    for match in _find_mentions(text):
        if (readings := tuple(_possible_names(text, match))) and _can_start_at(text, match.start()):
            found.setdefault(readings)
            names_left -= len(readings)
            if len(found) >= MAX_MENTIONS or names_left <= 0:
                break
    return list(found)


def _find_mentions(text: str) -> Iterator[re.Match[str]]:
    """Yield at signs that are followed by a name, outside of URLs."""
    url, at = _URL.search(text), 0
    while match := _MENTION.search(text, at):
        while url is not None and url.start() < match.start():
            end = _URL_END.search(text, url.end())
            at = end.start() if end is not None else len(text)
            url = _URL.search(text, at)
            if match.start() < at:
                break
        else:
            yield match
            at = match.end()


def _possible_names(text: str, match: re.Match[str]) -> Iterator[str]:
    """Yield the usernames that a mention may name, longest first."""
    given = unicodedata.normalize("NFKC", match[1]).lower()
    name = given.rstrip(".-")
    stripped = name.rstrip("_.-")
    if not stripped[:1].isalnum() or (name == given and _word_continues(text, match.end())):
        return  # a longer word
    for length in range(min(len(name), MAX_USERNAME_CHARS), len(stripped) - 1, -1):
        if name[length - 1] not in ".-":
            yield name[:length]


def _word_continues(text: str, at: int) -> bool:
    """Return whether the word continues with a Latin letter, a digit, or a mark on the last letter."""
    following = text[at : at + 1]
    if not following or following.isascii():
        return False
    category = unicodedata.category(following)
    return category == "Nd" or (category == "Mn" and names.is_visible(following)) or _is_latin(following)


def _can_start_at(text: str, at: int) -> bool:
    """Return whether an at sign at this position is not part of a word or an e-mail address.

    It may follow white space, punctuation, symbols, and letters that are not Latin. Marks belong to the
    character before them, and invisible characters are skipped.
    """
    while at > 0:
        at -= 1
        before = text[at]
        category = unicodedata.category(before)
        if category == "Me":  # as in a keycap
            return True
        if not (category[0] == "M" or not (before.isspace() or names.is_visible(before))):
            return category not in ("Nd", "Nl", "No") and before not in _AT_SIGNS and not _is_latin(before)
    return True


def _is_latin(character: str) -> bool:
    if not character.isalpha():
        return False
    plain = unicodedata.normalize("NFKC", character)[-1]
    return "LATIN" in unicodedata.name(plain, "")


def to_rows(message: Message) -> list[tuple[UUID, UUID, int, UUID]]:
    """Return the rows that count the mentions of a message. Mentions of oneself do not count."""
    mentioned_ids = (user_id for user_id in message.mentions if user_id != message.sender.id)
    return [(message.id, message.room_id, message.seq, user_id) for user_id in mentioned_ids]


async def find(room_id: UUID, body: str) -> list[UUID]:
    """Return the members that a body mentions, without duplicates, in order. No query without an at sign."""
    found = candidates(body)
    if not found:
        return []
    wanted = dict.fromkeys(name for readings in found for name in readings)
    async with database.guard():
        members = await rooms.members_named(database.connection(), room_id, wanted)
    named = (next((name for name in readings if name in members), None) for readings in found)
    return list(dict.fromkeys(members[name] for name in named if name is not None))
