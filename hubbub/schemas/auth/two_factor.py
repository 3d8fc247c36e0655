"""Commands and views of the second factor."""

from typing import Annotated, ClassVar

from msgspec import Meta

from hubbub.schemas.accounts.accounts import MAX_PASSWORD_BODY_BYTES, MAX_PASSWORD_CHARS, Token
from hubbub.schemas.base import Command, View

Code = Annotated[str, Meta(min_length=1, max_length=64)]


class EnableTwoFactor(Command):
    code: Annotated[Code, Meta(description="Six digits of the authenticator app that has the secret.")]


class ConfirmTwoFactor(Command):
    """`code` is a TOTP code or a recovery code."""

    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    password: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_PASSWORD_CHARS),
        Meta(description="The current one of the caller's account."),
    ]
    code: Annotated[Code, Meta(description="Of the authenticator app, or a recovery code.")]


class VerifyTwoFactor(Command):
    """The second step of logging in. `code` is a TOTP code or a recovery code."""

    mfa_token: Annotated[Token, Meta(description="From the response of the login. Valid for 5 minutes.")]
    code: Annotated[
        Code, Meta(description="Of the authenticator app, or a recovery code. Each is valid once.")
    ]


class TwoFactorSecret(View):
    """The secret for an authenticator app. It takes effect with `/auth/2fa/enable`."""

    secret: Annotated[str, Meta(description="Base32, for manual entry into the authenticator app.")]
    otpauth_uri: Annotated[str, Meta(description="The same secret as a URI, for a QR code.")]


class RecoveryCodes(View):
    """New recovery codes, which are only returned here."""

    recovery_codes: Annotated[
        list[str],
        Meta(description="Each replaces one code of the app, once. No later response contains them."),
    ]


class TwoFactorStatus(View):
    enabled: Annotated[bool, Meta(description="True if logins with a password need a code.")]
    recovery_codes_left: Annotated[
        int, Meta(description="Number of unused recovery codes. 0 while two-factor is disabled.")
    ]


class MfaRequired(View):
    """The password was right. `/auth/2fa/verify` requires a code within 5 minutes."""

    mfa_required: Annotated[
        bool, Meta(description="Always true. It tells this response from a pair of tokens.")
    ]
    mfa_token: Annotated[str, Meta(description="For `/auth/2fa/verify`, within 5 minutes.")]
