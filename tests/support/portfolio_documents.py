"""Documents of portfolios for tests of imports: generated from the descriptions of the resources."""

import copy
import io
import tempfile
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from hubbub.core.text import names
from hubbub.schemas.base import decode, encode
from hubbub.schemas.portfolio.columns import Column
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.schemas.portfolio.transfer import ImportQuery, ImportResult
from hubbub.services.context import Context
from hubbub.services.portfolio import exporting, importing

TEXT = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12).filter(names.is_visible)
COLOR, URL = "#0a0b0c", "https://example.com/a.png"
SPECIAL: dict[str, st.SearchStrategy[Any]] = {  # by name of the field, where a type is not enough
    "founded_year": st.integers(1000, 2020),
    "level": st.integers(1, 5),
    "rating": st.integers(1, 5),
    "order": st.integers(0, 1_000_000),
    "gpa": st.integers(0, 10_000).map(lambda value: value / 100),
    "color": st.just(COLOR),
    **dict.fromkeys(("image", "logo", "avatar", "cover_image", "url", "github_url"), st.just(URL)),
    **dict.fromkeys(("website", "credential_url"), st.just(URL)),
}


async def run_import(ctx: Context, document: Any, **query: Any) -> ImportResult:
    """Import a document, or the bytes of one."""
    content = document if isinstance(document, bytes) else encode(document)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return await importing.import_document(ctx, ImportQuery(**query), file)


async def run_export(ctx: Context) -> dict[str, Any]:
    """Return the document of an export."""
    content = io.BytesIO()
    async for chunk in exporting.as_json(ctx):
        content.write(chunk)
    found: dict[str, Any] = decode(content.getvalue())["data"]
    return found


def document(**sections: Any) -> dict[str, Any]:
    """Return a document with these sections."""
    return {"version": 1, **sections}


def projects(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Return new projects."""
    return [{"title": f"Project {number}", **fields} for number in range(count)]


KINDS: dict[str, st.SearchStrategy[Any]] = {
    "words": st.lists(TEXT, max_size=4, unique=True),
    "boolean": st.booleans(),
    "date": st.dates(date(1990, 1, 1), date(2020, 1, 1)).map(date.isoformat),
}


def _value(column: Column) -> st.SearchStrategy[Any]:
    if column.choices:
        return st.sampled_from(column.choices)
    return SPECIAL.get(column.name, KINDS.get(column.kind, TEXT))


@st.composite
def items(draw: st.DrawFn, resource: Resource) -> dict[str, Any]:
    """Return an item with an id of its own, and any of its fields."""
    found: dict[str, Any] = {"id": str(uuid4())}
    for column in resource.columns:
        if column.name in ("slug", "published_at") or column.kind == "id":
            continue
        if (not column.nullable and column.default is None and column.name != "order") or draw(st.booleans()):
            found[column.name] = draw(_value(column))
    if resource.period is not None:
        start, end = resource.period
        if resource.open_period is not None and found.get(resource.open_period):
            found.pop(end, None)
        if found.get(start) and found.get(end):
            found[start], found[end] = sorted((found[start], found[end]))
    if resource.relation is not None:
        found.setdefault(resource.relation.text, draw(TEXT))
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Return a document with a few items of each resource, some of which refer to others."""
    found = {each.name: draw(st.lists(items(each), max_size=3)) for each in RESOURCES}
    for resource in RESOURCES:
        if resource.relation is not None and (others := found[resource.relation.resource]):
            for item in found[resource.name]:
                if draw(st.booleans()):
                    item[resource.relation.key] = draw(st.sampled_from(others))["id"]
    return document(**found)


def without_ids(exported: dict[str, Any]) -> dict[str, Any]:
    """Return an export in which ids are replaced by positions, and times of changes are left out."""
    found, positions = copy.deepcopy(exported), dict[str, str]()
    for name, section in found.items():
        if isinstance(section, list):
            for position, item in enumerate(section):
                positions[item.pop("id")] = f"{name}[{position}]"
                del item["updated_at"]
    for resource in RESOURCES:
        if resource.relation is not None:
            for item in found[resource.name]:
                key = item[resource.relation.key]
                item[resource.relation.key] = positions.get(key, key)
    return found


def ids_of(exported: dict[str, Any]) -> set[UUID]:
    """Return the ids of all items."""
    return {
        UUID(item["id"]) for section in exported.values() if isinstance(section, list) for item in section
    }
