"""Accounts and sessions: what is asked and what is shown."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.core import password_policy
from hubbub.core.text import email_addresses, usernames
from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import LINE_RULES, name_rules, text_rules

MAX_PASSWORD_CHARS = 65_536  # of passwords; nobody's is cut off, and reading one stays quick
MAX_PASSWORD_BODY_BYTES = 1 << 20  # bytes, of one that holds passwords: each character may be escaped
# A new one. That it is made of the account's own names is found out by the operation.
_NEW_PASSWORD_RULES = text_rules(password_policy.violation, "A password that is not one of the commonest.")
Password = Annotated[str, Meta(min_length=8, max_length=MAX_PASSWORD_CHARS, **_NEW_PASSWORD_RULES)]
_USERNAME_RULES = text_rules(
    usernames.fault, "Letters a-z, digits, dots, dashes and underscores; no dot or dash at the ends."
)
Email = Annotated[str, Meta(min_length=3, max_length=254)]
NOT_EMAIL = "Must be an e-mail address."


def _email_fault(text: str) -> str | None:
    return NOT_EMAIL if email_addresses.canonical(text) is None else None


# `idn-email` is what JSON Schema has for addresses with letters of any script.
_NEW_EMAIL_RULES = text_rules(_email_fault, "An e-mail address.", format="idn-email")
# Of a new account. Elsewhere anything is looked for, and nothing is found.
NewEmail = Annotated[str, Meta(min_length=3, max_length=254, **_NEW_EMAIL_RULES)]


class Register(Command):
    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    name: Annotated[str, Meta(min_length=1, max_length=80, **name_rules(80))]
    email: NewEmail
    password: Password
    username: Annotated[str, Meta(min_length=3, max_length=32, **_USERNAME_RULES)] | None = None


class Login(Command):
    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARS)]
    device_name: Annotated[str, Meta(max_length=100, **LINE_RULES)] | None = None


class Refresh(Command):
    refresh_token: Annotated[str, Meta(max_length=4096)]


Token = Annotated[str, Meta(min_length=1, max_length=4096)]


class ForgotPassword(Command):
    email: Email


class ResetPassword(Command):
    """API keys end with the old password unless `end_api_keys` is false."""

    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    token: Token
    password: Password
    end_api_keys: bool = True


class Undo(Command):
    token: Token


class Confirm(Command):
    """`code` is one of the app or a recovery code; needed where two-factor is on."""

    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARS)]
    code: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class VerifyEmail(Command):
    token: Token


class ChangePassword(Command):
    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    current_password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARS)]
    new_password: Password


class DeleteAccount(Command):
    """`token` is the one that was sent by e-mail."""

    token: Token


class ExportAccount(Command):
    format: Literal["json", "csv"] = "json"


class AccountExport(View):
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


class TokenPair(View):
    """A new pair of tokens; `expires_in` is the access token's, in seconds."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: Account
