"""The second factor: what is asked and what is shown."""

from typing import Annotated, ClassVar

from msgspec import Meta

from hubbub.schemas.accounts.accounts import MAX_PASSWORD_BODY_BYTES, MAX_PASSWORD_CHARS, Token
from hubbub.schemas.base import Command, View

Code = Annotated[str, Meta(min_length=1, max_length=64)]


class EnableTwoFactor(Command):
    code: Code


class ConfirmTwoFactor(Command):
    """`code` is one of the app or a recovery code."""

    max_body_bytes: ClassVar[int] = MAX_PASSWORD_BODY_BYTES

    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARS)]
    code: Code


class VerifyTwoFactor(Command):
    """The second step of logging in; `code` is one of the app or a recovery code."""

    mfa_token: Token
    code: Code


class TwoFactorSecret(View):
    """What an authenticator app needs; good after `/auth/2fa/enable`."""

    secret: str
    otpauth_uri: str


class RecoveryCodes(View):
    """Shown this once."""

    recovery_codes: list[str]


class TwoFactorStatus(View):
    enabled: bool
    recovery_codes_left: int


class MfaRequired(View):
    """The password was right; now `/auth/2fa/verify` wants a code, within 5 minutes."""

    mfa_required: bool
    mfa_token: str
