"""Portfolios of sample users, in several languages and scripts. They are imported as those of users are."""

import tempfile
import tomllib
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.portfolio import versions
from hubbub.schemas.base import encode
from hubbub.schemas.portfolio.transfer import VERSION, ImportQuery
from hubbub.schemas.users.profiles import UpdateProfile
from hubbub.schemas.users.users import User
from hubbub.services.context import Container, Context
from hubbub.services.portfolio import importing
from hubbub.services.seed import album, canvas, portraits, sample
from hubbub.services.users import profiles

FOLDER = Path(__file__).with_name("portfolios")
POSTED_EVERY = timedelta(days=17)  # the time between two posts of a blog
# The field of an item that shows its picture.
_PICTURE_FIELDS = {"projects": "image", "blog": "cover_image"}


class Template(NamedTuple):
    """The portfolio of a sample user, who has a name in the script of the language."""

    username: str
    names: UpdateProfile
    content: dict[str, Any]  # like the document of an import, with motifs in the place of pictures


def templates() -> list[Template]:
    """Return the portfolios, from files such as `ada.en.toml`: the user and the language."""
    return [_template(path) for path in sorted(FOLDER.glob("*.toml"))]


def _template(path: Path) -> Template:
    content = tomllib.loads(path.read_text("utf-8"))
    names = {name: content.pop(name) for name in ("display_name", "first_name", "last_name")}
    return Template(path.name.partition(".")[0], UpdateProfile(**names), content)


async def add(
    container: Container, users: Sequence[User], count: int, on_progress: Callable[[int], None]
) -> str | None:
    """Add the first `count` portfolios to those of the sample users who have none.

    Returns the username of a user whose portfolio is public. A portfolio that exists is unchanged.
    """
    by_name = {user.username.removesuffix(".sample"): user for user in users}

    async def ensure(template: Template) -> None:
        user = by_name.get(template.username)
        if user is not None and not await versions.load(database.connection(), user.id):
            await _import(Context(container, user.id), template)
        on_progress(1)

    chosen = templates()[:count]
    await album.in_parallel(ensure, chosen)
    owners = {user.id: user for each in chosen if (user := by_name.get(each.username)) is not None}
    public = models.PortfolioProfile.filter(user_id__in=list(owners), is_public=True)
    public_ids = {UUID(str(each)) for each in await public.values_list("user_id", flat=True)}
    return min((user.username for user in owners.values() if user.id in public_ids), default=None)


async def _import(ctx: Context, template: Template) -> None:
    await profiles.update(ctx, template.names)
    document = await _to_document(ctx, template)
    with tempfile.TemporaryFile() as file:
        file.write(encode(document))
        file.flush()
        await importing.import_document(ctx, ImportQuery(), file)


async def _to_document(ctx: Context, template: Template) -> dict[str, Any]:
    """Return the document of a template, with uploaded pictures. Companies are found by their names."""
    document = {**template.content, "version": VERSION}
    document["profile"] = {**document["profile"], "is_public": True}
    for section, field in _PICTURE_FIELDS.items():
        document[section] = [await _with_picture(ctx, each, field) for each in document.get(section, ())]
    document["companies"] = [await _with_logo(ctx, each) for each in document["companies"]]
    company_ids = {each["name"]: each["id"] for each in document["companies"]}
    document["experiences"] = [_with_company(each, company_ids) for each in document["experiences"]]
    document["blog"] = [_with_time(each, number) for number, each in enumerate(document["blog"])]
    return document


async def _with_picture(ctx: Context, item: dict[str, Any], field: str) -> dict[str, Any]:
    rest = {name: value for name, value in item.items() if name != "picture"}
    if "picture" not in item:
        return rest
    motif, rng = album.MOTIFS[item["picture"]], sample.rng("portfolio", item["title"])
    name = f"{item['picture']}-{rng.randrange(1000, 9999)}.{motif.extension}"
    stored = await album.ensure_upload(ctx.container, ctx.user_id, name, lambda: motif.draw(rng))
    return {**rest, field: stored.url}


async def _with_logo(ctx: Context, company: dict[str, Any]) -> dict[str, Any]:
    name = company["name"]
    stored = await album.ensure_upload(
        ctx.container,
        ctx.user_id,
        f"{name}.png",
        lambda: canvas.to_png(portraits.logo(sample.rng("logo", name), name)),
    )
    return {**company, "id": ids.uuid7(), "logo": stored.url}


def _with_company(experience: dict[str, Any], company_ids: dict[str, Any]) -> dict[str, Any]:
    if experience["company"] not in company_ids:
        return experience
    rest = {name: value for name, value in experience.items() if name != "company"}
    return {**rest, "company_id": company_ids[experience["company"]]}


def _with_time(post: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a post that was written some time ago, the first one last."""
    at = clock.now() - POSTED_EVERY * (number + 1)
    return {**post, "created_at": at, **({"published_at": at} if post.get("published") else {})}
