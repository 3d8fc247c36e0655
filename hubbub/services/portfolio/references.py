"""Uploads that items show: their URLs, whose they are, and the references that keep them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.config import Settings
from hubbub.core.files import names
from hubbub.db.sql import Sql
from hubbub.queries.portfolio.rows import Values
from hubbub.queries.uploads import references

NOT_OWN = "There is no such upload of yours."


class UploadField(NamedTuple):
    """A field of an item that has the URL of an upload."""

    position: int  # of the item
    field: str
    upload_id: UUID
    name: str  # of the file, as in the URL


def upload_of(settings: Settings, url: str) -> tuple[UUID, str] | None:
    """Return the upload and the file of a URL of this server or its CDN; None for any other URL."""
    for base in (settings.public_url, settings.cdn_url):
        if base and url.startswith(base.rstrip("/") + "/"):
            url = url[len(base.rstrip("/")) :]
            break
    return names.from_path(url)


class Target(NamedTuple):
    """What refers to uploads."""

    kind: str  # the name of the resource
    user_id: UUID
    fields: Sequence[str]  # that may have the URL of an upload


async def replace(
    tx: Sql, settings: Settings, target: Target, items: Sequence[Values], at: datetime
) -> list[UploadField]:
    """Store the references of items in place of the earlier ones, and give the items the paths of uploads.

    Returns the fields whose upload does not exist or belongs to another user: they get no reference.
    """
    if not target.fields:
        return []
    found = [
        UploadField(position, field, *upload)
        for position, item in enumerate(items)
        for field in target.fields
        if item[field] is not None and (upload := upload_of(settings, item[field])) is not None
    ]
    wanted: dict[UUID, set[UUID]] = {item["id"]: set() for item in items}
    for each in found:
        wanted[items[each.position]["id"]].add(each.upload_id)
    own = await references.replace(tx, target.user_id, target.kind, wanted, at)
    return [each for each in found if not _take_path(items[each.position], each, own)]


def _take_path(item: Values, found: UploadField, own: Mapping[UUID, set[str]]) -> bool:
    """Give an item the stable path of an upload. Returns whether the user has such a file."""
    if found.name not in own.get(found.upload_id, ()):
        return False
    item[found.field] = names.to_path(found.upload_id, found.name)
    return True
