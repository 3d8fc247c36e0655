"""Handing e-mail to a real SMTP server."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest

from hubbub.config import Settings
from hubbub.gateways import mail
from hubbub.gateways.mail import Mail, Refused
from tests.support.mailbox import Mailbox, mailbox, text

LETTER = Mail("Grüße", "the text 🐝\n", "<p>the page 🐝</p>")


@pytest.fixture
async def letters() -> AsyncIterator[Mailbox]:
    async with mailbox() as made:
        yield made


def settings(folder: Path, url: str | None = None) -> Settings:
    return Settings.for_tests(data_dir=folder, smtp_url=url, mail_from="hubbub <chat@example.org>")


async def test_a_letter_arrives(letters, tmp_path):
    await mail.send(settings(tmp_path, letters.url), "ada@example.com", LETTER)

    came = letters.mail[0]
    assert (came["From"], came["To"], came["Subject"]) == (
        "hubbub <chat@example.org>",
        "ada@example.com",
        "Grüße",
    )
    assert came["Auto-Submitted"] == "auto-generated"
    assert came["Message-ID"].endswith("@example.org>")
    assert came["Date"]
    assert text(came).strip() == "the text 🐝"
    assert "the page 🐝" in came.get_body(("html",)).get_content()


async def test_no_header_can_be_smuggled_in(letters, tmp_path):
    evil = LETTER._replace(subject="Hello\r\nBcc: all@example.org\x00\u2028X: y")
    await mail.send(settings(tmp_path, letters.url), "ada@example.com", evil)

    assert letters.mail[0]["Subject"] == "Hello Bcc: all@example.org X: y"
    assert letters.mail[0]["Bcc"] is None
    for address in ("ada@example.com\r\nBcc: all@example.org", "ada@example.com, eve@example.org", "nobody"):
        with pytest.raises(Refused):
            await mail.send(settings(tmp_path, letters.url), address, LETTER)
    assert len(letters.mail) == 1


async def test_addresses_in_any_script(letters, tmp_path):
    await mail.send(settings(tmp_path, letters.url), "ada@bücher.example", LETTER)
    await mail.send(settings(tmp_path, letters.url), "jürgen@example.com", LETTER)

    assert letters.mail[0]["To"] == "ada@xn--bcher-kva.example"
    assert "rgen@example.com" in letters.mail[1]["To"]


async def test_a_refusal_for_good_is_told_from_one_for_now(letters, tmp_path):
    letters.refuse = lambda to: "550 nobody here" if to.startswith("gone") else "451 later"
    with pytest.raises(Refused, match="nobody here"):
        await mail.send(settings(tmp_path, letters.url), "gone@example.com", LETTER)
    with pytest.raises(aiosmtplib.SMTPException):
        await mail.send(settings(tmp_path, letters.url), "busy@example.com", LETTER)


async def test_a_server_that_is_not_there_is_for_now(tmp_path):
    with pytest.raises((OSError, aiosmtplib.SMTPException)):
        await mail.send(settings(tmp_path, "smtp://127.0.0.1:1"), "ada@example.com", LETTER)


async def test_without_a_server_it_is_printed_to_the_log(tmp_path, caplog):
    caplog.set_level(logging.INFO, "hubbub")

    await mail.send(settings(tmp_path), "ada@example.com", LETTER)

    record = caplog.records[-1]
    assert (record.to, record.subject, record.text) == ("ada@example.com", "Grüße", "the text 🐝")
