"""Commands and views of profiles."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.core.text import usernames
from hubbub.schemas.base import Command, View
from hubbub.schemas.json_objects import object_rules
from hubbub.schemas.texts import LINE_RULES, WEB_URL_RULES, name_rules, text_rules

MAX_METADATA_BYTES = 4096


class Profile(View):
    """The profile of a user, for every user who is logged in."""

    id: Annotated[UUID, Meta(description="Stable. It stays when the username changes.")]
    username: Annotated[str, Meta(description="Unique. Lower case.")]
    display_name: Annotated[str, Meta(description="What others see. It need not be unique.")]
    first_name: Annotated[str, Meta(description="Empty if it is not set.")]
    last_name: Annotated[str, Meta(description="Empty if it is not set.")]
    avatar_url: Annotated[str, Meta(description="Null if the user has no picture.")] | None
    bio: Annotated[str, Meta(description="Free text with line breaks. Empty if it is not set.")]
    location: Annotated[str, Meta(description="One line of free text. Empty if it is not set.")]
    website_url: (
        Annotated[str, Meta(description="Begins with http:// or https://. Null if it is not set.")] | None
    )
    created_at: Annotated[str, Meta(description="Time of registration, RFC 3339, UTC.")]


class OwnProfile(Profile):
    """The profile of the caller."""

    metadata: Annotated[
        dict[str, Any],
        Meta(description="What programs of the user stored. No other user sees it. Empty if it is not set."),
    ]


PartOfName = Annotated[
    str,
    Meta(max_length=50, **LINE_RULES),
    Meta(description="One line, for users who are logged in. Empty or null removes it."),
]


class UpdateProfile(Command):
    """A missing field is unchanged. `website_url` must be http or https; null removes it."""

    username: (
        Annotated[
            str,
            Meta(
                min_length=usernames.MIN_USERNAME_CHARS,
                max_length=usernames.MAX_USERNAME_CHARS,
                **text_rules(
                    usernames.form_fault,
                    "Letters a-z, digits, dots, dashes and underscores; no dot or dash at the ends.",
                    pattern=usernames.PATTERN,
                ),
            ),
            Meta(
                description=(
                    "Unique in any case, and stored in lower case. It can be changed once in 24 hours. The "
                    "former one is free from then on."
                )
            ),
        ]
        | UnsetType
    ) = UNSET
    display_name: (
        Annotated[
            str,
            Meta(min_length=1, max_length=80, **name_rules(80)),
            Meta(description="What others see. It need not be unique."),
        ]
        | UnsetType
    ) = UNSET
    first_name: PartOfName | UnsetType | None = UNSET
    last_name: PartOfName | UnsetType | None = UNSET
    bio: (
        Annotated[
            str, Meta(max_length=500), Meta(description="Free text with line breaks. Empty removes it.")
        ]
        | UnsetType
    ) = UNSET
    location: (
        Annotated[
            str,
            Meta(max_length=100, **LINE_RULES),
            Meta(description="One line of free text. Empty removes it."),
        ]
        | UnsetType
    ) = UNSET
    website_url: (
        Annotated[
            str,
            Meta(max_length=200, **WEB_URL_RULES),
            Meta(description="Begins with http:// or https://. Null removes it."),
        ]
        | UnsetType
        | None
    ) = UNSET
    metadata: (
        Annotated[
            dict[str, Any],
            Meta(**object_rules(MAX_METADATA_BYTES)),
            Meta(description="Replaces the whole object, which only the user sees. Null removes it."),
        ]
        | UnsetType
        | None
    ) = UNSET


class UsernameRef(Command):
    """A user by username, in any case."""

    username: Annotated[str, Meta(max_length=64), Meta(description="In any case.")]
