"""Everything that a run needs, found or made: servers, database, instances; it goes in the end."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from hubbub.prove import database, failover, instances, schedule, servers
from hubbub.prove.instances import Instance
from hubbub.prove.processes import NotStarted, free_port
from hubbub.prove.proxy import Relay

SQLITE = "sqlite"
INSTANCES = 3


class WrongUse(Exception):
    """What was asked for does not go together."""


@dataclass(frozen=True)
class Options:
    """What the user asked for. None: as the machine allows."""

    minutes: float = 1.0
    seed: int = 1
    faults: tuple[str, ...] | None = None
    instances: int | None = None
    database_url: str | None = None
    redis_url: str | None = None
    clients: int = 8
    slack: float = 2.0


@dataclass
class Stage:
    """What runs. `postgres` and `redis` are there if they are the run's own, the relays where one is used."""

    folder: Path
    http: aiohttp.ClientSession
    database_url: str = ""
    instances: list[Instance] = field(default_factory=list)
    faults: tuple[str, ...] = ()
    postgres: servers.Server | None = None
    database_relay: Relay | None = None
    redis: servers.Server | None = None
    relay: Relay | None = None
    spare_port: int = 0  # of PostgreSQL's next standby

    async def stop_servers(self) -> None:
        """Stop the run's own servers, whichever they are by now."""
        for server in (self.redis, self.postgres):
            if server is not None:
                await server.stop()

    @property
    def described(self) -> str:
        """`3 instances on PostgreSQL and Redis`."""
        stores = "SQLite" if self.database_url.startswith(SQLITE) else "PostgreSQL"
        count = len(self.instances)
        with_redis = " and Redis" if self.relay else ""
        return f"{count} instance{'s' if count > 1 else ''} on {stores}{with_redis}"


@asynccontextmanager
async def opened(options: Options, logs: Path) -> AsyncIterator[Stage]:
    """Set it up, with the logs of instances in `logs`; take all else away at the end.

    Raises WrongUse, NotStarted.
    """
    async with AsyncExitStack() as stack:
        folder = _folder(stack)
        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        stage = Stage(folder, await stack.enter_async_context(http))
        await _database(stack, stage, options)
        if stage.database_url.startswith(SQLITE):
            _alone(options)
        else:
            await _redis(stack, stage, options)
        stage.faults = _faults(options, stage)
        settings = instances.shared(folder, _through(stage), stage.relay.url if stage.relay else None)
        await instances.migrate(logs, settings)
        for number in range(_count(options, stage)):
            stage.instances.append(Instance(number, logs, settings))
            stack.push_async_callback(stage.instances[-1].process.kill)
        await asyncio.gather(*(instance.start(http) for instance in stage.instances))
        yield stage


def _folder(stack: AsyncExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hubbub-prove-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)  # servers run as another user when this one is root
    return folder


async def _database(stack: AsyncExitStack, stage: Stage, options: Options) -> None:
    given = options.database_url
    if not given:
        stage.postgres = await servers.postgres(stage.folder)
    if (given and given.startswith(SQLITE)) or not (given or stage.postgres):
        stage.database_url = f"sqlite://{stage.folder / 'hubbub.db'}"
        return
    stack.push_async_callback(stage.stop_servers)
    if stage.postgres:
        stage.spare_port = free_port()
        await stage.postgres.start()
    server = given or (stage.postgres.url if stage.postgres else "")
    name = f"hubbub_prove_{secrets.token_hex(4)}"
    try:
        stage.database_url = await database.create(server, name)
    except (OSError, ValueError) as error:
        raise NotStarted(f"PostgreSQL does not answer: {error}. Correct --database-url.") from None
    except database.Refused as error:
        raise NotStarted(f"No database can be made there: {error}. Correct --database-url.") from None
    if given:
        stack.push_async_callback(database.drop, server, name)
        if "ssl" not in urlsplit(server).query:  # a certificate is not of the relay
            stage.database_relay = await _relay(stack, stage.database_url, options.seed)


async def _redis(stack: AsyncExitStack, stage: Stage, options: Options) -> None:
    given = options.redis_url
    if given and urlsplit(given).scheme != "redis":
        raise WrongUse("--redis-url is redis://…: what passes is read here, which TLS does not allow.")
    if not given:
        stage.redis = await servers.redis(stage.folder)
    if stage.redis:
        await stage.redis.start()
    url = given or (stage.redis.url if stage.redis else "")
    if not url:
        return
    stage.relay = await _relay(stack, url, options.seed)


async def _relay(stack: AsyncExitStack, url: str, seed: int) -> Relay:
    relay = Relay(url, seed)
    await relay.up()
    stack.push_async_callback(relay.down)
    return relay


def _through(stage: Stage) -> str:
    """The address of the database for instances."""
    if stage.database_relay:
        return stage.database_relay.url
    if stage.postgres and stage.spare_port:  # both hosts, whichever is the primary
        parts = urlsplit(stage.database_url)
        return parts._replace(netloc=f"{parts.netloc},127.0.0.1:{stage.spare_port}").geturl()
    return stage.database_url


def _alone(options: Options) -> None:
    if (options.instances or 1) > 1:
        raise WrongUse("SQLite is for one instance: install PostgreSQL, or give one by --database-url.")
    if options.redis_url:
        raise WrongUse("SQLite needs no Redis: install PostgreSQL, or give one by --database-url.")


def _count(options: Options, stage: Stage) -> int:
    if stage.relay is None and (options.instances or 1) > 1:
        raise WrongUse("Several instances need Redis: install redis-server, or give one by --redis-url.")
    return options.instances or (INSTANCES if stage.relay else 1)


def _faults(options: Options, stage: Stage) -> tuple[str, ...]:
    """What is asked for, or all that can be done."""
    there = {
        schedule.REDIS: stage.relay,
        schedule.OWN_REDIS: stage.redis,
        schedule.OWN_POSTGRES: stage.postgres,
        schedule.GIVEN_POSTGRES: stage.database_relay,
        schedule.FAILOVER: failover.possible(stage.postgres, stage.redis),
    }
    can = schedule.possible(names for names, server in there.items() if server)
    if options.faults is None:
        return can
    if missing := [name for name in options.faults if name not in can]:
        raise WrongUse(
            f"{', '.join(missing)}: not possible here. A server that is given is neither stopped nor "
            f"emptied, and SQLite has none. There are: {', '.join(can)}."
        )
    return tuple(options.faults)
