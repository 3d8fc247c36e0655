"""Attachments in entries: the log stores the ids of uploads, clients receive the uploads with signed URLs."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db import database
from hubbub.queries.eventlog.log_entries import NO_ATTACHMENTS
from hubbub.queries.uploads import attachments
from hubbub.schemas.base import encode
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import EntryEvent, MessageNew, MessageUpdated
from hubbub.schemas.uploads.uploads import Upload

_EVENTS_WITH_MESSAGE = (MessageNew.event_name, MessageUpdated.event_name)


async def load(signer: UrlSigner, upload_ids: Iterable[UUID]) -> dict[UUID, Upload]:
    """Return uploads by id, with signed URLs. One query; none without ids."""
    distinct_ids = set(upload_ids)
    if not distinct_ids:
        return {}
    async with database.guard():
        return await attachments.load(database.connection(), distinct_ids, signer)


def to_stored_payload(event: EntryEvent, payload: str) -> str:
    """Return the payload of an entry as it is stored: with the ids of its attachments."""
    if not isinstance(event, MessageUpdated) or not event.message.attachments:
        return payload
    decoded = msgspec.json.decode(payload)
    decoded["message"]["attachments"] = [each.id for each in event.message.attachments]
    return encode(decoded).decode()


async def fill(signer: UrlSigner, entries: Sequence[Entry]) -> list[Entry]:
    """Return stored entries as clients receive them. One query; none if no message has attachments."""
    payloads = {
        index: msgspec.json.decode(entry.payload)
        for index, entry in enumerate(entries)
        if entry.event in _EVENTS_WITH_MESSAGE and NO_ATTACHMENTS not in entry.payload
    }
    uploads = await load(signer, (each for payload in payloads.values() for each in _ids(payload)))
    filled = list(entries)
    for index, payload in payloads.items():
        payload["message"]["attachments"] = [uploads[each] for each in _ids(payload) if each in uploads]
        filled[index] = structs.replace(entries[index], payload=encode(payload).decode())
    return filled


def _ids(payload: dict[str, Any]) -> list[UUID]:
    return [UUID(each) for each in payload["message"]["attachments"]]
