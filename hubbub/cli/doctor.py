"""`hubbub doctor`: prints one line for each check of the settings and the dependencies."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import click
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError

from hubbub.cluster.redis import topology
from hubbub.config import ConfigError, Settings, load
from hubbub.config.parsers import mask_secrets
from hubbub.core import logs
from hubbub.gateways.identity_provider import AuthorizationRequest
from hubbub.gateways.oauth import registry
from hubbub.gateways.oauth.client import ProviderClient, ProviderUnavailable
from hubbub.gateways.storage import registry as storages
from hubbub.services import deployment, doctor, go_live
from hubbub.services.instance import processes

REDIS_TIMEOUT_S = 5.0
PROVIDER_TIMEOUT_S = 2.0  # for each of them


@click.command(
    help="Check settings, database, migrations, Redis, storage, SMTP, providers, and the running processes. "
    "Exit code 1 if any check fails."
)
@click.option("--production", is_flag=True, help="Check as well what a deployment needs before going live.")
def command(production: bool) -> None:  # noqa: FBT001 - as click calls it
    """Print the report."""
    try:
        settings = load()
    except ConfigError as error:
        _print_mistakes(error.lines)
        sys.exit(1)
    logs.setup(settings.log_format, "error")
    if settings.production_errors:
        _print_mistakes(settings.production_errors)
    else:
        text = f"For {settings.env}. `hubbub config` prints them."
        _print(doctor.CheckResult("settings", passed=True, text=text))
    all_passed = asyncio.run(_run_checks(settings, go_live.CHECKLIST if production else {}))
    sys.exit(0 if all_passed and not settings.production_errors else 1)


def _print_mistakes(lines: Sequence[str]) -> None:
    for line in lines:
        _print(doctor.CheckResult("settings", passed=False, text=line))


async def _run_checks(settings: Settings, extra_checks: Mapping[str, doctor.Check]) -> bool:
    checks = {
        "database": doctor.check_database,
        "migrations": doctor.check_migrations,
        "redis": check_redis,
        "storage": check_storage,
        "files": doctor.check_files,
        "smtp": doctor.check_mail,
        "providers": check_providers,
        "instances": deployment.check_instances,
        "worker": deployment.check_worker,
        "scheduler": deployment.check_scheduler,
        "proxies": deployment.check_proxies,
        **extra_checks,
    }
    all_passed = True
    async for result in doctor.run_checks(settings, checks):
        _print(result)
        all_passed = all_passed and result.passed
    return all_passed


def _print(result: doctor.CheckResult) -> None:
    verdict = (
        click.style("ok    ", fg="green") if result.passed else click.style("failed", fg="red", bold=True)
    )
    click.echo(f"{verdict}  {result.name:<11}  {' '.join(result.text.split())}")


async def check_redis(settings: Settings) -> str:
    """Check whether Redis is a master and stores a key, as instances need it.

    The check is here because services do not depend on Redis.
    """
    url = settings.redis_url
    if url is None:
        running = await deployment.live_processes(settings)
        instances = [row.id for row in running if row.kind == processes.SERVE]
        if len(instances) > 1:
            raise doctor.CheckFailed(
                f"None is set, and there are several instances: {', '.join(instances)}. Set HUBBUB_REDIS_URL."
            )
        return "None is set: there is one instance."
    try:
        async with AsyncExitStack() as stack:
            servers = topology.from_url(url, timeout=REDIS_TIMEOUT_S)
            stack.push_async_callback(servers.close)
            await servers.client.ping()
            await servers.require_master()
            await servers.client.set(f"{settings.redis_prefix}:doctor", "", px=1000)
    except AuthenticationError:
        raise doctor.CheckFailed(
            f"{mask_secrets(url)} refuses the user or the password. Correct HUBBUB_REDIS_URL."
        ) from None
    except MasterNotFoundError:
        raise doctor.CheckFailed(
            f"{mask_secrets(url)}: no Sentinel responds that monitors this service."
        ) from None
    except (RedisError, RedisClusterException, OSError, ValueError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise doctor.CheckFailed(
            f"{mask_secrets(url)}: {reason}. Start it, or correct HUBBUB_REDIS_URL."
        ) from None
    return f"{mask_secrets(url)} responds and accepts writes."


async def check_storage(settings: Settings) -> str:
    """Check the folders, an object in another storage, and the scanner. Services do not build storages."""
    texts = [await doctor.check_storage(settings)]
    if not settings.storage_url.startswith("file:"):
        storage = storages.build(settings)
        try:
            await doctor.check_object(storage)
        finally:
            await storage.close()
        texts.append(f"So was an object in {settings.storage_url.partition('?')[0]}.")
    if settings.clamd_url is not None:
        texts.append(await doctor.check_scanner(settings.clamd_url))
    return " ".join(texts)


async def check_providers(settings: Settings) -> str:
    """Check whether the identity providers publish their endpoints."""
    async with ProviderClient(PROVIDER_TIMEOUT_S) as client:
        providers = registry.build(settings, client).values()
        for each in providers:
            try:
                await each.authorization_url(AuthorizationRequest("", "", "", ""))
            except ProviderUnavailable as error:
                failure = f"{each.title} ({each.issuer}): {error.reason}"
                raise doctor.CheckFailed(
                    f"{failure}. Allow connections to it, or correct HUBBUB_OAUTH_ISSUERS."
                ) from None
    if not providers:
        return "None is set: users log in with passwords."
    titles = ", ".join(each.title for each in providers)
    return f"{titles}: {'they respond' if len(providers) > 1 else 'it responds'}."
