"""The doctor's checks, with each dependency present, unavailable and misconfigured."""

import asyncio
import base64
from contextlib import asynccontextmanager

import pytest

from hubbub.config import Settings
from hubbub.gateways import mail
from hubbub.services import doctor
from hubbub.services.doctor import CheckFailed
from tests.support.servers import free_port
from tests.support.tcp_server import run_tcp_server

ACCEPTED = base64.b64encode(b"\0hub\0right").decode()


@asynccontextmanager
async def mail_server(*, silent=False):
    """An SMTP server with one user. Yields its port."""

    async def serve(reader, writer):
        await (reader.read() if silent else converse(reader, writer))

    async with run_tcp_server(serve) as port:
        yield port


async def converse(reader, writer):
    writer.write(b"220 here\r\n")
    while line := (await reader.readline()).decode():
        words = line.split()
        if words[0].upper() == "EHLO":
            writer.write(b"250-here\r\n250 AUTH PLAIN\r\n")
        elif words[0].upper() == "AUTH":
            writer.write(b"235 welcome\r\n" if words[-1] == ACCEPTED else b"535 no\r\n")
        elif words[0].upper() == "QUIT":
            writer.write(b"221 bye\r\n")
            return
        else:
            writer.write(b"250 fine\r\n")


async def trouble(check, settings):
    with pytest.raises(CheckFailed) as caught:
        await check(settings)
    return str(caught.value)


async def test_an_available_database_reports_its_version(settings):
    text = await doctor.check_database(settings)

    assert text.startswith(("SQLite 3.", "PostgreSQL 1"))
    assert "readable and writable" in text


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_a_read_only_database_is_a_failure(settings):
    name = settings.database_url.rpartition("/")[2]
    async with doctor.connected(settings) as sql:
        await sql.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    assert "refuses writes" in await trouble(doctor.check_database, settings)


async def test_applied_migrations_are_ok(settings):
    assert (await doctor.check_migrations(settings)).startswith("All ")


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_pending_migrations_are_a_failure_with_a_remedy(bare_database_url, tmp_path):
    settings = Settings.for_tests(database_url=bare_database_url, data_dir=tmp_path)

    assert "Run: hubbub migrate" in await trouble(doctor.check_migrations, settings)


async def test_a_missing_sqlite_file_is_ok_and_not_created(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path)

    assert "`hubbub serve` creates" in await doctor.check_database(settings)
    assert "`hubbub serve` applies" in await doctor.check_migrations(settings)
    assert list(tmp_path.iterdir()) == []


async def test_an_empty_sqlite_file_is_ok_because_serve_migrates_it(tmp_path):
    (tmp_path / "hubbub.db").touch()

    text = await doctor.check_migrations(Settings.for_tests(data_dir=tmp_path))

    assert "applied by `hubbub serve`" in text


async def test_a_file_that_is_not_a_database_is_a_failure(tmp_path):
    (tmp_path / "hubbub.db").write_text("this is a letter, not a database " * 100)
    settings = Settings.for_tests(data_dir=tmp_path)

    assert "hubbub.db" in await trouble(doctor.check_database, settings)
    assert "Not checked" in await trouble(doctor.check_migrations, settings)


async def test_an_unavailable_postgres_is_a_failure_without_its_password():
    settings = Settings.for_tests(database_url=f"postgres://hub:s3cret@127.0.0.1:{free_port()}/hub")

    text = await trouble(doctor.check_database, settings)

    assert "HUBBUB_DATABASE_URL" in text
    assert "s3cret" not in text


async def test_a_writable_folder_is_ok_and_stays_clean(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path / "not" / "yet")

    assert "was written, read and deleted" in await doctor.check_storage(settings)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_in_place_of_the_folder_is_a_failure(tmp_path):
    (tmp_path / "var").write_text("in the way")

    assert "HUBBUB_DATA_DIR" in await trouble(
        doctor.check_storage, Settings.for_tests(data_dir=tmp_path / "var")
    )


async def test_the_folder_of_uploads_is_checked_too(tmp_path):
    (tmp_path / "uploads").write_text("in the way")
    settings = Settings.for_tests(data_dir=tmp_path, storage_url=f"file://{tmp_path}/uploads")

    text = await trouble(doctor.check_storage, settings)

    assert f"{tmp_path}/uploads" in text
    assert "HUBBUB_STORAGE_URL" in text


async def test_a_relative_folder_of_uploads_is_the_one_that_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").write_text("in the way")
    settings = Settings.for_tests(data_dir=tmp_path, storage_url="file://files/uploads")

    assert "files/uploads is not writable" in await trouble(doctor.check_storage, settings)


async def test_a_file_in_place_of_the_folder_of_the_database_is_a_failure(tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings = Settings.for_tests(data_dir=tmp_path, database_url=f"sqlite://{tmp_path}/file/hubbub.db")

    text = await trouble(doctor.check_database, settings)

    assert f"{tmp_path}/file/hubbub.db can't be created" in text
    assert "server" not in text


async def test_a_missing_geoip_database_is_a_failure(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path, geoip_database=tmp_path / "places.mmdb")

    text = await trouble(doctor.check_files, settings)

    assert "places.mmdb can't be read (No such file or directory)" in text
    assert "HUBBUB_GEOIP_DATABASE" in text


async def test_a_full_disk_is_a_failure(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path, disk_min_bytes="100000TB")

    assert "Free disk space" in await trouble(doctor.check_storage, settings)


async def test_a_missing_mail_server_is_ok():
    assert "printed to the log" in await doctor.check_mail(Settings.for_tests(env="development"))
    assert "not sent" in await doctor.check_mail(Settings.for_tests(env="test"))
    assert "fail and are stored" in await doctor.check_mail(
        Settings.for_tests(env="production", smtp_url="off")
    )


async def test_a_missing_mail_server_is_a_failure_in_production():
    assert "HUBBUB_SMTP_URL" in await trouble(doctor.check_mail, Settings.for_tests(env="production"))


@pytest.mark.parametrize("user", ["", "hub:right@"])
async def test_a_mail_server_that_accepts_the_login_is_ok(user):
    async with mail_server() as port:
        text = await doctor.check_mail(Settings.for_tests(smtp_url=f"smtp://{user}127.0.0.1:{port}"))

    assert text == f"127.0.0.1:{port} accepts connections."


async def test_a_mail_server_that_refuses_the_password_is_a_failure():
    async with mail_server() as port:
        text = await trouble(
            doctor.check_mail, Settings.for_tests(smtp_url=f"smtp://hub:s3cret@127.0.0.1:{port}")
        )

    assert "rejects the user or the password" in text
    assert "s3cret" not in text


@pytest.mark.parametrize("host", ["127.0.0.2", "127.0.0.1"])
async def test_the_doctor_and_the_sender_treat_a_server_without_tls_alike(host):
    """127.0.0.2 stands for another machine: a password is sent there with TLS, or not at all."""
    received = []

    async def serve(reader, writer):
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            received.append(line)
            writer.write(b"250-here\r\n250 AUTH PLAIN\r\n" if line[:4] == b"EHLO" else b"235 fine\r\n")

    async with run_tcp_server(serve, host) as port:
        settings = Settings.for_tests(smtp_url=f"smtp://hub:s3cret@{host}:{port}", mail_from="a@example.org")
        found = await asyncio.gather(
            doctor.check_mail(settings),
            mail.send(settings, "b@example.org", mail.Mail("s", "t", "h")),
            return_exceptions=True,
        )

    private = host == "127.0.0.2"
    assert [isinstance(each, Exception) and "STARTTLS" in str(each) for each in found] == [private] * 2
    assert any(line[:4] == b"AUTH" for line in received) != private


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_an_unavailable_mail_server_is_a_failure(scheme):
    settings = Settings.for_tests(smtp_url=f"{scheme}://127.0.0.1:{free_port()}")

    assert "HUBBUB_SMTP_URL" in await trouble(doctor.check_mail, settings)


async def test_a_plain_mail_server_does_not_pass_as_smtps():
    async with mail_server() as port:
        text = await trouble(doctor.check_mail, Settings.for_tests(smtp_url=f"smtps://127.0.0.1:{port}"))

    assert "HUBBUB_SMTP_URL" in text


async def test_the_wait_for_a_silent_mail_server_is_bounded(monkeypatch):
    monkeypatch.setattr(doctor, "SMTP_TIMEOUT_S", 0.2)
    async with mail_server(silent=True) as port:
        text = await trouble(doctor.check_mail, Settings.for_tests(smtp_url=f"smtp://127.0.0.1:{port}"))

    assert "HUBBUB_SMTP_URL" in text


async def test_one_failed_check_does_not_stop_the_rest():
    async def well(_):
        return "Fine."

    async def ill(_):
        raise CheckFailed("Broken. Mend it.")

    async def surprised(_):
        raise KeyError("what")

    async def asleep(_):
        await asyncio.Event().wait()

    checks = {"a": ill, "b": surprised, "c": asleep, "d": well}
    found = [finding async for finding in doctor.run_checks(Settings.for_tests(), checks, 0.05)]

    assert [(finding.name, finding.passed) for finding in found] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("d", True),
    ]
    assert [finding.text for finding in found] == [
        "Broken. Mend it.",
        "KeyError: 'what'",
        "No response within 0.05 s. Check that it runs and is reachable.",
        "Fine.",
    ]
