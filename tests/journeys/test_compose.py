"""docker-compose.yml has what production requires, and describes a working chat."""

import asyncio
import os
import re
import stat
import subprocess
import sys
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from hubbub.config import load
from tests.support import compose, smoke
from tests.support.mailbox import plain_text, run_mailbox
from tests.support.nginx import Nginx
from tests.support.production_settings import PRODUCTION_SECRET_KEY
from tests.support.server_process import ServerProcess

INSTANCES = ["hubbub-1", "hubbub-2", "hubbub-3"]
WAIT_S = 60.0


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    return compose.write_env(tmp_path_factory.mktemp("compose"))[0]


@pytest.fixture(scope="module")
def file(variables):
    return compose.load(variables)


# --- the .env ---


def test_the_env_file_has_separate_secrets_and_is_private(tmp_path):
    first, printed = compose.write_env(tmp_path)
    path = tmp_path / ".env"
    content = path.read_text()

    again, printed_again = compose.write_env(tmp_path)
    other, _ = compose.write_env(tmp_path / "other")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (again, path.read_text(), printed_again) == (first, content, printed)
    secrets = [first[name] for name in first if name.endswith(("KEY", "PASSWORD"))]
    assert len(secrets) == len(set(secrets)) == 4
    assert not set(secrets) & set(other.values())
    assert min(map(len, secrets)) >= 24
    assert first["ADMIN_EMAIL"] in printed
    assert first["ADMIN_PASSWORD"] in printed
    assert first["SECRET_KEY"] not in printed
    # hubbub itself reads an .env in its folder: these are no settings of it.
    assert not [name for name in first if name.startswith("HUBBUB_")]


def test_git_and_the_image_exclude_the_env_file():
    assert "/.env" in (compose.ROOT / ".gitignore").read_text().splitlines()
    ignored = (compose.ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert "!.env" not in ignored


@pytest.mark.parametrize("name", ["SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "ADMIN_PASSWORD"])
def test_nothing_starts_without_a_secret_and_the_script_is_named(variables, name):
    with pytest.raises(compose.MissingVariable, match=f"{name}: run docker/write-env.sh"):
        compose.load({key: it for key, it in variables.items() if key != name})


# --- the settings ---


def test_each_process_has_the_settings_that_production_requires(file):
    services = compose.hubbub_services(file)

    assert set(services) == {*INSTANCES, "worker", "scheduler", "migrate", "admin"}
    for service in services.values():
        given = compose.environment(service)
        settings = load(given, None)
        assert settings.env == "production"
        assert settings.production_errors == ()
        assert settings.source("public_url") == settings.source("smtp_url") == "environment"
        assert settings.log_format == "json"


@pytest.mark.parametrize("name", ["SMTP_URL", "MAIL_FROM", "PUBLIC_URL"])
def test_values_of_the_env_file_reach_hubbub(variables, name):
    value = {
        "SMTP_URL": "smtps://mail.example",
        "MAIL_FROM": "a@chat.example",
        "PUBLIC_URL": "https://chat.example",
    }

    file = compose.load({**variables, name: value[name]})

    assert compose.environment(file["services"]["hubbub-1"])[f"HUBBUB_{name}"] == value[name]


def test_the_passwords_of_the_stores_match_those_of_hubbub(file, variables):
    settings = load(compose.environment(file["services"]["hubbub-1"]), None)
    redis, postgres = file["services"]["redis"], file["services"]["postgres"]

    assert urlsplit(settings.redis_url).password == variables["REDIS_PASSWORD"]
    command = redis["command"]
    assert command[command.index("--requirepass") + 1] == variables["REDIS_PASSWORD"]
    assert redis["environment"]["REDISCLI_AUTH"] == variables["REDIS_PASSWORD"]
    assert urlsplit(settings.database_url).password == postgres["environment"]["POSTGRES_PASSWORD"]
    hosts = {urlsplit(url).hostname for url in (settings.redis_url, settings.database_url, settings.smtp_url)}
    assert hosts == {"redis", "postgres", "mail"}


def test_only_nginx_is_trusted_and_its_ip_address_is_fixed(file):
    front = file["networks"]["front"]["ipam"]["config"][0]
    address = file["services"]["nginx"]["networks"]["front"]["ipv4_address"]
    settings = load(compose.environment(file["services"]["hubbub-1"]), None)

    assert [str(network) for network in settings.trusted_proxies] == [f"{address}/32"]
    assert ip_address(address) in ip_network(front["subnet"])
    assert ip_address(address) not in ip_network(front["ip_range"])
    assert ip_network(front["ip_range"]).subnet_of(ip_network(front["subnet"]))
    assert list(file["services"]["nginx"]["networks"]) == ["front"]
    joined = {name for name, each in file["services"].items() if "front" in each.get("networks", ())}
    assert joined == {"nginx", *INSTANCES}


def test_ports_are_published_on_loopback_only(file):
    ports = {name: each["ports"] for name, each in file["services"].items() if "ports" in each}

    assert ports == {"nginx": ["127.0.0.1:8080:80"], "mail": ["127.0.0.1:8025:8025"]}


def test_nginx_uses_the_names_of_the_instances(file):
    upstreams = (compose.ROOT / "nginx/hubbub/upstreams.conf").read_text()
    services = {name: file["services"][name] for name in INSTANCES}

    assert {each["hostname"] for each in services.values()} == set(INSTANCES)
    assert set(re.findall(r"server (\S+):8000", upstreams)) == set(INSTANCES)
    assert all("HUBBUB_INSTANCE_ID=$(hostname)" in each["command"][2] for each in services.values())


def test_dependencies_exist_and_have_health_checks(file):
    services = file["services"]
    waits = [
        (name, other, how["condition"])
        for name, each in services.items()
        for other, how in each.get("depends_on", {}).items()
    ]

    assert waits
    for name, other, condition in waits:
        assert other in services, name
        if condition == "service_healthy":
            healthy = services[other].get("healthcheck") or "HEALTHCHECK" in compose.DOCKERFILE.read_text()
            assert healthy, other
        if condition == "service_completed_successfully":
            assert services[other]["restart"] == "no", other
    assert "admin" in services["nginx"]["depends_on"]
    # The health check of the image requests an instance.
    no_instance = [name for name in compose.hubbub_services(file) if name not in INSTANCES]
    assert all(services[name]["healthcheck"] == {"disable": True} for name in no_instance)


def test_files_and_volumes_exist(file):
    for name, service in file["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in file["volumes"] or (compose.ROOT / source).exists(), name


def test_the_sample_on_the_deployment_page_is_valid_in_production():
    page = (compose.ROOT / "docs/deploying.md").read_text()
    (sample,) = re.findall(r"^```sh\n(HUBBUB_ENV=.*?)```", page, re.MULTILINE | re.DOTALL)
    given = dict(re.findall(r"^(\w+)=(.*)$", sample, re.MULTILINE))
    given["HUBBUB_SECRET_KEY"] = PRODUCTION_SECRET_KEY

    settings = load(given, None)

    assert settings.production_errors == ()
    assert not settings.uses_sqlite


def test_the_image_does_not_start_without_required_settings():
    settings = load(compose.image_environment(), None)

    names = [line.partition(":")[0] for line in settings.production_errors]
    assert names == ["HUBBUB_PUBLIC_URL", "HUBBUB_SECRET_KEY", "HUBBUB_SMTP_URL"]


# --- what it describes, on this machine ---


@pytest.fixture
def instance_environment(file, database_url, redis_url, tmp_path):
    """The environment of an instance, with the stores of the tests in place of those of the file."""

    def instance_environment(mail_url):
        return {
            **compose.environment(file["services"]["hubbub-1"]),
            "HUBBUB_HOST": "127.0.0.1",
            "HUBBUB_DATABASE_URL": database_url,
            "HUBBUB_REDIS_URL": redis_url,
            "HUBBUB_REDIS_PREFIX": f"t-{uuid4().hex}",
            "HUBBUB_DATA_DIR": str(tmp_path),
            "HUBBUB_SMTP_URL": mail_url,
            "HUBBUB_TRUSTED_PROXIES": "127.0.0.1",
            "HUBBUB_INSTANCE_ID": "hubbub-1",
        }

    return instance_environment


def _environment(given):
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("HUBBUB_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**inherited, **given, "PATH": path}


@asynccontextmanager
async def background(file, given, name):
    """A process by the command of the file."""
    command = file["services"][name]["command"]
    process = await asyncio.create_subprocess_exec(
        *command, env=_environment(given), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_S)


@pytest.mark.slow("9 s: all processes of the composition")
@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_the_composition_is_a_chat_with_an_admin_and_email(
    file, variables, instance_environment, tmp_path
):
    async with run_mailbox() as mailbox:
        given = instance_environment(mailbox.url)
        settings = {
            name.removeprefix("HUBBUB_"): it for name, it in given.items() if name.startswith("HUBBUB_")
        }
        admin = file["services"]["admin"]
        extra = {name: admin["environment"][name] for name in ("ADMIN_EMAIL", "ADMIN_PASSWORD")}
        for _ in range(2):  # a second start finds the admin
            await asyncio.to_thread(
                subprocess.run,
                admin["command"],
                check=True,
                env=_environment({**given, **extra}),
                timeout=WAIT_S,
            )
        server_process = ServerProcess(tmp_path, limit_http="60/20", limit_auth="10/0.17", **settings)
        async with (
            background(file, given, "worker"),
            background(file, given, "scheduler"),
            server_process,
            Nginx(tmp_path, {"hubbub-1": server_process}) as front,
        ):

            async def read_mail(address):
                return plain_text(await mailbox.next_message(address, "Confirm"))

            await smoke.check(front.url, read_mail, lambda _: None)
            async with aiohttp.ClientSession() as http:
                token = await smoke.login(
                    http, front.url, variables["ADMIN_EMAIL"], variables["ADMIN_PASSWORD"]
                )
                headers = {"Authorization": f"Bearer {token}"}
                async with http.get(f"{front.url}/api/v1/admin/users", headers=headers) as response:
                    assert response.status == 200

        assert server_process.error_lines() == []
