"""`hubbub doctor`: a line for each thing that hubbub depends on."""

import asyncio
import sys
from contextlib import aclosing
from typing import Any
from urllib.parse import unquote, urlsplit

import click
from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError

from hubbub.config import ConfigError, Settings, load
from hubbub.config.values import masked
from hubbub.core import logs
from hubbub.services import doctor

REDIS_S = 5.0
SENTINEL_PORT = 26379


@click.command(
    help="Check settings, database, migrations, Redis, storage and SMTP. Exit code 1 if any fails."
)
def command() -> None:
    """Print the report."""
    try:
        settings = load()
    except ConfigError as error:
        for line in error.lines:
            _print(doctor.Finding("settings", well=False, text=line))
        sys.exit(1)
    logs.setup(settings.log_format, "error")
    _print(doctor.Finding("settings", well=True, text=f"For {settings.env}. See them by `hubbub config`."))
    sys.exit(0 if asyncio.run(_report(settings)) else 1)


async def _report(settings: Settings) -> bool:
    checks = {
        "database": doctor.check_database,
        "migrations": doctor.check_migrations,
        "redis": check_redis,
        "storage": doctor.check_storage,
        "smtp": doctor.check_mail,
    }
    well = True
    async for finding in doctor.examine(settings, checks):
        _print(finding)
        well = well and finding.well
    return well


def _print(finding: doctor.Finding) -> None:
    verdict = (
        click.style("ok    ", fg="green") if finding.well else click.style("failed", fg="red", bold=True)
    )
    click.echo(f"{verdict}  {finding.name:<10}  {' '.join(finding.text.split())}")


async def check_redis(settings: Settings) -> str:
    """Whether Redis answers. Here and not among the other checks: services know no Redis."""
    url = settings.redis_url
    if url is None:
        return "None is set: there is one instance."
    try:
        async with aclosing(_client(url)) as client:
            await client.ping()
    except AuthenticationError:
        raise doctor.Trouble(
            f"{masked(url)} refuses the user or the password. Correct HUBBUB_REDIS_URL."
        ) from None
    except MasterNotFoundError:
        raise doctor.Trouble(f"{masked(url)}: no Sentinel answers that knows this service.") from None
    except (RedisError, RedisClusterException, OSError, ValueError) as error:
        said = str(error).rstrip(".") or type(error).__name__
        raise doctor.Trouble(f"{masked(url)}: {said}. Start it, or correct HUBBUB_REDIS_URL.") from None
    return f"{masked(url)} answers."


def _client(url: str) -> Any:  # noqa: ANN401 - three kinds of client share no base
    if url.startswith("redis+cluster://"):
        return RedisCluster.from_url(url.replace("redis+cluster", "redis", 1), socket_connect_timeout=REDIS_S)
    if url.startswith("redis+sentinel://"):
        return _master(url)
    return Redis.from_url(url, socket_connect_timeout=REDIS_S, socket_timeout=REDIS_S)


def _master(url: str) -> Any:  # noqa: ANN401 - likewise
    """`redis+sentinel://user:password@host:port,host:port/service/0`."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, number = parts.path.strip("/").partition("/")
    options = {
        "username": unquote(user) or None,
        "password": unquote(password) or None,
        "db": int(number or 0),
    }
    sentinels = []
    for place in places.split(","):
        host, _, port = place.rpartition(":") if ":" in place else (place, "", SENTINEL_PORT)
        sentinels.append((host, int(port)))
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        sentinels, socket_connect_timeout=REDIS_S, socket_timeout=REDIS_S, **options
    )
    return sentinel.master_for(service or "mymaster")
