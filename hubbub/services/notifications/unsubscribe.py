"""Unsubscribing from e-mails of one kind by a link, without a login (RFC 8058).

The token is an HMAC over the user, the kind and the purpose. It does not expire, and is not stored.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hubbub.core.errors import InvalidToken, NotFound
from hubbub.schemas.users.preferences import EmailPreferences
from hubbub.services.notifications.channels import EMAIL_FIELDS
from hubbub.services.users import preferences

if TYPE_CHECKING:
    from hubbub.config import Settings
    from hubbub.schemas.notifications.unsubscribe import UnsubscribeToken
    from hubbub.services.context import Container

PATH = "/api/v1/email/unsubscribe"
DIGEST, MARKETING = "digest", "marketing"  # kinds of e-mails that are no notifications
_PURPOSE = b"hubbub unsubscribe v1"
# What the switch of a kind is set to, by the field of the e-mail preferences.
_OFF: dict[str, object] = {DIGEST: "off"}
_FIELDS = {
    **{kind.value: field for kind, field in EMAIL_FIELDS.items()},
    DIGEST: DIGEST,
    MARKETING: MARKETING,
}


class Subscription(NamedTuple):
    """The e-mails of one kind to one user."""

    user_id: UUID
    kind: str  # a NotificationKind, `digest` or `marketing`


def url(settings: "Settings", subscription: Subscription) -> str:
    """Return the URL that ends a subscription, for the header `List-Unsubscribe` and for a link."""
    return f"{settings.public_url}{PATH}?token={create_token(settings.secret_key, subscription)}"


def create_token(secret_key: str, subscription: Subscription) -> str:
    """Return the token of a subscription."""
    digest = _digest(secret_key, subscription)
    head = _encode(subscription.user_id.bytes)
    return f"{head}.{subscription.kind}.{_encode(digest)}"


def read_token(secret_keys: Sequence[str], token: str) -> Subscription:
    """Return what a token ends. Raises InvalidToken."""
    head, _, rest = token.partition(".")
    kind, _, signature = rest.rpartition(".")
    try:
        subscription = Subscription(UUID(bytes=_decode(head)), kind)
        given = _decode(signature)
    except (ValueError, binascii.Error):
        raise InvalidToken from None
    digests = [_digest(key, subscription) for key in secret_keys]
    if kind not in _FIELDS or not any(hmac.compare_digest(digest, given) for digest in digests):
        raise InvalidToken
    return subscription


async def check(container: "Container", command: "UnsubscribeToken") -> Subscription:
    """Return what a token ends, and change nothing. Raises InvalidToken."""
    settings = container.settings
    return read_token([settings.secret_key, *settings.secret_key_previous], command.token)


async def unsubscribe(container: "Container", command: "UnsubscribeToken") -> None:
    """Switch the e-mails of a kind off. Doing it again changes nothing. Raises InvalidToken."""
    subscription = await check(container, command)
    field = _FIELDS[subscription.kind]
    with contextlib.suppress(NotFound):  # the account was deleted
        await preferences.change(
            subscription.user_id,
            EmailPreferences,
            lambda current: {**current, field: _OFF.get(field, False)},
            way="unsubscribe",
        )


def _digest(secret_key: str, subscription: Subscription) -> bytes:
    message = b"\0".join((_PURPOSE, subscription.user_id.bytes, subscription.kind.encode()))
    return hmac.new(secret_key.encode(), message, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
