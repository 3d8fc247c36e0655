"""Where Redis is: one server, one that Sentinels name, or the nodes of a cluster."""

from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Connection, ConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECT_S = 3.0
SENTINEL_PORT = 26379
POOL = 8  # connections for questions; the bus has its own
# Whoever uses a connection decides what happens when it breaks.
PLAIN: dict[str, Any] = {"socket_connect_timeout": CONNECT_S, "protocol": 2, "driver_info": None}


class Servers(Protocol):
    """The servers, and how to reach the one that a channel belongs to."""

    sharded: bool
    client: Any  # Redis or RedisCluster: for keys

    async def nodes(self) -> list[str]:
        """The names of all nodes that channels belong to; asks the cluster anew. Raises redis' errors."""

    def node_of(self, channel: bytes) -> str:
        """Which of the nodes a channel belongs to."""

    async def dial(self, node: str) -> Connection:
        """A new connection, for its user alone. Raises redis' errors and OSError."""

    async def close(self) -> None:
        """Close the client's connections."""


class Single:
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
        found = self.client.get_node(node_name=node)
        if found is None:
            raise ConnectionError(f"the cluster has no node {node} any more")
        options = {**found.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
        connection: Connection = found.connection_class(**options)
        connection.socket_timeout = None
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    async def close(self) -> None:
        await self.client.aclose()


def find(url: str, name: str | None = None, timeout: float = 2.0) -> Servers:
    """The servers of a `HUBBUB_REDIS_URL`; nothing is connected yet. Raises ValueError.

    `name` is shown by `CLIENT LIST`; `timeout` is how long a question may take.
    """
    options = {**PLAIN, "socket_timeout": timeout, "client_name": name}
    if url.startswith("redis+cluster://"):
        return Cluster(RedisCluster.from_url(url.replace("redis+cluster", "redis", 1), **options))
    options = {**options, "retry": Retry(NoBackoff(), 0)}
    if url.startswith("redis+sentinel://"):
        return _master(url, options)
    pool = BlockingConnectionPool.from_url(url, max_connections=POOL, timeout=timeout, **options)
    return Single(Redis(connection_pool=pool))


def _master(url: str, options: dict[str, Any]) -> Single:
    """`redis+sentinel://user:password@host:port,host:port/service/0`."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, number = parts.path.strip("/").partition("/")
    sentinels = []
    for place in places.split(","):
        host, _, port = place.rpartition(":") if ":" in place else (place, "", SENTINEL_PORT)
        sentinels.append((host, int(port)))
    named = {"username": unquote(user) or None, "password": unquote(password) or None, "db": int(number or 0)}
    sentinel = Sentinel(sentinels, sentinel_kwargs=PLAIN, **options, **named)  # type: ignore[no-untyped-call]
    return Single(sentinel.master_for(service or "mymaster"), sentinel)
