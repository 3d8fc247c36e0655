"""Commands and views of OAuth login."""

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

    `redirect` is the page that receives a code for tokens; `challenge` is the S256 of a secret that it keeps.
    """

    # Percent-encoded, a character takes up to 12 bytes of the request line, which is limited to 8,190.
    redirect: (
        Annotated[
            str,
            Meta(min_length=1, max_length=600),
            Meta(
                description=(
                    "Page that receives a code in its fragment. Without it, the callback returns tokens."
                )
            ),
        ]
        | None
    ) = None
    challenge: Challenge | None = None
    confirm: Annotated[
        Literal["true", "false"], Meta(description="`true` confirms a session. It is no login.")
    ] = "false"


class Callback(Command):
    """The parameters with which a provider redirects the browser back."""

    state: (
        Annotated[
            str,
            Meta(min_length=1, max_length=200),
            Meta(
                description=(
                    "The value that authorize sent to the provider. It is valid once, in the same browser."
                )
            ),
        ]
        | None
    ) = None
    code: (
        Annotated[
            str,
            Meta(min_length=1, max_length=4096),
            Meta(description="Authorization code of the provider, which hubbub exchanges."),
        ]
        | None
    ) = None
    error: (
        Annotated[str, Meta(max_length=1000), Meta(description="Set by the provider if the user refused.")]
        | None
    ) = None
    iss: (
        Annotated[
            str,
            Meta(max_length=1000),
            Meta(
                description="Issuer that sent the response (RFC 9207). It must be the provider of the path."
            ),
        ]
        | None
    ) = None


class Exchange(Command):
    """`verifier` is required if the page sent a `challenge`; `confirm` confirms a session."""

    code: Annotated[
        str,
        Meta(min_length=1, max_length=200),
        Meta(description="From the fragment of the page's URL: `oauth_code`. Valid for one minute."),
    ]
    verifier: (
        Annotated[
            str,
            Meta(min_length=43, max_length=128),
            Meta(description="Secret whose S256 digest was sent as `challenge`. Required if there was one."),
        ]
        | None
    ) = None
    device_name: (
        Annotated[
            str,
            Meta(max_length=100, **LINE_RULES),
            Meta(description="A label for the list of sessions, such as `Kitchen tablet`."),
        ]
        | None
    ) = None
    confirm: Annotated[
        bool, Meta(description="True confirms the session of the access token. The response is then 204.")
    ] = False


class IdentityRef(Command):
    identity_id: Annotated[UUID, Meta(description="From the list of linked identities.")]


class Provider(View):
    """An identity provider. `name` is part of its URLs."""

    name: Annotated[str, Meta(description="Part of the URLs for authorize and callback.")]
    title: Annotated[str, Meta(description="What a login button shows.")]


class Identity(View):
    """A user's identity at a provider."""

    id: Annotated[UUID, Meta(description="Needed to unlink it.")]
    provider: Annotated[str, Meta(description="Name of a configured OAuth provider.")]
    email: (
        Annotated[
            str,
            Meta(description="As the provider reported it at the latest login. Null if it reported none."),
        ]
        | None
    )
    created_at: Annotated[str, Meta(description="When it was linked, RFC 3339, UTC.")]
    last_used_at: Annotated[str, Meta(description="Latest login with it, RFC 3339, UTC.")]
