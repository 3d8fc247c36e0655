"""A mail server for tests that stores received e-mails."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, Envelope

WAIT_S = 20.0


async def _do_nothing(_: str) -> None:
    return


class RawMail(NamedTuple):
    """An e-mail byte by byte: its recipients in the envelope, and its headers as they were sent."""

    recipients: list[str]
    fields: list[tuple[str, str]]

    @property
    def header_names(self) -> list[str]:
        """The names of all headers, in order."""
        return [name for name, _ in self.fields]

    def headers(self, name: str) -> list[str]:
        """The values of all headers of a name, undecoded."""
        return [value for field, value in self.fields if field.lower() == name.lower()]


def _parse_raw(envelope: Envelope, content: bytes) -> RawMail:
    head = content.decode().partition("\r\n\r\n")[0].replace("\r\n ", " ").replace("\r\n\t", " ")
    fields = [line.partition(":") for line in head.split("\r\n")]
    return RawMail(list(envelope.rcpt_tos), [(name, value.strip()) for name, _, value in fields])


class Mailbox:
    """All received mail. `refuse` maps a recipient to a reply: `550 nobody here`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.raw_messages: list[RawMail] = []
        self.refusal_of: Callable[[str], str | None] = lambda _: None
        # Called with "rcpt", and with "data" once the message is kept.
        self.on_step: Callable[[str], Awaitable[None]] = _do_nothing
        self.url = ""
        self._received = asyncio.Condition()
        self._returned: set[int] = set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, to: str, _: Any) -> str:  # noqa: N802 - as aiosmtpd calls it
        if (refusal := self.refusal_of(to)) is not None:
            return refusal
        await self.on_step("rcpt")
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - as aiosmtpd calls it
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        async with self._received:
            self.messages.append(message)
            self.raw_messages.append(_parse_raw(envelope, content))
            self._received.notify_all()
        await self.on_step("data")
        return "250 OK"

    async def next_message(self, to: str, subject: str) -> EmailMessage:
        """The next such e-mail that was not returned yet, waiting for it."""

        def find() -> int | None:
            return next(
                (
                    index
                    for index, each in enumerate(self.messages)
                    if index not in self._returned and to in each["To"] and subject in each["Subject"]
                ),
                None,
            )

        async with self._received:
            try:
                await asyncio.wait_for(self._received.wait_for(lambda: find() is not None), WAIT_S)
            except TimeoutError:
                raise AssertionError(
                    f"no such mail; came: {[each['Subject'] for each in self.messages]}"
                ) from None
            index = find()
        assert index is not None
        self._returned.add(index)
        return self.messages[index]

    async def next_code(self, to: str, subject: str) -> str:
        """The code in the next such e-mail."""
        match = re.search(r"#\w+:([\w-]{43})", plain_text(await self.next_message(to, subject)))
        assert match is not None
        return match[1]


def plain_text(message: EmailMessage) -> str:
    """The part of an e-mail that is plain text."""
    body = message.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


@asynccontextmanager
async def run_mailbox(*, utf8: bool = True) -> AsyncIterator[Mailbox]:
    """Run a server on a free port. It accepts addresses beyond ASCII if `utf8`."""
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, loop=loop, hostname="localhost", enable_SMTPUTF8=utf8), "127.0.0.1", 0
    )
    box.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield box
    finally:
        server.close()
