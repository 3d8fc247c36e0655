"""Signing in with others: what is asked and what is shown."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import LINE_RULES

CHALLENGE_META = Meta(
    pattern="^[A-Za-z0-9_-]{43}$",
    description="Must be the S256 challenge of a verifier: 43 characters of base64url.",
)
Challenge = Annotated[str, CHALLENGE_META]


class Authorize(Command):
    """`confirm` confirms a session instead: that of the access token, or the one that exchanges the code.

    `redirect` is the page that gets a code for tokens; `challenge` the S256 of a secret that it keeps.
    """

    # Percent-encoded, a character takes up to 12 bytes of the request line, which ends at 8,190.
    redirect: Annotated[str, Meta(min_length=1, max_length=600)] | None = None
    challenge: Challenge | None = None
    confirm: Literal["true", "false"] = "false"


class Callback(Command):
    """What a provider sends the browser back with."""

    state: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    code: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    error: Annotated[str, Meta(max_length=1000)] | None = None
    iss: Annotated[str, Meta(max_length=1000)] | None = None


class Exchange(Command):
    """`verifier` is needed if the page gave a `challenge`; `confirm` confirms a session."""

    code: Annotated[str, Meta(min_length=1, max_length=200)]
    verifier: Annotated[str, Meta(min_length=43, max_length=128)] | None = None
    device_name: Annotated[str, Meta(max_length=100, **LINE_RULES)] | None = None
    confirm: bool = False


class IdentityRef(Command):
    identity_id: UUID


class Provider(View):
    """Somebody to sign in with; `name` stands in the addresses."""

    name: str
    title: str


class Identity(View):
    """Who somebody is at a provider."""

    id: UUID
    provider: str
    email: str | None
    created_at: str
    last_used_at: str
