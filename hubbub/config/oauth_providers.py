"""OAuth login: the configured identity providers and the validation of their settings."""

import re
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from pydantic import ValidationInfo

from hubbub.config import production, urls

GOOGLE_ISSUER = "https://accounts.google.com"
GITHUB_URL = "https://github.com"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_RESERVED_NAMES = ("google", "github", "exchange")  # `exchange` is a path beside those of the providers
_EXAMPLE = "name=https://client_id:client_secret@issuer.example"
_FORMAT_HINT = f"must be a URL like {_EXAMPLE}, separated by commas or lines"
_MAX_ISSUER_CHARS = 255  # as in the database column


class Provider(NamedTuple):
    """An identity provider. `url` is the issuer, exactly as the provider names itself."""

    name: str
    title: str
    url: str
    client_id: str
    client_secret: str
    is_oidc: bool = True

    def __repr__(self) -> str:
        return f"{self.name}={self.url}"  # without the secret


def parse_issuers(value: object) -> tuple[Provider, ...]:
    """Parse `name=https://client_id:client_secret@issuer`, separated. Messages do not contain the value."""
    given = re.split(r"[,\s]+", value) if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)):
        raise ValueError(_FORMAT_HINT)  # noqa: TRY004 - a mistake in a setting is a ValueError
    found = tuple(each if isinstance(each, Provider) else _parse_issuer(str(each)) for each in given if each)
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise ValueError("names one provider twice")
    return found


def _parse_issuer(text: str) -> Provider:
    name, separator, credentials_url = text.partition("=")
    urls.parse(credentials_url, ("http", "https"), _EXAMPLE)
    parts = urlsplit(credentials_url)
    if not separator or not parts.username or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(_FORMAT_HINT)
    if not _NAME.fullmatch(name) or name in _RESERVED_NAMES:
        raise ValueError(
            "names of providers are 1 to 32 letters a-z, digits and hyphens, and none of "
            + ", ".join(_RESERVED_NAMES)
        )
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if len(url) > _MAX_ISSUER_CHARS:
        raise ValueError(f"the URL of an issuer has at most {_MAX_ISSUER_CHARS} characters")
    title = name.replace("-", " ").title()
    return Provider(name, title, url, unquote(parts.username), unquote(parts.password or ""))


def require_https(value: tuple[Provider, ...], info: ValidationInfo) -> tuple[Provider, ...]:
    """Require https in production, so that nothing can read the traffic or impersonate a provider."""
    production.reject_if(
        production.has_plain_http(each.url for each in value), info, "must be https in production"
    )
    return value


def require_https_url(value: str, info: ValidationInfo) -> str:
    """Require https in production for one URL."""
    production.reject_if(production.has_plain_http([value]), info, "must be https in production")
    return value


def require_client_id(value: str | None, info: ValidationInfo) -> str | None:
    """Require that a secret and its client id are set together."""
    name = (info.field_name or "").removesuffix("_secret") + "_id"
    if (value is None) != (info.data.get(name) is None):
        raise ValueError(f"and HUBBUB_{name.upper()} are set together, or neither")
    return value


class ProviderSettings(Protocol):
    """The settings that name the providers."""

    oauth_issuers: tuple[Provider, ...]
    oauth_github_client_id: str | None
    oauth_github_client_secret: str | None
    oauth_github_url: str
    oauth_google_client_id: str | None
    oauth_google_client_secret: str | None


def configured(settings: ProviderSettings) -> dict[str, Provider]:
    """Return all providers by name, in display order."""
    found = list(settings.oauth_issuers)
    if settings.oauth_github_client_id and settings.oauth_github_client_secret:
        credentials = (settings.oauth_github_client_id, settings.oauth_github_client_secret)
        found.insert(0, Provider("github", "GitHub", settings.oauth_github_url, *credentials, is_oidc=False))
    if settings.oauth_google_client_id and settings.oauth_google_client_secret:
        credentials = (settings.oauth_google_client_id, settings.oauth_google_client_secret)
        found.insert(0, Provider("google", "Google", GOOGLE_ISSUER, *credentials))
    return {each.name: each for each in found}
