"""Profiles: what people say of themselves."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import LINE_RULES, WEB_URL_RULES, name_rules


class Profile(View):
    """A person as everybody who is logged in may see them."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    bio: str
    location: str
    website_url: str | None
    created_at: str


class UpdateProfile(Command):
    """What is not given stays; `website_url` null takes it away. Only http and https are taken."""

    display_name: Annotated[str, Meta(min_length=1, max_length=80, **name_rules(80))] | UnsetType = UNSET
    bio: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET
    location: Annotated[str, Meta(max_length=100, **LINE_RULES)] | UnsetType = UNSET
    website_url: Annotated[str, Meta(max_length=200, **WEB_URL_RULES)] | UnsetType | None = UNSET


class UsernameRef(Command):
    """Somebody by username, in any case."""

    username: Annotated[str, Meta(max_length=64)]
