"""The environment of a run, found or created: servers, database, instances. Removed at the end."""

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
from hubbub.prove.proxy import Proxy

SQLITE = "sqlite"
DEFAULT_INSTANCES = 3


class InvalidOptions(Exception):
    """The options contradict each other, or the machine does not support them."""


@dataclass(frozen=True)
class Options:
    """The options of the command. None: the default for this machine."""

    minutes: float = 1.0
    seed: int = 1
    faults: tuple[str, ...] | None = None
    instances: int | None = None
    database_url: str | None = None
    redis_url: str | None = None
    clients: int = 8
    slack: float = 2.0


@dataclass
class Environment:
    """The running parts. `postgres` and `redis` are set if the run started them itself."""

    folder: Path  # for the data of servers and instances
    http: aiohttp.ClientSession
    database_url: str = ""  # of the current primary, without a proxy
    instances: list[Instance] = field(default_factory=list)
    faults: tuple[str, ...] = ()  # names of the faults that are injected
    postgres: servers.Server | None = None
    database_proxy: Proxy | None = None  # in front of a given PostgreSQL
    redis: servers.Server | None = None
    redis_proxy: Proxy | None = None  # in front of any Redis
    spare_port: int = 0  # for the next standby of PostgreSQL

    async def stop_servers(self) -> None:
        """Stop the run's own servers, including those that replaced others."""
        for server in (self.redis, self.postgres):
            if server is not None:
                await server.stop()

    @property
    def description(self) -> str:
        """The instances and servers: `3 instances on PostgreSQL and Redis`."""
        stores = "SQLite" if self.database_url.startswith(SQLITE) else "PostgreSQL"
        count = len(self.instances)
        with_redis = " and Redis" if self.redis_proxy else ""
        return f"{count} instance{'s' if count > 1 else ''} on {stores}{with_redis}"


@asynccontextmanager
async def open_environment(options: Options, logs: Path) -> AsyncIterator[Environment]:
    """Set up the environment, with the logs of instances in `logs`; remove everything else at the end.

    Raises InvalidOptions, NotStarted.
    """
    async with AsyncExitStack() as stack:
        folder = _temporary_folder(stack)
        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        env = Environment(folder, await stack.enter_async_context(http))
        await _provide_database(stack, env, options)
        if env.database_url.startswith(SQLITE):
            _check_sqlite_options(options)
        else:
            await _provide_redis(stack, env, options)
        env.faults = _select_faults(options, env)
        settings = instances.common_settings(
            folder, _instance_database_url(env), env.redis_proxy.url if env.redis_proxy else None
        )
        await instances.migrate(logs, settings)
        for number in range(_instance_count(options, env)):
            env.instances.append(Instance(number, logs, settings))
            stack.push_async_callback(env.instances[-1].process.kill)
        await asyncio.gather(*(instance.start(http) for instance in env.instances))
        yield env


def _temporary_folder(stack: AsyncExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hubbub-prove-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)  # servers run as another user when this one is root
    return folder


async def _provide_database(stack: AsyncExitStack, env: Environment, options: Options) -> None:
    given_url = options.database_url
    if not given_url:
        env.postgres = await servers.create_postgres(env.folder)
    if (given_url and given_url.startswith(SQLITE)) or not (given_url or env.postgres):
        env.database_url = f"sqlite://{env.folder / 'hubbub.db'}"
        return
    stack.push_async_callback(env.stop_servers)
    if env.postgres:
        env.spare_port = free_port()
        await env.postgres.start()
    server_url = given_url or (env.postgres.url if env.postgres else "")
    name = f"hubbub_prove_{secrets.token_hex(4)}"
    try:
        env.database_url = await database.create(server_url, name)
    except (OSError, ValueError) as error:
        raise NotStarted(f"PostgreSQL does not respond: {error}. Correct --database-url.") from None
    except database.DatabaseError as error:
        raise NotStarted(f"A database can't be created there: {error}. Correct --database-url.") from None
    if given_url:
        stack.push_async_callback(database.drop, server_url, name)
        if "ssl" not in urlsplit(server_url).query:  # the server's certificate does not match the proxy
            env.database_proxy = await _start_proxy(stack, env.database_url, options.seed)


async def _provide_redis(stack: AsyncExitStack, env: Environment, options: Options) -> None:
    given_url = options.redis_url
    if given_url and urlsplit(given_url).scheme != "redis":
        raise InvalidOptions("--redis-url must be redis://…: TLS hides the traffic, which the proxy parses.")
    if not given_url:
        env.redis = await servers.create_redis(env.folder)
    if env.redis:
        await env.redis.start()
    url = given_url or (env.redis.url if env.redis else "")
    if not url:
        return
    env.redis_proxy = await _start_proxy(stack, url, options.seed)


async def _start_proxy(stack: AsyncExitStack, url: str, seed: int) -> Proxy:
    proxy = Proxy(url, seed)
    await proxy.start()
    stack.push_async_callback(proxy.stop)
    return proxy


def _instance_database_url(env: Environment) -> str:
    """Return the URL of the database for instances."""
    if env.database_proxy:
        return env.database_proxy.url
    if env.postgres and env.spare_port:  # both hosts, whichever is the primary
        url_parts = urlsplit(env.database_url)
        return url_parts._replace(netloc=f"{url_parts.netloc},127.0.0.1:{env.spare_port}").geturl()
    return env.database_url


def _check_sqlite_options(options: Options) -> None:
    if (options.instances or 1) > 1:
        raise InvalidOptions("SQLite supports one instance: install PostgreSQL, or use --database-url.")
    if options.redis_url:
        raise InvalidOptions("SQLite is used without Redis: install PostgreSQL, or use --database-url.")


def _instance_count(options: Options, env: Environment) -> int:
    if env.redis_proxy is None and (options.instances or 1) > 1:
        raise InvalidOptions("Several instances need Redis: install redis-server, or use --redis-url.")
    return options.instances or (DEFAULT_INSTANCES if env.redis_proxy else 1)


def _select_faults(options: Options, env: Environment) -> tuple[str, ...]:
    """Return the requested faults, or all possible ones. Raises InvalidOptions."""
    available = {
        schedule.REDIS_PROXY_FAULTS: env.redis_proxy,
        schedule.OWN_REDIS_FAULTS: env.redis,
        schedule.OWN_POSTGRES_FAULTS: env.postgres,
        schedule.GIVEN_POSTGRES_FAULTS: env.database_proxy,
        schedule.FAILOVER_FAULTS: failover.is_possible(env.postgres, env.redis),
    }
    possible = schedule.possible_faults(names for names, server in available.items() if server)
    if options.faults is None:
        return possible
    if missing := [name for name in options.faults if name not in possible]:
        raise InvalidOptions(
            f"{', '.join(missing)}: not possible here. A given server is neither stopped nor emptied, and "
            f"SQLite has no server. Possible are: {', '.join(possible)}."
        )
    return tuple(options.faults)
