"""Posts of the blog."""

from typing import Annotated, ClassVar

from msgspec import Meta

from hubbub.schemas.portfolio.fields import FILE_URL, SLUG, Words, markdown, single_line, text
from hubbub.schemas.portfolio.resource import MAX_CONTENT_BODY_BYTES, Item, Resource, SlugRef

MAX_EXCERPT_CHARS = 500


class NewArticle(Item):
    max_body_bytes: ClassVar[int] = MAX_CONTENT_BODY_BYTES

    title: Annotated[str, single_line(200, required=True), Meta(description="What the post is called.")]
    slug: (
        Annotated[
            str,
            SLUG,
            Meta(
                description=(
                    "Its name in URLs, unique among the posts of the user. Generated from the title if it is "
                    "left out."
                )
            ),
        ]
        | None
    ) = None
    content: Annotated[str, markdown(100_000), Meta(description="In Markdown.")] | None = None
    excerpt: (
        Annotated[
            str, text(MAX_EXCERPT_CHARS), Meta(description="Generated from `content` if it is left out.")
        ]
        | None
    ) = None
    cover_image: Annotated[str, FILE_URL, Meta(description="A picture above the post.")] | None = None
    tags: Annotated[Words, Meta(description="Words to filter by.")] | None = []
    published: Annotated[bool, Meta(description="Whether the public sees it.")] | None = False


class PublishArticle(SlugRef):
    published: Annotated[bool, Meta(description="Whether the public sees it.")]


RESOURCE = Resource(
    name="blog",
    noun="post",
    item=NewArticle,
    default_order=("-published_at", "-created_at"),
    filters=("published", "tags"),
    searched=("title", "content", "tags"),
    hidden_unless="published",
    slug_of="title",
    excerpt_of="content",
)
