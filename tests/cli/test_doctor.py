"""`hubbub doctor`."""

import pytest

from hubbub.cli import doctor
from hubbub.config import Settings
from hubbub.services.doctor import CheckFailed
from tests.support.oauth_provider import run_issuer
from tests.support.redis_servers import RedisServer
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY


def report(result):
    return {line[8:19].strip(): line.split()[0] for line in result.stdout.splitlines()}


def test_a_healthy_deployment_has_ok_on_every_line(run, database_url, redis_url):
    result = run("doctor", HUBBUB_DATABASE_URL=database_url, HUBBUB_REDIS_URL=redis_url)

    assert result.exit_code == 0, result.output
    assert report(result) == dict.fromkeys(
        (
            *("settings", "database", "migrations", "redis", "storage", "files", "smtp", "providers"),
            *("instances", "worker", "scheduler", "proxies"),
        ),
        "ok",
    )


def test_a_fresh_folder_is_healthy(run):
    assert run("doctor").exit_code == 0


def test_an_object_in_s3_is_written_read_and_deleted(run, s3_server):
    keys = {"HUBBUB_S3_ACCESS_KEY_ID": ACCESS_KEY, "HUBBUB_S3_SECRET_ACCESS_KEY": SECRET_KEY}
    url = s3_server.storage_url("doctor")
    before = len(s3_server.requests)

    good = run("doctor", HUBBUB_STORAGE_URL=url, **keys)
    methods = [each.split()[0] for each in s3_server.requests[before:]]
    bad = run("doctor", HUBBUB_STORAGE_URL=url, **{**keys, "HUBBUB_S3_SECRET_ACCESS_KEY": "another"})

    assert (report(good)["storage"], methods) == ("ok", ["PUT", "GET", "DELETE"])
    assert (report(bad)["storage"], bad.exit_code) == ("failed", 1)
    assert "HUBBUB_STORAGE_URL" in bad.stdout
    assert "another" not in bad.stdout


def test_an_unavailable_scanner_is_a_failure(run):
    result = run("doctor", HUBBUB_CLAMD_URL="tcp://127.0.0.1:1")

    assert (report(result)["storage"], result.exit_code) == ("failed", 1)
    assert "HUBBUB_CLAMD_URL" in result.stdout


def test_an_unavailable_dependency_is_reported_with_a_remedy_and_fails(run):
    result = run(
        "doctor",
        HUBBUB_DATABASE_URL="postgres://hub:s3cret@127.0.0.1:1/hub",
        HUBBUB_REDIS_URL="redis://:s3cret@127.0.0.1:1",
        HUBBUB_SMTP_URL="smtp://hub:s3cret@127.0.0.1:1",
        HUBBUB_OAUTH_ISSUERS="test=http://hub:s3cret@127.0.0.1:1",
    )

    assert result.exit_code == 1
    found = report(result)
    assert found.pop("settings") == found.pop("storage") == found.pop("files") == "ok"
    assert set(found.values()) == {"failed"}
    assert len(result.stdout.splitlines()) == 12
    for name in ("HUBBUB_DATABASE_URL", "HUBBUB_REDIS_URL", "HUBBUB_SMTP_URL", "HUBBUB_OAUTH_ISSUERS"):
        assert name in result.stdout
    assert "s3cret" not in result.output


def test_invalid_settings_are_the_only_finding(run):
    result = run("doctor", HUBBUB_PORT="x", HUBBUB_PROT="1")

    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["failed", "settings"]] * 2


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@127.0.0.1:1/0",
        "rediss://127.0.0.1:1/0",
        "redis+sentinel://:s3cret@127.0.0.1:1,127.0.0.1:2/hubbub/0",
        "redis+sentinel://127.0.0.1:1",
        "redis+cluster://:s3cret@127.0.0.1:1",
    ],
)
async def test_an_unavailable_redis_of_any_kind_is_a_failure(url):
    with pytest.raises(CheckFailed) as caught:
        await doctor.check_redis(Settings.for_tests(redis_url=url))

    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_a_redis_with_another_password_is_a_failure(redis_url):
    with pytest.raises(CheckFailed, match="refuses"):
        await doctor.check_redis(
            Settings.for_tests(redis_url=redis_url.replace("redis://", "redis://no:body@"))
        )


@pytest.mark.parametrize(
    "options",
    [
        ("--replicaof", "127.0.0.1", "1"),
        ("--replicaof", "127.0.0.1", "1", "--replica-read-only", "no"),
        ("--min-replicas-to-write", "1"),
        ("--maxmemory", "1"),
    ],
)
async def test_a_redis_that_instances_cannot_use_is_a_failure(options):
    with RedisServer(*options) as server, pytest.raises(CheckFailed, match="HUBBUB_REDIS_URL") as caught:
        await doctor.check_redis(Settings.for_tests(redis_url=server.url))

    assert "responds" not in str(caught.value)


async def test_an_available_provider_is_ok(tmp_path):
    async with run_issuer() as made:
        address = made.url.replace("://", "://hub:s3cret@")
        settings = Settings.for_tests(data_dir=tmp_path, oauth_issuers=f"test={address}")
        assert await doctor.check_providers(settings) == "Test: it responds."

        made.url = "https://another.example"
        with pytest.raises(CheckFailed, match="discovery document names another issuer"):
            await doctor.check_providers(settings)


@pytest.mark.parametrize("name", ["hubbub.db", "secret_key"])
def test_a_file_readable_by_others_is_reported(run, tmp_path, name):
    run("migrate", "up")
    (tmp_path / name).touch()
    (tmp_path / name).chmod(0o644)

    line = next(line for line in run("doctor").stdout.splitlines() if "files" in line)

    assert line.startswith("failed")
    assert f"{tmp_path / name} (0644)" in line
    assert "chmod" in line
