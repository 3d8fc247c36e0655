"""The token of an unsubscribe link."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.base import Command


class UnsubscribeToken(Command):
    token: Annotated[str, Meta(min_length=1, max_length=300, description="From the link in an e-mail.")]
