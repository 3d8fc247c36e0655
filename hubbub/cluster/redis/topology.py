"""The servers of Redis: one server, one that Sentinels name, or the nodes of a cluster."""

from contextlib import suppress
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Connection, ConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError

from hubbub.cluster.redis.identity import (
    CONNECTION_CLASSES,
    REPLICA_ERROR,
    SentinelConnection,
    is_replica,
    parse_role,
)
from hubbub.config import urls
from hubbub.config.urls import SENTINEL_PORT

CONNECT_TIMEOUT_S = 3.0
# For one Sentinel: the one beside a master that died does not respond either, and there are others.
SENTINEL_TIMEOUT_S = 0.8
POOL_SIZE = 8  # connections for commands; the bus has its own
# Without retries: the user of a connection decides what happens when it breaks.
CONNECTION_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "protocol": 2,
    "driver_info": None,
}


class Topology(Protocol):
    """The servers, and connections to the one that a channel belongs to."""

    sharded: bool  # whether channels are distributed over several nodes
    client: Any  # Redis or RedisCluster, for commands on keys

    async def nodes(self) -> list[str]:
        """Query the names of all nodes that channels belong to. Raises the errors of redis-py."""

    def node_of(self, channel: bytes) -> str:
        """Return the node that a channel belongs to."""

    async def dial(self, node: str) -> Connection:
        """Open a connection that is not shared. Raises the errors of redis-py and OSError."""

    async def replace_idle(self) -> None:
        """Close the client's idle connections, which may reach a server that is no longer the right one."""

    async def require_master(self) -> None:
        """Ensure that the client's next command reaches no replica. Raises the errors of redis-py."""

    async def close(self) -> None:
        """Close the client's connections."""


class SingleServer:
    """One server, found by its host name or by Sentinels."""

    sharded = False

    def __init__(self, client: Redis, sentinel: Sentinel | None = None) -> None:
        self.client = client  # for commands on keys
        self._sentinel = sentinel  # names the server; None: it has a fixed host name
        self._pool: ConnectionPool = client.connection_pool  # opens connections

    async def nodes(self) -> list[str]:
        return [""]

    def node_of(self, channel: bytes) -> str:
        del channel
        return ""

    async def dial(self, node: str) -> Connection:
        del node
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        connection.socket_timeout = None  # the bus waits for messages without a limit
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    async def replace_idle(self) -> None:
        with suppress(RedisError, OSError):
            await self._pool.disconnect(inuse_connections=False)

    async def require_master(self) -> None:
        for _ in range(2):
            role = await self.client.execute_command("ROLE")  # type: ignore[no-untyped-call]
            if not is_replica(parse_role(role)):
                return
            await self.replace_idle()
        raise ReadOnlyError(REPLICA_ERROR)

    async def close(self) -> None:
        await self.client.aclose()
        await self._pool.aclose()
        if self._sentinel is not None:
            await self._sentinel.aclose()


class Cluster:
    """The primaries of a Redis Cluster. Channels are sharded among them like keys."""

    sharded = True

    def __init__(self, client: RedisCluster) -> None:
        self.client = client  # for commands on keys

    async def nodes(self) -> list[str]:
        await self.client.aclose()  # otherwise it keeps connections to former nodes
        await self.client.initialize()
        return [node.name for node in self.client.get_primaries()]

    def node_of(self, channel: bytes) -> str:
        node = self.client.nodes_manager.get_node_from_slot(self.client.keyslot(channel))
        return str(node.name)

    async def dial(self, node: str) -> Connection:
        cluster_node = self.client.get_node(node_name=node)
        if cluster_node is None:
            raise ConnectionError(f"the cluster no longer has the node {node}")
        options = {**cluster_node.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
        connection: Connection = cluster_node.connection_class(**options)
        connection.socket_timeout = None
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    async def replace_idle(self) -> None:
        """Do nothing: a former node redirects the client to the right one."""

    async def require_master(self) -> None:
        """Do nothing, likewise."""

    async def close(self) -> None:
        await self.client.aclose()


def from_url(url: str, name: str | None = None, timeout: float = 2.0) -> Topology:
    """Return the servers of a `HUBBUB_REDIS_URL`, without connecting to them. Raises ValueError.

    `name` appears in `CLIENT LIST`. `timeout` is the limit in seconds for a command.
    """
    options = {**CONNECTION_OPTIONS, "socket_timeout": timeout, "client_name": name}
    if url.startswith("redis+cluster://"):
        return Cluster(RedisCluster.from_url(url.replace("redis+cluster", "redis", 1), **options))
    options = {**options, "retry": Retry(NoBackoff(), 0)}
    if url.startswith("redis+sentinel://"):
        return _from_sentinel_url(url, options)
    pool = BlockingConnectionPool.from_url(url, max_connections=POOL_SIZE, timeout=timeout, **options)
    pool.connection_class = CONNECTION_CLASSES[pool.connection_class]
    return SingleServer(Redis(connection_pool=pool))


def _from_sentinel_url(url: str, options: dict[str, Any]) -> SingleServer:
    """Read `redis+sentinel://user:password@host:port,host:port/service/0`."""
    parsed = urls.parse(url, ("redis+sentinel",), "")
    service, _, db = parsed.parts.path.strip("/").partition("/")
    sentinels = [(each.host, each.port or SENTINEL_PORT) for each in parsed.servers]
    credentials = {"username": parsed.user, "password": parsed.password, "db": int(db or 0)}
    timeouts = {"socket_connect_timeout": SENTINEL_TIMEOUT_S, "socket_timeout": SENTINEL_TIMEOUT_S}
    sentinel_options = {**CONNECTION_OPTIONS, **timeouts, "retry": Retry(NoBackoff(), 0)}
    sentinel = Sentinel(sentinels, sentinel_kwargs=sentinel_options, **options, **credentials)  # type: ignore[no-untyped-call]
    return SingleServer(
        sentinel.master_for(service or "mymaster", connection_class=SentinelConnection), sentinel
    )
