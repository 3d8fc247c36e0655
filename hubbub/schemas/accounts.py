"""Accounts and sessions: what is asked and what is shown."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View

LONGEST = 65_536  # of passwords; nobody's is cut off, and reading one stays quick
LONG_BODY = 1 << 20  # bytes, of one that holds passwords: each character may be escaped
Password = Annotated[str, Meta(min_length=8, max_length=LONGEST)]
Email = Annotated[str, Meta(min_length=3, max_length=254)]


class Register(Command):
    most_bytes: ClassVar[int] = LONG_BODY

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    email: Email
    password: Password
    username: Annotated[str, Meta(min_length=3, max_length=32)] | None = None


class Login(Command):
    most_bytes: ClassVar[int] = LONG_BODY

    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    device_name: Annotated[str, Meta(max_length=100)] | None = None


class Refresh(Command):
    refresh_token: Annotated[str, Meta(max_length=4096)]


Token = Annotated[str, Meta(min_length=1, max_length=4096)]


class ForgotPassword(Command):
    email: Email


class ResetPassword(Command):
    most_bytes: ClassVar[int] = LONG_BODY

    token: Token
    password: Password


class VerifyEmail(Command):
    token: Token


class ChangePassword(Command):
    most_bytes: ClassVar[int] = LONG_BODY

    current_password: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    new_password: Password


class DeleteAccount(Command):
    """`token` is the one that was sent by e-mail."""

    token: Token


class ExportAccount(Command):
    format: Literal["json", "csv"] = "json"


class Exported(View):
    """Everything that is a user's; the columns are those of the tables."""

    account: dict[str, Any]
    preferences: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    api_keys: list[dict[str, Any]]
    identities: list[dict[str, Any]]
    memberships: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    reactions: list[dict[str, Any]]
    mentions: list[dict[str, Any]]
    audit_log: list[dict[str, Any]]


class Account(View):
    """A person as they see themselves."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    email: str
    role: str
    email_verified: bool
    created_at: str


class Signed(View):
    """A new pair of tokens; `expires_in` is the access token's, in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: Account
