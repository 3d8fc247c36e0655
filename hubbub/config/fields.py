"""Declaration of a setting: its default, its description, its section in the reference."""

from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo
from pydantic.fields import FieldInfo

from hubbub.config import oauth_providers, parsers, urls
from hubbub.core.client_ip import Network
from hubbub.ratelimit.rate import Rate

PREFIX = "HUBBUB_"


def _require_other_port(value: int | None, info: ValidationInfo) -> int | None:
    if value is not None and value == info.data.get("port"):
        raise ValueError("must differ from HUBBUB_PORT")
    return value


MetricsPort = Annotated[int | None, Field(ge=1, le=65535), AfterValidator(_require_other_port)]

Limit = Annotated[Rate | None, PlainValidator(parsers.rate)]
HttpLimit = Annotated[Rate | None, PlainValidator(partial(parsers.rate, allow_leaky=True))]
Tiers = Annotated[tuple[parsers.Tier, ...], PlainValidator(parsers.tiers)]
RoomNames = Annotated[tuple[str, ...], PlainValidator(parsers.names)]
Networks = Annotated[tuple[Network, ...], PlainValidator(parsers.networks)]
Secrets = Annotated[tuple[str, ...], PlainValidator(parsers.secrets)]
Providers = Annotated[tuple[oauth_providers.Provider, ...], PlainValidator(oauth_providers.parse_issuers)]
ByteSize = Annotated[int, PlainValidator(parsers.byte_size)]
Origins = Annotated[tuple[str, ...], PlainValidator(parsers.origins)]
Identifier = Annotated[str, PlainValidator(parsers.identifier)]
Host = Annotated[str, PlainValidator(urls.host)]
Url = Annotated[str | None, PlainValidator(urls.site)]
Site = Annotated[str, PlainValidator(partial(urls.site, example="https://github.com"))]
Database = Annotated[str, PlainValidator(urls.database)]
Redis = Annotated[str | None, PlainValidator(urls.redis)]


def setting(default: Any, text: str, **more: Any) -> Any:  # noqa: ANN401 - as pydantic's Field is typed
    """Declare a field. A function as default gets the fields before it; `default_text` describes its result.

    `section` starts a section of the reference; `sample` is the value in `.env.example`. A `secret` is never
    displayed, and may come from a file.
    """
    extra: dict[str, Any] = {
        key: more.pop(key) for key in ("section", "default_text", "sample", "secret") if key in more
    }
    default_argument = {"default_factory": default} if callable(default) else {"default": default}
    return Field(description=text, json_schema_extra=extra, validate_default=True, **default_argument, **more)


def optional(text: str, sample: str, **more: Any) -> Any:  # noqa: ANN401 - likewise
    """Declare a field whose default is None."""
    return setting(None, text, default_text="none", sample=sample, **more)


def networks(text: str, sample: str, default_text: str = "none") -> Any:  # noqa: ANN401 - likewise
    """Declare a list of networks that is empty by default; `default_text` states what that means."""
    return setting((), text, default_text=default_text, sample=sample)


def listening_url(data: dict[str, Any]) -> str:
    """Return the URL of the listening address; for all addresses, that of loopback."""
    host = data["host"]
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{data['port']}"


def env_name(name: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + name.upper()


def field_metadata(field: FieldInfo) -> dict[str, Any]:
    """Return the additional arguments that `setting` stored in the field."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
