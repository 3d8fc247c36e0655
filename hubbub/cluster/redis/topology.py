"""Where Redis is: one server, one that Sentinels name, or the nodes of a cluster."""

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
SENTINEL_TIMEOUT_S = (
    0.8  # for one Sentinel: the one beside a master that died is silent, too, and there are others
)
POOL_SIZE = 8  # connections for questions; the bus has its own
# Whoever uses a connection decides what happens when it breaks.
CONNECTION_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "protocol": 2,
    "driver_info": None,
}


class Topology(Protocol):
    """The servers, and how to reach the one that a channel belongs to."""

    sharded: bool
    client: Any  # Redis or RedisCluster: for keys

    async def nodes(self) -> list[str]:
        """The names of all nodes that channels belong to; asks the cluster anew. Raises redis' errors."""

    def node_of(self, channel: bytes) -> str:
        """Which of the nodes a channel belongs to."""

    async def dial(self, node: str) -> Connection:
        """A new connection, for its user alone. Raises redis' errors and OSError."""

    async def replace_idle(self) -> None:
        """Close the client's idle connections: they may lead to a server that is none of these any more."""

    async def require_master(self) -> None:
        """Make sure that the client's next question reaches no replica. Raises redis' errors."""

    async def close(self) -> None:
        """Close the client's connections."""


class SingleServer:
    """One server, found by its address or by Sentinels."""

    sharded = False

    def __init__(self, client: Redis, sentinel: Sentinel | None = None) -> None:
        self.client = client
        self._sentinel = sentinel
        self._pool: ConnectionPool = client.connection_pool

    async def nodes(self) -> list[str]:
        return [""]

    def node_of(self, channel: bytes) -> str:
        del channel
        return ""

    async def dial(self, node: str) -> Connection:
        del node
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        connection.socket_timeout = None  # the bus waits for as long as nothing is said
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
    """The primaries of a Redis Cluster; channels are sharded among them like keys."""

    sharded = True

    def __init__(self, client: RedisCluster) -> None:
        self.client = client

    async def nodes(self) -> list[str]:
        await self.client.aclose()  # else it keeps connections to nodes that are none any more
        await self.client.initialize()
        return [node.name for node in self.client.get_primaries()]

    def node_of(self, channel: bytes) -> str:
        node = self.client.nodes_manager.get_node_from_slot(self.client.keyslot(channel))
        return str(node.name)

    async def dial(self, node: str) -> Connection:
        cluster_node = self.client.get_node(node_name=node)
        if cluster_node is None:
            raise ConnectionError(f"the cluster has no node {node} any more")
        options = {**cluster_node.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
        connection: Connection = cluster_node.connection_class(**options)
        connection.socket_timeout = None
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    async def replace_idle(self) -> None:
        """Nothing: a node that is none any more sends the client to the right one."""

    async def require_master(self) -> None:
        """Nothing, likewise."""

    async def close(self) -> None:
        await self.client.aclose()


def from_url(url: str, name: str | None = None, timeout: float = 2.0) -> Topology:
    """The servers of a `HUBBUB_REDIS_URL`; nothing is connected yet. Raises ValueError.

    `name` is shown by `CLIENT LIST`; `timeout` is how long a question may take.
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
    """`redis+sentinel://user:password@host:port,host:port/service/0`."""
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
