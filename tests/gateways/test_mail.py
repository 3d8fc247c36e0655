"""Sending e-mail through a real SMTP server."""

import io
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from hubbub.config import Settings
from hubbub.core import logs
from hubbub.core.text import email_addresses
from hubbub.gateways import mail
from hubbub.gateways.mail import Mail, MailRejected
from hubbub.services.mail import templates as catalogue
from tests.support.mailbox import Mailbox, plain_text, run_mailbox

HEADERS = [
    *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted"),
    *("MIME-Version", "Content-Type"),
]
# Pieces of attacks and of ordinary names; what is put together of them is mostly neither.
PIECES = [
    *("=?utf-8?q?", "=?utf-8?b?", "=0d=0aBcc:=20", "DQpCY2M6IA==", "?=", "\r\n", "\n", "\r", "Bcc: ", "X:"),
    *("eve@example.net", "<", ">", ",", ";", '"', "\\", "(", ")", " ", "\t", ".", "@", "=", "?", "\u2028"),
    *("ada", "Ада", "李", "e\u0301", "\uff1d\uff1f", "\u3002", "\u202e", "🐝"),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join)
local_parts = st.text("abz09!#$%&'*+/=?^_`{|}~-üжי李🐝", min_size=1, max_size=16)
domains = st.sampled_from(
    ["example.org", "bücher.example", "example.org.", "例え.テスト", "EXAMPLE.org", "a-b.co"]
)
LETTER = Mail("Grüße", "the text 🐝\n", "<p>the page 🐝</p>")


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


def settings(folder: Path, url: str | None = None) -> Settings:
    return Settings.for_tests(data_dir=folder, smtp_url=url, mail_from="hubbub <chat@example.org>")


async def test_an_email_is_delivered(mailbox, tmp_path):
    await mail.send(settings(tmp_path, mailbox.url), "ada@example.com", LETTER)

    came = mailbox.messages[0]
    assert (came["From"], came["To"], came["Subject"]) == (
        "hubbub <chat@example.org>",
        "ada@example.com",
        "Grüße",
    )
    assert came["Auto-Submitted"] == "auto-generated"
    assert came["Message-ID"].endswith("@example.org>")
    assert came["Date"]
    assert plain_text(came).strip() == "the text 🐝"
    assert "the page 🐝" in came.get_body(("html",)).get_content()


async def test_no_header_can_be_injected(mailbox, tmp_path):
    evil = LETTER._replace(subject="Hello\r\nBcc: all@example.org\x00\u2028X: y")
    await mail.send(settings(tmp_path, mailbox.url), "ada@example.com", evil)

    assert mailbox.messages[0]["Subject"] == "Hello Bcc: all@example.org X: y"
    assert mailbox.messages[0]["Bcc"] is None
    for address in ("ada@example.com\r\nBcc: all@example.org", "ada@example.com, eve@example.org", "nobody"):
        with pytest.raises(MailRejected):
            await mail.send(settings(tmp_path, mailbox.url), address, LETTER)
    assert len(mailbox.messages) == 1


ALIKE = profile(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow("6 s: an e-mail over SMTP for each of 30 examples")
@ALIKE
@given(local=local_parts, domain=domains, name=texts, key=texts)
async def test_an_email_contains_only_text_of_hubbub_whatever_users_wrote(
    mailbox, tmp_path, local, domain, name, key
):
    assume((email := email_addresses.canonical(f"{local}@{domain}")) is not None)
    written = catalogue.render("api_key_made", "en", facts(name=name, key_name=key))

    await mail.send(settings(tmp_path, mailbox.url), email, written)

    came = mailbox.raw_messages[-1]
    assert came.header_names == HEADERS
    assert came.headers("To") == [email]
    assert came.recipients == [email]
    assert mailbox.messages[-1]["Subject"] == written.subject
    assert plain_text(mailbox.messages[-1]).replace("\r\n", "\n") == written.text
    page = mailbox.messages[-1].get_body(("html",)).get_content().replace("\r\n", "\n")
    assert page.rstrip("\n") == written.html.rstrip("\n")


@ALIKE
@given(local=texts, subject=texts)
async def test_no_local_part_and_no_subject_adds_a_header(mailbox, tmp_path, local, subject):
    before = len(mailbox.raw_messages)
    refused = email_addresses.canonical(f"{local}@example.org") is None
    letter = LETTER._replace(subject=subject)

    if refused:
        with pytest.raises(MailRejected):
            await mail.send(settings(tmp_path, mailbox.url), f"{local}@example.org", letter)
    else:
        await mail.send(settings(tmp_path, mailbox.url), f"{local}@example.org", letter)

    came = mailbox.raw_messages[before:]
    assert [each.header_names for each in came] == ([] if refused else [HEADERS])
    assert [each["Subject"] for each in mailbox.messages[before:]] == (
        [] if refused else [mail.single_line(subject)]
    )


def facts(**given: str) -> dict[str, object]:
    return {"prefix": "hub_0123456789ab", "scopes": "read", "site": "http://127.0.0.1:8000", **given}


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("hubbub <chat@example.org>", "hubbub"),
        ("chat@example.org", ""),
        ('"Ada, Inc." <chat@example.org>', "Ada, Inc."),
        ("Grüße <chat@example.org>", "Grüße"),
        ("=?utf-8?q?x=0d=0aBcc:=20eve?= <chat@example.org>", "=?utf-8?q?x=0d=0aBcc:=20eve?="),
    ],
)
async def test_the_sender_is_the_configured_one(mailbox, tmp_path, sender, name):
    given = Settings.for_tests(data_dir=tmp_path, smtp_url=mailbox.url, mail_from=sender)

    await mail.send(given, "ada@example.org", LETTER)

    assert mailbox.raw_messages[0].header_names == HEADERS
    (said,) = mailbox.messages[0]["From"].addresses
    assert (said.display_name, said.addr_spec) == (name, "chat@example.org")


async def test_a_server_without_unicode_addresses_refuses_them_permanently(tmp_path):
    async with run_mailbox(utf8=False) as plain:
        await mail.send(settings(tmp_path, plain.url), "ada@bücher.example", LETTER)
        with pytest.raises(MailRejected):
            await mail.send(settings(tmp_path, plain.url), "jürgen@example.com", LETTER)

    assert len(plain.messages) == 1


async def test_email_addresses_in_any_script_are_accepted(mailbox, tmp_path):
    await mail.send(settings(tmp_path, mailbox.url), "ada@bücher.example", LETTER)
    await mail.send(settings(tmp_path, mailbox.url), "jürgen@example.com", LETTER)

    assert mailbox.raw_messages[0].headers("To") == ["ada@xn--bcher-kva.example"]
    assert mailbox.raw_messages[1].headers("To") == ["jürgen@example.com"]
    assert [each.recipients for each in mailbox.raw_messages] == [
        ["ada@xn--bcher-kva.example"],
        ["jürgen@example.com"],
    ]


async def test_permanent_and_temporary_refusals_are_distinguished(mailbox, tmp_path):
    mailbox.refusal_of = lambda to: "550 nobody here" if to.startswith("gone") else "451 later"
    with pytest.raises(MailRejected, match="nobody here"):
        await mail.send(settings(tmp_path, mailbox.url), "gone@example.com", LETTER)
    with pytest.raises(aiosmtplib.SMTPException):
        await mail.send(settings(tmp_path, mailbox.url), "busy@example.com", LETTER)


async def test_an_unreachable_server_is_a_temporary_failure(tmp_path):
    with pytest.raises((OSError, aiosmtplib.SMTPException)):
        await mail.send(settings(tmp_path, "smtp://127.0.0.1:1"), "ada@example.com", LETTER)


async def test_development_logs_the_email_without_a_server(tmp_path, caplog):
    caplog.set_level(logging.INFO, "hubbub")

    await mail.send(Settings.for_tests(env="development", data_dir=tmp_path), "ada@example.com", LETTER)

    record = caplog.records[-1]
    assert (record.to, record.subject, record.text) == ("ada@example.com", "Grüße", "the text 🐝")


TOKEN = "kJ3-vN8qXw2Lr5_Tz7Ys1Bd4Fh6Gm9Pc0AeUiOoQxZW"
SERVERS = {
    "none": None,
    "off": "off",
    "absent": "smtp://127.0.0.1:1",
    "rejects": "550 rejected: {}",
    "defers": "451 try again: {}",
}


class WrittenLog(NamedTuple):
    """All that is logged, as it is written."""

    style: str
    level: str
    stream: io.StringIO


@pytest.fixture(params=["debug", "info", "warning", "error"])
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["console", "json"])
def written(request: pytest.FixtureRequest, level: str) -> WrittenLog:
    """Set up logging at each level and in each format."""
    log = WrittenLog(request.param, level, io.StringIO())
    logs.setup(log.style, log.level, log.stream)
    return log


@pytest.mark.parametrize("env", ["production", "test"])
@pytest.mark.parametrize("server", SERVERS)
async def test_outside_development_no_log_contains_a_token(mailbox, tmp_path, written, env, server):
    repeated = {**catalogue._SAMPLE_CONTEXT, "code": TOKEN, "link": f"https://chat.example/account#x:{TOKEN}"}
    mailbox.refusal_of = lambda _: SERVERS[server].format(repeated["link"])
    url = mailbox.url if server in ("rejects", "defers") else SERVERS[server]
    given = Settings.for_tests(env=env, data_dir=tmp_path, smtp_url=url)

    # A server gets each template where most is logged, and elsewhere one with a code and a link.
    all_templates = server in ("none", "off") or (written.style, written.level) == ("json", "debug")
    for name in catalogue.NAMES if all_templates else catalogue.WITH_CODE[:1]:
        facts = {**repeated, "site": "https://chat.example"}
        try:
            await mail.send(given, "ada@example.com", catalogue.render(name, "en", facts))
        except Exception as error:  # as a worker does it
            logging.getLogger("hubbub.worker").exception("a job failed", extra={"error": repr(error)})

    assert TOKEN not in written.stream.getvalue()
    assert not re.search("Hello|Ada Lovelace", written.stream.getvalue())


@pytest.mark.parametrize("given", [{"smtp_url": "off"}, {"smtp_url": None, "env": "production"}])
async def test_an_email_that_no_server_accepts_is_refused(tmp_path, given):
    with pytest.raises(MailRejected, match="HUBBUB_SMTP_URL"):
        await mail.send(Settings.for_tests(data_dir=tmp_path, **given), "ada@example.com", LETTER)
