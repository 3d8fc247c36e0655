"""Sends e-mail over SMTP. Without a server, e-mails are logged, and only in development."""

import logging
import re
import ssl
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import aiosmtplib

from hubbub.config import Settings
from hubbub.config.production import OFF
from hubbub.core import clock, ids
from hubbub.core.text import email_addresses

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
_TOKEN = re.compile(r"[\w-]{32,}+")  # one-time tokens have 43 characters; queue ids of servers are shorter
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
# The errors of connecting, for `hubbub doctor`.
SMTPException = aiosmtplib.SMTPException
NotAuthenticated = aiosmtplib.SMTPAuthenticationError
MIN_PERMANENT_ERROR_CODE = 500  # SMTP errors from here on are permanent
MAX_UNFOLDED_CHARS = 60  # characters of a header's text that are written without folding
_PLAIN_PHRASE_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_'")
_BODY_POLICY = SMTP.clone(cte_type="7bit")  # accepted by every server


class Mail(NamedTuple):
    """An e-mail without its recipient."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None  # for mail programs, which show a button (RFC 8058)
    message_id: str | None = None  # the local part; the same for each attempt, so that a repetition shows


class MailRejected(Exception):
    """The server will never accept this e-mail."""


class ComposedMail(NamedTuple):
    """An e-mail as it is sent to a server: two e-mail addresses, and headers and body as bytes."""

    sender: str
    to: str
    content: bytes


def compose(settings: Settings, to: str, mail: Mail) -> ComposedMail:
    """Compose an e-mail, header by header.

    It does not use the standard library's header objects: they parse their input and decode the encoded words
    in it (RFC 2047), so that a text could become another text, an e-mail address, or a header. Raises
    ValueError if an e-mail address is invalid.
    """
    recipient, sender = email_addresses.canonical(to), email_addresses.parse_sender(settings.mail_from)
    if recipient is None or sender is None:
        raise ValueError("not an e-mail address")
    name, sender_email = sender
    headers = {
        "Subject": _encode_text(single_line(mail.subject)),
        "From": f"{_encode_phrase(single_line(name))} <{sender_email}>" if name else sender_email,
        "To": recipient,
        "Date": format_datetime(clock.now()),
        "Message-ID": f"<{mail.message_id or ids.uuid7()}@{sender_email.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    if mail.unsubscribe_url is not None:
        headers |= {
            "List-Unsubscribe": f"<{single_line(mail.unsubscribe_url)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    body = EmailMessage(policy=_BODY_POLICY)
    body.set_content(mail.text)
    body.add_alternative(mail.html, subtype="html")
    header_block = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    return ComposedMail(sender_email, recipient, header_block.encode() + body.as_bytes())


def single_line(text: str) -> str:
    """Return text for a header: one line, without control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _encode_text(text: str) -> str:
    """Encode unstructured text (RFC 5322, 2.2.1) that decodes to exactly this text."""
    if _is_plain(text) and len(text) <= MAX_UNFOLDED_CHARS:
        return text
    return Header(text, "utf-8").encode(linesep="\r\n")


def _encode_phrase(name: str) -> str:
    """Encode a display name that decodes to exactly this name."""
    if _is_plain(name) and len(name) <= MAX_UNFOLDED_CHARS:
        return name if _PLAIN_PHRASE_CHARS.issuperset(name) else f'"{name.replace(chr(92), chr(92) * 2)}"'
    return Header(name, "utf-8").encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text and '"' not in text


async def send(settings: Settings, to: str, mail: Mail) -> None:
    """Send an e-mail. Raises MailRejected if it can never be sent, OSError or SMTPException for a retry."""
    try:
        message = compose(settings, to, mail)
    except ValueError as error:
        raise MailRejected(f"The e-mail address is invalid: {error}") from None
    if settings.smtp_url == OFF:
        raise MailRejected("No e-mail is sent: HUBBUB_SMTP_URL is off")
    if settings.smtp_url is not None:
        await _deliver(settings.smtp_url, message)
    elif settings.env == "development":
        text = " | ".join(each.strip() for each in mail.text.splitlines() if each.strip())
        log.info(
            "e-mail not sent, because no server is set",
            extra={"to": to, "subject": single_line(mail.subject), "text": text},
        )
    elif settings.env == "test":
        log.info("e-mail not sent, because no server is set", extra={"subject": single_line(mail.subject)})
    else:
        raise MailRejected("No e-mail is sent: HUBBUB_SMTP_URL is not set")


async def check(settings: Settings) -> None:
    """Connect and log in as `send` does, without sending. Raises OSError or SMTPException."""
    if settings.smtp_url in (None, OFF):
        return
    async with _smtp_client(settings.smtp_url) as server:
        await server.noop()


def host_and_port(url: str) -> str:
    """Return the host and port of a server's URL."""
    url_parts = urlsplit(url)
    return f"{url_parts.hostname or 'localhost'}:{url_parts.port or DEFAULT_PORTS[url_parts.scheme]}"


def _smtp_client(url: str) -> aiosmtplib.SMTP:
    """Return the client, not connected yet. As an async context manager it connects and logs in."""
    url_parts = urlsplit(url)
    host = url_parts.hostname or "localhost"
    # A password is sent to another machine only over TLS. Otherwise TLS is used if the server offers it.
    needs_tls = url_parts.scheme == "smtp" and url_parts.username and host not in LOOPBACK_HOSTS
    return aiosmtplib.SMTP(
        hostname=host,
        port=url_parts.port or DEFAULT_PORTS[url_parts.scheme],
        username=unquote(url_parts.username) if url_parts.username else None,
        password=unquote(url_parts.password or "") if url_parts.username else None,
        use_tls=url_parts.scheme == "smtps",
        start_tls=True if needs_tls else None,
        timeout=TIMEOUT_S,
        tls_context=ssl.create_default_context(),
    )


async def _deliver(url: str, message: ComposedMail) -> None:
    try:
        async with _smtp_client(url) as server:
            await _send_message(server, message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        if all(each.code >= MIN_PERMANENT_ERROR_CODE for each in error.recipients):
            raise MailRejected(_redacted_text(error)) from None
        raise aiosmtplib.SMTPException(_redacted_text(error)) from None
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        if error.code >= MIN_PERMANENT_ERROR_CODE:
            raise MailRejected(_redacted_text(error)) from None
        raise aiosmtplib.SMTPException(_redacted_text(error)) from None
    except aiosmtplib.SMTPException as error:
        raise aiosmtplib.SMTPException(_redacted_text(error)) from None


def _redacted_text(error: aiosmtplib.SMTPException) -> str:
    """Return the text of an error without possible tokens: some servers repeat a part of a rejected e-mail.

    The text is stored with the job and logged.
    """
    return f"{type(error).__name__}: {_TOKEN.sub('***', str(error))}"


async def _send_message(server: aiosmtplib.SMTP, message: ComposedMail) -> None:
    options = [] if message.to.isascii() and message.sender.isascii() else ["SMTPUTF8"]
    try:
        await server.sendmail(message.sender, [message.to], message.content, mail_options=options)
    except aiosmtplib.SMTPNotSupported as error:  # this server never accepts non-ASCII e-mail addresses
        raise MailRejected(_redacted_text(error)) from None
