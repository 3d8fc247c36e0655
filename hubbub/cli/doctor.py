"""`hubbub doctor`: a line for each thing that hubbub depends on."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import click
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError

from hubbub.cluster.redis import topology
from hubbub.config import ConfigError, Settings, load
from hubbub.config.parsers import masked
from hubbub.core import logs
from hubbub.gateways.identity_provider import AuthorizationRequest
from hubbub.gateways.oauth import registry
from hubbub.gateways.oauth.client import Away, Client
from hubbub.services import deployment, doctor, go_live
from hubbub.services.instance import processes

REDIS_S = 5.0
PROVIDERS_S = 2.0  # for each of them


@click.command(
    help="Check settings, database, migrations, Redis, storage, SMTP, providers, and the processes that run. "
    "Exit code 1 if any fails."
)
@click.option("--production", is_flag=True, help="Go through the checklist of a deployment that gets users.")
def command(production: bool) -> None:  # noqa: FBT001 - as click calls it
    """Print the report."""
    try:
        settings = load()
    except ConfigError as error:
        _print_mistakes(error.lines)
        sys.exit(1)
    logs.setup(settings.log_format, "error")
    if settings.production_mistakes:
        _print_mistakes(settings.production_mistakes)
    else:
        text = f"For {settings.env}. See them by `hubbub config`."
        _print(doctor.Finding("settings", well=True, text=text))
    well = asyncio.run(_report(settings, go_live.CHECKLIST if production else {}))
    sys.exit(0 if well and not settings.production_mistakes else 1)


def _print_mistakes(lines: Sequence[str]) -> None:
    for line in lines:
        _print(doctor.Finding("settings", well=False, text=line))


async def _report(settings: Settings, more: Mapping[str, doctor.Check]) -> bool:
    checks = {
        "database": doctor.check_database,
        "migrations": doctor.check_migrations,
        "redis": check_redis,
        "storage": doctor.check_storage,
        "files": doctor.check_files,
        "smtp": doctor.check_mail,
        "providers": check_providers,
        "instances": deployment.check_instances,
        "worker": deployment.check_worker,
        "proxies": deployment.check_proxies,
        **more,
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
    click.echo(f"{verdict}  {finding.name:<11}  {' '.join(finding.text.split())}")


async def check_redis(settings: Settings) -> str:
    """Whether Redis answers. Here and not among the other checks: services know no Redis."""
    url = settings.redis_url
    if url is None:
        running = await deployment.running(settings)
        instances = [row.id for row in running if row.kind == processes.SERVE]
        if len(instances) > 1:
            raise doctor.Trouble(
                f"None is set, and there are several instances: {', '.join(instances)}. Set HUBBUB_REDIS_URL."
            )
        return "None is set: there is one instance."
    try:
        async with AsyncExitStack() as stack:
            found = topology.from_url(url, timeout=REDIS_S)
            stack.push_async_callback(found.close)
            await found.client.ping()
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


async def check_providers(settings: Settings) -> str:
    """Whether those that one may sign in with say where they are to be asked."""
    async with Client(PROVIDERS_S) as client:
        found = registry.build(settings, client).values()
        for each in found:
            try:
                await each.ask(AuthorizationRequest("", "", "", ""))
            except Away as error:
                said = f"{each.title} ({each.issuer}): {error.why}"
                raise doctor.Trouble(
                    f"{said}. Open the way to it, or correct HUBBUB_OAUTH_ISSUERS."
                ) from None
    if not found:
        return "None is set: people sign in with passwords."
    return f"{', '.join(each.title for each in found)}: {'they are' if len(found) > 1 else 'it is'} there."
