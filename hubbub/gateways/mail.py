"""Sending e-mail over SMTP; without a server, what would be sent is printed to the log."""

import logging
import re
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import aiosmtplib

from hubbub.config import Settings
from hubbub.core import clock, ids

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
PORTS = {"smtp": 25, "smtps": 465}
_ADDRESS = re.compile(r"[^\s@<>()\",;:\\]+@[^\s@<>()\",;:\\]+")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REFUSED = 500  # from here on SMTP says: never


class Mail(NamedTuple):
    """An e-mail, before it is addressed."""

    subject: str
    text: str
    html: str


class Refused(Exception):
    """The server will not take this e-mail, now or later."""


def compose(settings: Settings, to: str, mail: Mail) -> EmailMessage:
    """The message. Nothing in an address or a subject can begin a header of its own.

    Raises ValueError for what is no address.
    """
    if not _ADDRESS.fullmatch(to):
        raise ValueError("not one address")
    user, _, domain = to.rpartition("@")
    name, sender = parseaddr(settings.mail_from)
    message = EmailMessage(policy=SMTP if to.isascii() else SMTPUTF8)
    message["Subject"] = line(mail.subject)
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(username=user, domain=_ascii(domain))
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{ids.new()}@{_ascii(sender.rpartition('@')[2])}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def line(text: str) -> str:
    """Text for a header: one line, without control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


async def send(settings: Settings, to: str, mail: Mail) -> None:
    """Hand an e-mail to the server. Raises Refused; OSError or SMTPException for what may pass."""
    try:
        message = compose(settings, to, mail)
    except ValueError as error:
        raise Refused(f"That is no address: {error}") from None
    if settings.smtp_url is None:
        text = " | ".join(each.strip() for each in mail.text.splitlines() if each.strip())
        log.info("an e-mail; no server is set", extra={"to": to, "subject": message["Subject"], "text": text})
        return
    await _hand_over(settings.smtp_url, message)


async def _hand_over(url: str, message: EmailMessage) -> None:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    server = aiosmtplib.SMTP(
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
    try:
        async with server:
            await server.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        if all(each.code >= REFUSED for each in error.recipients):
            raise Refused(str(error)) from None
        raise
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        if error.code >= REFUSED:
            raise Refused(str(error)) from None
        raise
