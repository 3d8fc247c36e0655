"""Failovers of a run's own servers: a standby is promoted, a master becomes a replica."""

import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.prove import servers, waiting
from hubbub.prove.processes import NotStarted
from hubbub.prove.proxy import Proxy
from hubbub.prove.servers import Server

TIMEOUT_S = 30.0
SERVER_ERRORS = (asyncpg.PostgresError, RedisError)


def is_possible(postgres_server: Server | None, redis_server: Server | None) -> bool:
    """Return whether there is a server that supports failover."""
    return redis_server is not None or (
        postgres_server is not None and servers.supports_standby(postgres_server)
    )


async def promote_postgres(folder: Path, primary: Server, port: int, *, crash: bool) -> Server:
    """Create a standby on `port` and promote it; return it when it accepts writes.

    Before that, commits wait for the standby, so that it has everything that was acknowledged. With `crash`,
    the primary crashes. Otherwise it runs on, refuses writes, and keeps its connections.

    Raises NotStarted, OSError.
    """
    standby = await servers.create_standby(primary, folder / f"standby-{secrets.token_hex(3)}", port)
    await standby.start()
    try:
        await _execute(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        await _wait_until(
            primary, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')"
        )
        if crash:
            await primary.crash()
        else:
            refuse = "ALTER SYSTEM SET default_transaction_read_only = on"
            await _execute(primary, refuse, "SELECT pg_reload_conf()")
        await _execute(standby, "SELECT pg_promote()")
        await _wait_until(standby, "SELECT NOT pg_is_in_recovery()")
    except BaseException:
        await standby.stop()
        with suppress(OSError, asyncpg.PostgresError):  # otherwise its commits wait for a standby forever
            await _execute(primary, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        raise
    return standby


async def promote_redis(folder: Path, master: Server, proxy: Proxy) -> tuple[Server, Server]:
    """Create a replica and promote it; return the former master and the new one.

    The former master becomes a replica and keeps its connections through the proxy, which connects new
    ones to the new master. Raises NotStarted.
    """
    replica = await servers.create_redis(folder, f"redis-{secrets.token_hex(3)}")
    if replica is None:
        raise NotStarted("No Redis program was found.")
    await replica.start()
    try:
        async with Redis.from_url(master.url) as former, Redis.from_url(replica.url) as promoted:
            await promoted.replicaof("127.0.0.1", urlsplit(master.url).port)
            await _wait_replicating(promoted)
            await promoted.replicaof("NO", "ONE")
            proxy.set_target(replica.url)
            await former.replicaof("127.0.0.1", urlsplit(replica.url).port)
    except BaseException:
        await replica.stop()
        raise
    return master, replica


async def _wait_replicating(replica: Redis) -> None:
    async def is_connected() -> bool:
        return bool((await replica.info("replication")).get("master_link_status") == "up")

    if not await waiting.until(is_connected, TIMEOUT_S):
        raise NotStarted("The replica of Redis did not connect to its master.")


async def _execute(server: Server, *statements: str) -> object:
    """Run statements; return the value of the last one."""
    connection = await asyncpg.connect(server.url, timeout=TIMEOUT_S)
    try:
        value: object = None
        for statement in statements:
            value = await connection.fetchval(statement, timeout=TIMEOUT_S)
        return value
    finally:
        await connection.close(timeout=TIMEOUT_S)


async def _wait_until(server: Server, condition: str) -> None:
    async def holds() -> bool:
        return bool(await _execute(server, condition))

    if not await waiting.until(holds, TIMEOUT_S):
        raise NotStarted(f"PostgreSQL did not reach this condition: {condition}")
