"""The settings, one field each. A setting's name is `HUBBUB_` and its field's name in capitals.

The reference (`docs/settings.md`) and `.env.example` are generated from the fields, in their order.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from hubbub.config import backups, errors, mail, oauth_providers, production, schedules, uploads, urls
from hubbub.config.fields import (
    ByteSize,
    Database,
    Host,
    HttpLimit,
    Identifier,
    Limit,
    MetricsPort,
    Networks,
    Origins,
    Providers,
    Redis,
    RoomNames,
    Secrets,
    Site,
    Tiers,
    Url,
    listening_url,
    networks,
    optional,
    setting,
)
from hubbub.config.parsers import Tier
from hubbub.config.production import MIN_BCRYPT_ROUNDS, MIN_SECRET_CHARS, PLACEHOLDER, TEST_SECRET
from hubbub.ratelimit.rate import Rate

Days = Annotated[int, Field(ge=1, le=3650)]


class Settings(schedules.ScheduleSettings, production.CheckedSettings):
    """The settings of a process. Times are in seconds (`_s`) or milliseconds (`_ms`), sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    _sources: dict[str, str] = PrivateAttr(default_factory=dict)  # by field name

    env: Literal["development", "test", "production"] = setting(
        "development",
        "`development`, `test` or `production`. Production refuses insecure development defaults.",
        section="The instance",
    )
    host: Host = setting("127.0.0.1", "IP address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = setting(8000, "Port to listen on; 0 selects a free one.")
    data_dir: Path = setting(Path("var"), "Directory for the database, uploads and generated secrets.")
    disk_min_bytes: ByteSize = setting(
        "500MB", "Free space on the disks of the data; below it, `/health` reports `degraded`."
    )
    instance_id: Identifier = setting(
        lambda: secrets.token_hex(4),
        "Name of this instance among the others.",
        default_text="generated at each start",
        sample="chat-1",
    )
    public_url: Url = setting(
        listening_url,
        "Base URL under which users reach hubbub; links start with it.",
        default_text="`http://` host and port, required in production",
        sample="https://chat.example",
    )
    cors_origins: Origins = setting(
        lambda data: () if data["env"] == "production" else ("*",),
        "Origins of other sites whose pages may connect, separated by commas. Pages of hubbub itself always "
        "may. `*` allows every site and is refused in production.",
        default_text="`*`, none in production",
        sample="https://www.example,https://app.example",
    )
    trusted_proxies: Networks = networks("Proxies whose `X-Forwarded-*` headers are trusted.", "10.0.0.0/8")
    addresses_allow: Networks = networks(
        "Networks whose clients are accepted, over REST and sockets. Probes from loopback always are.",
        "203.0.113.0/24,2001:db8::/32",
        default_text="all",
    )
    addresses_deny: Networks = networks(
        "Networks whose clients are refused, also if they are allowed.", "198.51.100.7"
    )
    geoip_database: Path | None = optional(
        "GeoIP2 or GeoLite2 database (City or Country, MMDB) for the location in the list of sessions.",
        sample="/var/lib/GeoIP/GeoLite2-City.mmdb",
    )
    hsts: Literal["on", "off", "subdomains", "preload"] = setting(
        "on",
        "HSTS over https: `on`, `off`, `subdomains` (with `includeSubDomains`), `preload` (with both).",
    )
    playground: bool = setting(
        lambda data: data["env"] == "development",
        "Serve the interactive playground page at `/`.",
        default_text="true in development",
        sample="false",
    )
    drain_s: Annotated[float, Field(ge=0, le=3600)] = setting(
        20, "Maximum time for closing all client connections after SIGTERM."
    )

    database_url: Database = setting(
        lambda data: urls.file_url("sqlite", data["data_dir"] / "hubbub.db"),
        "`postgres://user:password@a:5432,b:5432/name`, one host or several; or `sqlite://` and a path.",
        default_text="SQLite in the data directory",
        sample="postgres://hubbub:password@localhost:5432/hubbub",
        section="Stores",
        secret=True,
        repr=False,
    )
    database_pool: Annotated[int, Field(ge=1, le=1000)] = setting(10, "Maximum connections to PostgreSQL.")
    redis_url: Redis = optional(
        "`redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`: shared by several "
        "instances. Without it there is one instance.",
        sample="redis://localhost:6379/0",
        secret=True,
        repr=False,
    )
    redis_prefix: Identifier = setting(
        "hubbub",
        "Prefix of all keys and channels, so that several deployments can share one Redis.",
        sample="hubbub-staging",
    )
    inline_workers: bool = setting(
        lambda data: data["database_url"].startswith("sqlite"),
        "Run the worker and the scheduler inside `hubbub serve`.",
        default_text="true with SQLite",
        sample="false",
    )

    retention_days: Days = setting(30, "Days until ended sessions, failed jobs, deleted items are removed.")
    notification_days: Days = setting(180, "Days after which read notifications are removed.")
    audit_days: Annotated[int, Field(ge=30, le=36_500)] = setting(
        365, "Days after which rows of the audit log are removed; they hold IP addresses and user agents."
    )

    secret_key: str = setting(
        "",
        f"Signs tokens; {MIN_SECRET_CHARS} characters or more in production. To replace it: deploying.md.",
        default_text="generated in the data directory, required in production",
        sample=PLACEHOLDER,
        section="Accounts",
        secret=True,
        repr=False,
    )
    secret_key_previous: Secrets = setting(
        (),
        "Additional keys whose tokens are accepted: the previous key, or the next one.",
        default_text="none",
        sample=PLACEHOLDER,
        secret=True,
        repr=False,
    )
    access_token_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = setting(900, "Lifetime of an access token.")
    refresh_token_ttl_s: Annotated[int, Field(ge=1, le=31_536_000)] = setting(
        604_800, "Lifetime of an unused session."
    )
    refresh_cookie: bool = setting(default=False, text="Send refresh tokens in a cookie: rest.md.")
    bcrypt_rounds: Annotated[int, Field(ge=4, le=20)] = setting(
        lambda data: 4 if data["env"] == "test" else 12,
        f"bcrypt cost; each step doubles the time. Less than {MIN_BCRYPT_ROUNDS} is refused in production.",
        default_text="12, 4 in test",
        sample="12",
    )
    default_rooms: RoomNames = setting(("general",), "Public rooms that new users join, by comma.")

    oauth_google_client_id: str | None = optional(
        "The client id issued by Google; docs/oauth.md describes this section.",
        "123456.apps.googleusercontent.com",
        section="OAuth login",
    )
    oauth_google_client_secret: str | None = optional(
        "The client secret issued by the provider.", "GOCSPX-example", secret=True, repr=False
    )
    oauth_github_client_id: str | None = optional("The client id issued by GitHub.", "Ov23example")
    oauth_github_client_secret: str | None = optional(
        "The client secret issued by the provider.", "example", secret=True, repr=False
    )
    oauth_github_url: Site = setting(
        oauth_providers.GITHUB_URL, "URL of GitHub, or of a GitHub Enterprise Server."
    )
    oauth_issuers: Providers = setting(
        (),
        "OpenID Connect issuers, by comma or line: a name, and the URL with client id and secret.",
        default_text="none",
        sample="keycloak=https://client_id:client_secret@id.example/realms/main",
        secret=True,
        repr=False,
    )

    ping_interval_ms: Annotated[int, Field(ge=100, le=600_000)] = setting(
        25_000, "Interval between the pings of a connection.", section="Connections"
    )
    ping_timeout_ms: Annotated[int, Field(ge=100, le=600_000)] = setting(
        20_000, "Maximum time until the pong."
    )
    max_payload_bytes: Annotated[int, Field(ge=1024, le=104_857_600)] = setting(
        1_000_000, "Maximum size of a packet; a larger one closes the connection."
    )
    max_event_bytes: Annotated[int, Field(ge=256, le=104_857_600)] = setting(
        131_072, "Maximum size of an event as received; a larger one is rejected with `too_large`."
    )
    max_output_bytes: Annotated[int, Field(ge=4096, le=1_073_741_824)] = setting(
        1_048_576, "Output queued for one connection before it is closed with `slow_consumer`."
    )
    sockets_per_user: Annotated[int, Field(ge=1)] = setting(20, "Maximum open sockets of a user.")
    sockets_per_address: Annotated[int, Field(ge=1)] = setting(1000, "Sockets of an IP address or IPv6 /64.")
    handshakes_per_s: Annotated[int, Field(ge=1)] = setting(
        500, "CONNECTs that an instance accepts per second; others wait for up to 10 s."
    )

    limit_message_send: Limit = setting(
        Rate(30, 10), "Messages of a user.", section="Rate limits: burst and refill per second, or off"
    )
    limit_events: Limit = setting(
        Rate(50, 20), "Other events of a socket; `off` also lifts the limits of packets and bytes."
    )
    limit_handshakes: Limit = setting(
        Rate(100, 50), "Handshakes of an IP address; also lifted by `HUBBUB_HANDSHAKES_PER_S` over 10000."
    )
    limit_http: HttpLimit = setting(
        Rate(60, 20), "Requests of a user, of an API key, or of an IP address that is not logged in."
    )
    limit_auth: HttpLimit = setting(
        Rate(10, 0.17), "Login attempts per account and per IP address: 10 at once, then one every 6 seconds."
    )
    limit_register: HttpLimit = setting(
        lambda data: Rate(10, 0.0028) if data["limit_auth"] else None,
        "Registrations from one IP address: 10 at once, then 10 per hour.",
        default_text="`10/0.0028`, `off` where `HUBBUB_LIMIT_AUTH` is",
        sample="10/0.0028",
    )
    limit_public: HttpLimit = setting(
        Rate(60, 10), "Requests of an IP address for public portfolios and public pages."
    )
    limit_upload: HttpLimit = setting(Rate(20, 1), "Uploads of a user.")
    limit_tiers: Tiers = setting(
        (Tier("moderator", 2), Tier("admin", 5)),
        "Factors by which a role exceeds `HUBBUB_LIMIT_HTTP` and `_UPLOAD`; `admin=off` lifts the limit.",
    )

    max_upload_bytes: uploads.Size = uploads.MAX_UPLOAD_BYTES_SETTING
    max_image_bytes: uploads.Size = uploads.MAX_IMAGE_BYTES_SETTING
    upload_quota_bytes: uploads.Size = uploads.UPLOAD_QUOTA_SETTING
    max_image_pixels: uploads.Count = uploads.MAX_PIXELS_SETTING
    max_image_frames: uploads.Frames = uploads.MAX_FRAMES_SETTING
    image_types: uploads.ImageTypes = uploads.IMAGE_TYPES_SETTING
    document_types: uploads.DocumentTypes = uploads.DOCUMENT_TYPES_SETTING
    storage_url: uploads.Storage = uploads.STORAGE_SETTING
    s3_access_key_id: str | None = uploads.S3_KEY_ID_SETTING
    s3_secret_access_key: uploads.S3Secret = uploads.S3_SECRET_SETTING
    cdn_url: uploads.Cdn = uploads.CDN_SETTING
    clamd_url: uploads.Clamd = uploads.CLAMD_SETTING
    smtp_url: mail.Smtp = mail.SMTP_SETTING
    mail_from: mail.Sender = mail.SENDER_SETTING

    backup_url: backups.Url = backups.URL_SETTING
    backup_key: backups.Key = backups.KEY_SETTING
    log_format: Literal["console", "json"] = setting(
        "console", "`console` for humans, or `json`: one JSON object per line.", section="Logs and metrics"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(lambda value: str(value).lower())
    ] = setting("info", "`debug`, `info`, `warning` or `error`.")
    metrics_port: MetricsPort = setting(
        None, "Separate port for `/metrics`.", default_text="none: on the main port", sample="9090"
    )
    metrics_allow: Networks = networks(
        "Networks that may read `/metrics` in production on the main port, besides loopback.", "10.0.0.0/8"
    )

    _check_google = field_validator("oauth_google_client_secret")(oauth_providers.require_client_id)
    _check_github = field_validator("oauth_github_client_secret")(oauth_providers.require_client_id)
    _check_github_url = field_validator("oauth_github_url")(oauth_providers.require_https_url)
    _check_issuers = field_validator("oauth_issuers")(oauth_providers.require_https)

    @classmethod
    def build(cls, given: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Self:
        """Validate `given`: field name → value or its text. Raises ConfigError with every mistake.

        A value that only production refuses is an error next to others; alone it is in `production_errors`.
        """
        found = production.Findings(frozenset(given))
        try:
            settings = cls.model_validate(dict(given), context=found)
        except ValidationError as error:
            lines = errors.sort_by_field(
                [*errors.describe_errors(error), *errors.describe_rejections(found)], cls
            )
            raise errors.ConfigError(lines) from None
        settings._sources.update(sources or {})  # noqa: SLF001 - our own
        settings._production_errors = tuple(errors.describe_rejections(found))  # noqa: SLF001 - our own
        return settings

    @classmethod
    def for_tests(cls, **overrides: Any) -> Self:  # noqa: ANN401 - any field
        """Build settings without environment and files: SQLite in memory, cheap digests, no limit on REST."""
        limits: dict[str, Any] = dict.fromkeys(("limit_http", "limit_auth", "limit_public", "limit_upload"))
        given = {"env": "test", "secret_key": TEST_SECRET, "bcrypt_rounds": 4, **limits, **overrides}
        if "data_dir" not in given:
            given.setdefault("database_url", "sqlite://:memory:")
        return cls.build(given)

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return self.database_url.startswith("sqlite")

    def source(self, name: str) -> str:
        """Return the source of a value: `default`, `generated`, `environment`, `.env`, `file …`."""
        return self._sources.get(name, "default")

    def with_generated(self, name: str, value: str) -> Self:
        """Return a copy in which hubbub generated one value."""
        copied = self.model_copy(update={name: value})
        copied._sources = {**self._sources, name: "generated"}  # noqa: SLF001 - our own
        return copied
