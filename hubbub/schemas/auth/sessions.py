"""Commands and views of sessions: logins on devices."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View


class Place(View):
    """Where an IP address is used, in English. What is not known is null."""

    city: Annotated[str, Meta(description="As the GeoIP file names it.")] | None
    region: Annotated[str, Meta(description="The largest subdivision of the country.")] | None
    country: Annotated[str, Meta(description="As the GeoIP file names it.")] | None
    country_code: Annotated[str, Meta(description="ISO 3166-1, two letters.")] | None
    time_zone: Annotated[str, Meta(description="Of the IANA database.")] | None


class Session(View):
    """`browser`, `os` and `device` come from the user agent, `location` from the IP address, if known."""

    id: Annotated[UUID, Meta(description="Needed to revoke it.")]
    device_name: Annotated[str, Meta(description="The label given at login. Null if there was none.")] | None
    device: (
        Annotated[str, Meta(description="Kind of device, from the user agent. Null if it is unknown.")] | None
    )
    browser: (
        Annotated[str, Meta(description="Name and version, from the user agent. Null if it is unknown.")]
        | None
    )
    os: (
        Annotated[str, Meta(description="Operating system, from the user agent. Null if it is unknown.")]
        | None
    )
    ip: Annotated[str, Meta(description="IP address at login.")]
    location: (
        Annotated[
            str,
            Meta(description="City and country by the IP address. Null if unknown, or without a GeoIP file."),
        ]
        | None
    )
    place: (
        Annotated[Place, Meta(description="Parts of the location. Null if unknown, or without a GeoIP file.")]
        | None
    )
    created_at: Annotated[str, Meta(description="Time of the login, RFC 3339, UTC.")]
    expires_at: Annotated[str, Meta(description="It ends then unless it is refreshed before, RFC 3339, UTC.")]
    last_active_at: Annotated[
        str, Meta(description="Latest request or connection, RFC 3339, UTC, to about a minute.")
    ]
    current: Annotated[bool, Meta(description="True for the session of this request.")]


class SessionRef(Command):
    session_id: Annotated[UUID, Meta(description="From the list of the caller's sessions.")]
