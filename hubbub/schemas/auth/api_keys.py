"""Commands and views of API keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import name_rules

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = ("read", "write")


class CreateApiKey(Command):
    """`signed`: the key is valid only for signed requests."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=80, **name_rules(80)),
        Meta(description="A label for the list of API keys. It need not be unique."),
    ]
    scopes: Annotated[
        list[Scope],
        Meta(min_length=1, max_length=2),
        Meta(description="`read` allows GET. `write` allows all other methods."),
    ]
    expires_at: (
        Annotated[
            datetime,
            Meta(tz=True),
            Meta(description="RFC 3339 with a time zone. Null: the key is valid until it is revoked."),
        ]
        | None
    ) = None
    signed: Annotated[
        bool, Meta(description="True: the key is accepted only with a signature in `X-Signature`.")
    ] = False


class ApiKeyRef(Command):
    key_id: Annotated[UUID, Meta(description="The `id` of an API key, not its secret.")]


class ApiKey(View):
    """`prefix` is the beginning of the key."""

    id: Annotated[UUID, Meta(description="Needed to revoke it.")]
    name: Annotated[str, Meta(description="The label chosen when it was created.")]
    prefix: Annotated[
        str, Meta(description="First characters of the secret, to recognize it in a configuration.")
    ]
    scopes: Annotated[list[Scope], Meta(description="`read` allows GET. `write` allows all other methods.")]
    signed: Annotated[bool, Meta(description="True if requests need a signature in `X-Signature`.")]
    created_at: Annotated[str, Meta(description="RFC 3339, UTC. The list is sorted by it.")]
    expires_at: (
        Annotated[str, Meta(description="RFC 3339, UTC. Null: the key is valid until it is revoked.")] | None
    )
    last_used_at: (
        Annotated[
            str,
            Meta(description="Latest accepted request, RFC 3339, UTC, to about a minute. Null: never used."),
        ]
        | None
    )


class NewApiKey(ApiKey):
    """`key`, and the `signing_secret` of a key that signs, are only returned here."""

    key: Annotated[
        str, Meta(description="The secret for the header `X-API-Key`. No later response contains it.")
    ]
    signing_secret: (
        Annotated[
            str,
            Meta(description="Key of the HMAC in `X-Signature`. Null unless the API key is a signed one."),
        ]
        | None
    )
