"""The go-live checklist: each missing item is reported with the setting or command that fixes it."""

import pytest

from hubbub.cli import services_context
from hubbub.config import Settings
from hubbub.db import database
from hubbub.queries.instance import processes as rows
from hubbub.services import go_live
from hubbub.services.admin import admins
from hubbub.services.doctor import CheckFailed, run_checks
from hubbub.services.instance.processes import Process

SITE = {
    "env": "production",
    "secret_key": "9f4c1e7a0b6d83520c5be917fa2d6480",
    "public_url": "https://chat.example",
    "trusted_proxies": "127.0.0.1",
    "mail_from": "chat <chat@chat.example>",
    "smtp_url": "smtp://127.0.0.1:1",
    "limit_http": "60/20",
    "limit_public": "60/10",
    "limit_upload": "20/1",
    "limit_auth": "10/0.17",
    "bcrypt_rounds": 10,
}


@pytest.mark.parametrize(
    ("changes", "check", "text"),
    [
        ({"env": "development"}, "environment", "HUBBUB_ENV"),
        ({"public_url": "http://chat.example"}, "public url", "HUBBUB_PUBLIC_URL"),
        ({"public_url": "https://127.0.0.1"}, "public url", "HUBBUB_PUBLIC_URL"),
        ({"public_url": "https://localhost:8000"}, "public url", "HUBBUB_PUBLIC_URL"),
        ({"public_url": "https://10.1.2.3"}, "public url", "HUBBUB_PUBLIC_URL"),
        ({"trusted_proxies": ""}, "public url", "HUBBUB_TRUSTED_PROXIES"),
        ({"mail_from": "hubbub <hubbub@localhost>"}, "sender", "HUBBUB_MAIL_FROM"),
        ({"limit_auth": "off"}, "limits", "HUBBUB_LIMIT_AUTH"),
        ({"limit_upload": "off"}, "limits", "HUBBUB_LIMIT_UPLOAD"),
        ({"limit_events": "off", "limit_message_send": "off"}, "limits", "HUBBUB_LIMIT_EVENTS off"),
        ({}, "running", "hubbub serve"),
        ({}, "admin", "hubbub create-admin"),
    ],
)
async def test_missing_settings_are_reported(database_url, tmp_path, changes, check, text):
    settings = Settings.for_tests(**{**SITE, **changes}, database_url=database_url, data_dir=tmp_path)

    with pytest.raises(CheckFailed, match=text):
        await go_live.CHECKLIST[check](settings)


async def test_a_ready_deployment_passes(database_url, tmp_path):
    settings = Settings.for_tests(**SITE, database_url=database_url, data_dir=tmp_path, inline_workers=True)
    async with services_context.open_container(settings) as container:
        await admins.create(container, "root@example.org", "long enough")
        await rows.write(database.connection(), Process(settings, "serve").registration)

    found = [each async for each in run_checks(settings, go_live.CHECKLIST)]

    assert [(each.name, each.text) for each in found if not each.passed] == []
