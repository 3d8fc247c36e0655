"""Sessions as their owner sees them: one sign-in on one device."""

from uuid import UUID

from hubbub.schemas.base import Command, View


class Session(View):
    """`browser`, `os`, `device`: by the user agent; `location`: by the address, if it is known."""

    id: UUID
    device_name: str | None
    device: str | None
    browser: str | None
    os: str | None
    ip: str
    location: str | None
    created_at: str
    last_active_at: str
    current: bool


class SessionRef(Command):
    session_id: UUID
