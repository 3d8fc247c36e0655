"""Sending e-mail over SMTP. Without a server, it is printed to the log in development, and only there."""

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
PORTS = {"smtp": 25, "smtps": 465}
_TOKEN = re.compile(r"[\w-]{32,}+")  # one-time tokens have 43 characters; queue ids of servers are shorter
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# What the connection itself can fail with, for `hubbub doctor`.
SMTPException = aiosmtplib.SMTPException
NotAuthenticated = aiosmtplib.SMTPAuthenticationError
REFUSED = 500  # from here on SMTP says: never
LONGEST_TEXT = 60  # characters of a header's text that are written as they are, without folding
_PHRASE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_'")
_BODY = SMTP.clone(cte_type="7bit")  # reaches every server


class Mail(NamedTuple):
    """An e-mail, before it is addressed."""

    subject: str
    text: str
    html: str


class Refused(Exception):
    """The server will not take this e-mail, now or later."""


class Composed(NamedTuple):
    """An e-mail as it is handed to a server: its two addresses, and headers and body as bytes."""

    sender: str
    to: str
    content: bytes


def compose(settings: Settings, to: str, mail: Mail) -> Composed:
    """Write the e-mail, header by header.

    The standard library's header objects are not used: they parse what they are given, and decode the encoded
    words in it (RFC 2047), so that a text could become another text, or an address, or a header.
    Raises ValueError for what no e-mail can reach.
    """
    address, sender = email_addresses.canonical(to), email_addresses.sender(settings.mail_from)
    if address is None or sender is None:
        raise ValueError("not an e-mail address")
    name, own = sender
    headers = {
        "Subject": _text(line(mail.subject)),
        "From": f"{_phrase(line(name))} <{own}>" if name else own,
        "To": address,
        "Date": format_datetime(clock.now()),
        "Message-ID": f"<{ids.uuid7()}@{own.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    body = EmailMessage(policy=_BODY)
    body.set_content(mail.text)
    body.add_alternative(mail.html, subtype="html")
    head = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    return Composed(own, address, head.encode() + body.as_bytes())


def line(text: str) -> str:
    """Text for a header: one line, without control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _text(text: str) -> str:
    """Unstructured text (RFC 5322, 2.2.1) that is read as exactly this text."""
    if _is_plain(text) and len(text) <= LONGEST_TEXT:
        return text
    return Header(text, "utf-8").encode(linesep="\r\n")


def _phrase(name: str) -> str:
    """A display name that is read as exactly this name."""
    if _is_plain(name) and len(name) <= LONGEST_TEXT:
        return name if _PHRASE.issuperset(name) else f'"{name.replace(chr(92), chr(92) * 2)}"'
    return Header(name, "utf-8").encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text and '"' not in text


async def send(settings: Settings, to: str, mail: Mail) -> None:
    """Hand an e-mail to the server. Raises Refused; OSError or SMTPException for what may pass."""
    try:
        message = compose(settings, to, mail)
    except ValueError as error:
        raise Refused(f"That is no address: {error}") from None
    if settings.smtp_url == OFF:
        raise Refused("No e-mail is sent: HUBBUB_SMTP_URL is off")
    if settings.smtp_url is not None:
        await _hand_over(settings.smtp_url, message)
    elif settings.env == "development":
        text = " | ".join(each.strip() for each in mail.text.splitlines() if each.strip())
        log.info("an e-mail; no server is set", extra={"to": to, "subject": line(mail.subject), "text": text})
    elif settings.env == "test":
        log.info("an e-mail is not sent; no server is set", extra={"subject": line(mail.subject)})
    else:
        raise Refused("No e-mail is sent: HUBBUB_SMTP_URL is not set")


async def check(settings: Settings) -> None:
    """Connect and log in as `send` does, and send nothing. Raises OSError or SMTPException."""
    if settings.smtp_url in (None, OFF):
        return
    async with _server(settings.smtp_url) as server:
        await server.noop()


def place(url: str) -> str:
    """The host and port of a server's URL."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or PORTS[parts.scheme]}"


def _server(url: str) -> aiosmtplib.SMTP:
    """The server, not connected yet: an async context manager connects and logs in."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    return aiosmtplib.SMTP(
        hostname=host,
        port=parts.port or PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if parts.username else None,
        use_tls=parts.scheme == "smtps",
        # A password goes to another machine only in private; otherwise TLS is used where it is offered.
        start_tls=True if parts.scheme == "smtp" and parts.username and host not in LOOPBACK else None,
        timeout=TIMEOUT_S,
        tls_context=ssl.create_default_context(),
    )


async def _hand_over(url: str, message: Composed) -> None:
    try:
        async with _server(url) as server:
            await _send(server, message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        if all(each.code >= REFUSED for each in error.recipients):
            raise Refused(_reply(error)) from None
        raise aiosmtplib.SMTPException(_reply(error)) from None
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        if error.code >= REFUSED:
            raise Refused(_reply(error)) from None
        raise aiosmtplib.SMTPException(_reply(error)) from None
    except aiosmtplib.SMTPException as error:
        raise aiosmtplib.SMTPException(_reply(error)) from None


def _reply(error: aiosmtplib.SMTPException) -> str:
    """The text of an error without what may be a token: some servers repeat a part of the e-mail they reject.

    The text is kept with the job and logged.
    """
    return f"{type(error).__name__}: {_TOKEN.sub('***', str(error))}"


async def _send(server: aiosmtplib.SMTP, message: Composed) -> None:
    options = [] if message.to.isascii() and message.sender.isascii() else ["SMTPUTF8"]
    try:
        await server.sendmail(message.sender, [message.to], message.content, mail_options=options)
    except aiosmtplib.SMTPNotSupported as error:  # addresses beyond ASCII, which this server never takes
        raise Refused(_reply(error)) from None
