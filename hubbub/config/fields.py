"""How a setting is declared: its default, its text, its section in the reference."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field, PlainValidator
from pydantic.fields import FieldInfo

from hubbub.config import providers, values
from hubbub.core.limits import Rate

PREFIX = "HUBBUB_"

Limit = Annotated[Rate | None, PlainValidator(values.rate)]
HttpLimit = Annotated[Rate | None, PlainValidator(partial(values.rate, leaks=True))]
Tiers = Annotated[tuple[values.Tier, ...], PlainValidator(values.tiers)]
Names = Annotated[tuple[str, ...], PlainValidator(values.names)]
Networks = Annotated[tuple[values.Network, ...], PlainValidator(values.networks)]
Secrets = Annotated[tuple[str, ...], PlainValidator(values.secrets)]
Providers = Annotated[tuple[providers.Provider, ...], PlainValidator(providers.issuers)]
Origins = Annotated[tuple[str, ...], PlainValidator(values.origins)]
Label = Annotated[str, PlainValidator(values.label)]
Sender = Annotated[str, PlainValidator(values.sender)]
Url = Annotated[
    str | None,
    PlainValidator(partial(values.site, schemes=("http", "https"), example="https://chat.example")),
]
Site = Annotated[
    str,
    PlainValidator(partial(values.site, schemes=("http", "https"), example="https://github.com")),
]
Database = Annotated[
    str,
    PlainValidator(
        partial(
            values.address,
            schemes=("postgres", "postgresql", "sqlite"),
            example="postgres://user:password@host/name",
        )
    ),
]
Redis = Annotated[
    str | None,
    PlainValidator(
        partial(
            values.address,
            schemes=("redis", "rediss", "redis+sentinel", "redis+cluster"),
            example="redis://host:6379/0",
        )
    ),
]
Storage = Annotated[
    str, PlainValidator(partial(values.address, schemes=("file", "s3"), example="file:///srv/uploads"))
]
Smtp = Annotated[
    str | None,
    PlainValidator(
        partial(values.address, schemes=("smtp", "smtps"), example="smtp://user:password@host:587")
    ),
]


def setting(default: Any, text: str, **more: Any) -> Any:  # noqa: ANN401 - as pydantic's Field is typed
    """A field. A function as default sees the fields before it; `shown` then says what it does.

    `section` opens a section of the reference, `sample` stands in `.env.example`. A `secret` is never shown
    as it is, and may come from a file.
    """
    extra: dict[str, Any] = {
        key: more.pop(key) for key in ("section", "shown", "sample", "secret") if key in more
    }
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(description=text, json_schema_extra=extra, validate_default=True, **given, **more)


def optional(text: str, sample: str, **more: Any) -> Any:  # noqa: ANN401 - likewise
    """A field that need not be set: None without it."""
    return setting(None, text, shown="none", sample=sample, **more)


def networks(text: str, sample: str, shown: str = "none") -> Any:  # noqa: ANN401 - likewise
    """A list of networks, empty without a value: `shown` says what that means."""
    return setting((), text, shown=shown, sample=sample)


def variable(name: str) -> str:
    """The environment's name of a field."""
    return PREFIX + name.upper()


def extra(field: FieldInfo) -> dict[str, Any]:
    """What `setting` noted beside the field."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
