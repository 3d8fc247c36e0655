"""The development admin and the greeting."""

from pathlib import Path

import pytest

from hubbub import models
from hubbub.app import App
from hubbub.cli import services_context
from hubbub.config import Settings
from hubbub.core import passwords
from hubbub.services.seed import dev_admin
from hubbub.services.seed.dev_admin import DevAdminLogin


@pytest.fixture
async def container(database_url, tmp_path):
    settings = Settings.for_tests(env="development", database_url=database_url, data_dir=tmp_path)
    async with services_context.open_container(settings) as container:
        yield container


async def test_an_empty_database_gets_an_admin_with_a_stored_password(container, tmp_path):
    login = await dev_admin.ensure_dev_admin(container)

    user = await models.User.get(email=login.email)
    assert user.role == "admin"
    assert await passwords.matches(login.password, user.password_digest, 4)
    assert login.path.read_text().strip() == login.password
    assert login.path.stat().st_mode & 0o777 == 0o600


async def test_the_next_start_keeps_the_admin(container):
    first = await dev_admin.ensure_dev_admin(container)
    second = await dev_admin.ensure_dev_admin(container)

    assert first == second
    assert await models.User.all().count() == 1


async def test_a_new_database_uses_the_stored_password(container):
    first = await dev_admin.ensure_dev_admin(container)
    await models.User.all().delete()

    assert await dev_admin.ensure_dev_admin(container) == first


async def test_a_database_with_users_gets_no_admin(container, tmp_path):
    await models.User.create(username="ada", email="ada@example.org", display_name="Ada")

    assert await dev_admin.ensure_dev_admin(container) is None
    assert await models.User.all().count() == 1
    assert not (tmp_path / "admin_password").exists()


async def test_a_changed_password_is_not_printed(container):
    await dev_admin.ensure_dev_admin(container)
    await models.User.all().update(password_digest=await passwords.digest("another one", 4))

    assert await dev_admin.ensure_dev_admin(container) is None


async def test_a_deleted_admin_is_not_printed(container):
    await dev_admin.ensure_dev_admin(container)
    await models.User.all().update(email="other@example.org")

    assert await dev_admin.ensure_dev_admin(container) is None


@pytest.mark.parametrize("env", ["test", "production"])
async def test_no_admin_is_created_outside_development(container, env):
    container.settings = container.settings.model_copy(update={"env": env})

    assert await dev_admin.ensure_dev_admin(container) is None
    assert not await models.User.exists()


LOGIN = DevAdminLogin("admin@hubbub.local", "s3cret", Path("var/admin_password"))


def test_the_greeting_contains_the_urls_and_the_login():
    text = dev_admin.banner(Settings.for_tests(env="development"), "http://127.0.0.1:8000", LOGIN)

    assert "http://127.0.0.1:8000/\n" in text
    assert "http://127.0.0.1:8000/api/v1\n" in text
    assert "http://127.0.0.1:8000/api/docs\n" in text
    assert "admin@hubbub.local" in text
    assert "s3cret" in text
    assert "var/admin_password" in text


def test_the_greeting_omits_what_is_disabled():
    text = dev_admin.banner(Settings.for_tests(env="development", playground=False), "http://h", None)

    assert "playground" not in text
    assert "password" not in text


def test_production_prints_no_greeting():
    settings = Settings.for_tests(env="production", bcrypt_rounds=10)

    assert dev_admin.banner(settings, "http://h", None) == ""


async def test_no_e_mail_is_sent_to_the_admin_of_a_new_database(container):
    await dev_admin.ensure_dev_admin(container)

    assert await models.Job.all().count() == 0
    assert (await models.User.get(email=dev_admin.EMAIL)).email_verified_at is not None


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:0"), ("::", "http://[::1]:0"), ("127.0.0.2", "http://127.0.0.2:0")],
)
def test_the_printed_url_can_be_opened(host, url):
    settings = Settings.for_tests(host=host, playground=True)

    displayed = dev_admin.banner(settings, App(settings).url, None, ".venv/bin/hubbub")

    assert f"playground  {url}/" in displayed
    assert " .venv/bin/hubbub seed " in displayed
