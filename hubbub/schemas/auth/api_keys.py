"""API keys: what is asked and what is shown."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import name_rules

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = ("read", "write")


class CreateApiKey(Command):
    """`signed`: the key is good for signed requests only."""

    name: Annotated[str, Meta(min_length=1, max_length=80, **name_rules(80))]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=2)]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    signed: bool = False


class ApiKeyRef(Command):
    key_id: UUID


class ApiKey(View):
    """`prefix` is how the key begins."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    signed: bool
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class NewApiKey(ApiKey):
    """`key`, and `signing_secret` of one that signs, are shown this once."""

    key: str
    signing_secret: str | None
