"""Commands and views of accounts and tokens."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.core import password_policy
from hubbub.core.text import email_addresses, usernames
from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import LINE_RULES, name_rules, text_rules

MAX_PASSWORD_CHARS = 65_536  # of passwords: longer than any in use, and still fast to read
MAX_PASSWORD_BODY_BYTES = 1 << 20  # bytes of a body with passwords, in which each character may be escaped
# A new password. The operation checks whether it is derived from the account's own names.
_NEW_PASSWORD_RULES = text_rules(password_policy.violation, "A password that is not one of the most common.")
Password = Annotated[str, Meta(min_length=8, max_length=MAX_PASSWORD_CHARS, **_NEW_PASSWORD_RULES)]
_USERNAME_RULES = text_rules(
    usernames.fault,
    "Letters a-z, digits, dots, dashes and underscores; no dot or dash at the ends. Some names are reserved.",
    pattern=usernames.PATTERN,
)
Email = Annotated[str, Meta(min_length=3, max_length=254)]
NOT_EMAIL = "Must be an e-mail address."


def _email_fault(text: str) -> str | None:
    return NOT_EMAIL if email_addresses.canonical(text) is None else None


# `idn-email` is the JSON Schema format of e-mail addresses with letters of any script.
_NEW_EMAIL_RULES = text_rules(_email_fault, "An e-mail address.", format="idn-email")
# Of a new account. Elsewhere any text is looked up.
NewEmail = Annotated[str, Meta(min_length=3, max_length=254, **_NEW_EMAIL_RULES)]


class Register(Command):
    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    name: Annotated[
        str,
        Meta(min_length=1, max_length=80, **name_rules(80)),
        Meta(
            description=(
                "The display name. Leading and trailing spaces are removed, and it is normalized to NFKC."
            )
        ),
    ]
    email: Annotated[
        NewEmail,
        Meta(description="Where the verification e-mail goes. One account per mailbox, in all spellings."),
    ]
    password: Annotated[
        Password,
        Meta(
            description=(
                "At least 8 characters. Refused if it is common or contains the name or the e-mail address."
            )
        ),
    ]
    username: (
        Annotated[
            str,
            Meta(min_length=3, max_length=32, **_USERNAME_RULES),
            Meta(
                description=(
                    "Unique in any case, and stored in lower case. Derived from the name if it is left out."
                )
            ),
        ]
        | None
    ) = None


class Login(Command):
    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    email: Annotated[Email, Meta(description="In any spelling that names the mailbox of the account.")]
    password: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_PASSWORD_CHARS),
        Meta(description="The current one of the account."),
    ]
    device_name: (
        Annotated[
            str,
            Meta(max_length=100, **LINE_RULES),
            Meta(description="A label for the list of sessions, such as `Kitchen tablet`."),
        ]
        | None
    ) = None


class Refresh(Command):
    refresh_token: Annotated[
        str,
        Meta(max_length=4096),
        Meta(
            description=(
                "The newest one of the session. An older one revokes the session. Not required if the cookie "
                "of `HUBBUB_REFRESH_COOKIE` has it."
            )
        ),
    ]


class Logout(Command):
    refresh_token: (
        Annotated[
            str,
            Meta(max_length=4096),
            Meta(description="Accepted and not read: the access token or the cookie names the session."),
        ]
        | UnsetType
    ) = UNSET


Token = Annotated[str, Meta(min_length=1, max_length=4096)]


class ForgotPassword(Command):
    email: Annotated[
        Email,
        Meta(description="The account whose password is forgotten. An unknown one is accepted alike."),
    ]


class ResetPassword(Command):
    """The API keys of the account are revoked, unless `end_api_keys` is false."""

    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    token: Annotated[
        Token, Meta(description="The one-time token of the password reset e-mail, valid for an hour.")
    ]
    password: Annotated[
        Password, Meta(description="Replaces the current one. The same rules as for registration.")
    ]
    end_api_keys: Annotated[bool, Meta(description="False keeps the API keys of the account valid.")] = True


class Undo(Command):
    token: Annotated[
        Token, Meta(description="The one-time token of the e-mail about the change, valid for 7 days.")
    ]


class Confirm(Command):
    """`code` is a TOTP code or a recovery code. It is required if two-factor is on."""

    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    password: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_PASSWORD_CHARS),
        Meta(description="The current one of the caller's account."),
    ]
    code: (
        Annotated[
            str,
            Meta(min_length=1, max_length=64),
            Meta(
                description="Of the authenticator app, or a recovery code. Required if two-factor is enabled."
            ),
        ]
        | None
    ) = None


class VerifyEmail(Command):
    token: Annotated[Token, Meta(description="The one-time token of the verification e-mail.")]


class ChangeEmail(Command):
    email: Annotated[
        NewEmail,
        Meta(description="Replaces the e-mail address of the account once the link sent to it is used."),
    ]


class ConfirmEmailChange(Command):
    token: Annotated[
        Token, Meta(description="The one-time token sent to the new e-mail address, valid for 24 hours.")
    ]


class ChangePassword(Command):
    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    current_password: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_PASSWORD_CHARS),
        Meta(description="Compared with the stored one. Wrong ones delay the next attempt."),
    ]
    new_password: Annotated[Password, Meta(description="Replaces it. The same rules as for registration.")]


class DeleteAccount(Command):
    """`token` was sent by e-mail."""

    token: Annotated[
        Token, Meta(description="The one-time token that was sent by e-mail, valid for 24 hours.")
    ]


class ExportAccount(Command):
    format: Annotated[
        Literal["json", "csv"],
        Meta(description="`json` is one document. `csv` is a zip archive with one file for each table."),
    ] = "json"


class AccountExport(View):
    """All data of a user. The columns are those of the tables."""

    account: Annotated[dict[str, Any], Meta(description="The row of the user, without digests.")]
    preferences: Annotated[
        list[dict[str, Any]], Meta(description="One row for each kind: app, notifications, e-mail.")
    ]
    sessions: Annotated[
        list[dict[str, Any]], Meta(description="Active and ended ones, while they are retained.")
    ]
    api_keys: Annotated[list[dict[str, Any]], Meta(description="Without the secrets, which are not stored.")]
    identities: Annotated[list[dict[str, Any]], Meta(description="The linked accounts at OAuth providers.")]
    memberships: Annotated[
        list[dict[str, Any]], Meta(description="The user's rooms, with role and read mark.")
    ]
    messages: Annotated[
        list[dict[str, Any]], Meta(description="Everything that the user sent, in all rooms.")
    ]
    uploads: Annotated[list[dict[str, Any]], Meta(description="Descriptions of the files, without these.")]
    reactions: Annotated[list[dict[str, Any]], Meta(description="The user's own, with the message of each.")]
    mentions: Annotated[list[dict[str, Any]], Meta(description="Where others mentioned the user.")]
    audit_log: Annotated[list[dict[str, Any]], Meta(description="Records with the user as actor.")]


class Account(View):
    """A user's own account."""

    id: Annotated[UUID, Meta(description="Stable. It stays when the username changes.")]
    username: Annotated[str, Meta(description="Unique. Lower case.")]
    display_name: Annotated[str, Meta(description="What others see. It need not be unique.")]
    avatar_url: Annotated[str, Meta(description="Null if the user has no picture.")] | None
    email: Annotated[str, Meta(description="Visible to the user and to admins only.")]
    role: Annotated[
        str,
        Meta(description="`user`, `moderator` or `admin`: what the account may do across the deployment."),
    ]
    email_verified: Annotated[
        bool, Meta(description="True after the user used the token of the verification e-mail.")
    ]
    created_at: Annotated[str, Meta(description="Time of registration, RFC 3339, UTC.")]


class TokenPair(View, kw_only=True):
    """A new pair of tokens. `expires_in` is that of the access token, in seconds."""

    access_token: Annotated[
        str,
        Meta(description="A JWT for the header `Authorization: Bearer`. It is also accepted by sockets."),
    ]
    refresh_token: (
        Annotated[
            str,
            Meta(
                description=(
                    "A JWT for `/auth/refresh`, valid once. Left out with `HUBBUB_REFRESH_COOKIE`, which "
                    "sends it as a cookie."
                )
            ),
        ]
        | UnsetType
    ) = UNSET
    token_type: Annotated[str, Meta(description="Always `Bearer`.")]
    expires_in: Annotated[int, Meta(description="Lifetime of the access token in seconds.")]
    user: Annotated[Account, Meta(description="The account that logged in.")]
