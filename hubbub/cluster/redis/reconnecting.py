"""A connection to Redis that reconnects whenever it breaks."""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.asyncio import Connection
from redis.exceptions import ReadOnlyError, RedisClusterException, RedisError

from hubbub.cluster.redis.identity import REPLICA_ERROR, Identity, identify, is_replica
from hubbub.core import clock, metrics, tasks

log = logging.getLogger(__name__)

REDIS_ERRORS = (RedisError, RedisClusterException, OSError, ValueError)
CONNECT_TIMEOUT_S = 3.0
RESPONSE_TIMEOUT_S = 2.0  # for Redis to respond; then the connection is replaced
MIN_RECONNECT_DELAY_S = 0.05
STABLE_CONNECTION_S = 5.0  # a connection that broke sooner counts as a failure, which lengthens the delay
MAX_RECONNECT_DELAY_S = 2.0

if TYPE_CHECKING:
    from asyncio import Task


class ReconnectingConnection(ABC):
    """One connection to one server, with its use in a subclass."""

    def __init__(
        self, name: str, dial: Callable[[], Awaitable[Connection]], on_change: Callable[[], None]
    ) -> None:
        self._name = name  # in metrics and names of tasks
        self._dial = dial  # opens a connection
        self._on_change = on_change  # called when `up` or `last_error` changes
        self._failures = 0  # consecutive connections that failed or broke soon
        self._task = tasks.PeriodicTask(
            self._connect, name=f"redis {name}", interval_s=self._reconnect_delay_s, immediately=True
        )
        self._connection_task: Task[None] | None = None  # of the current connection
        self.up = False  # whether the connection works
        self.started_at = clock.monotonic()  # monotonic time at which the current attempt began
        self.last_error = ""  # why the last connection ended
        self.server = Identity()  # of the current connection

    def start(self) -> None:
        """Start connecting. The connection is kept open until `close`."""
        self._task.start()

    async def close(self) -> None:
        """Close the connection."""
        await self._task.close()
        await tasks.stop(self._connection_task)

    def reconnect(self, reason: str) -> None:
        """Replace the connection."""
        if self._connection_task is not None and not self._connection_task.done():
            self.last_error = reason
            self._connection_task.cancel()

    @abstractmethod
    async def _use_connection(self, connection: Connection) -> None:
        """Use the connection until it breaks. Calls `_set_state(up=True)` once the server has responded."""

    def _set_state(self, *, up: bool) -> None:
        if self.up != up:
            self.up = up
            self._on_change()

    async def _connect(self) -> None:
        """Connect, and use the connection until it breaks."""
        self.started_at = clock.monotonic()
        self._connection_task = tasks.spawn(self._connect_once(), name=f"redis {self._name} connection")
        await asyncio.wait([self._connection_task])
        stable = self.up and clock.monotonic() - self.started_at > STABLE_CONNECTION_S
        self._failures = 0 if stable else self._failures + 1
        self.up = False
        self._on_change()
        metrics.count("redis_connections_lost", self._name)

    def _reconnect_delay_s(self) -> float:
        delay_s = float(min(MIN_RECONNECT_DELAY_S * 2**self._failures, MAX_RECONNECT_DELAY_S))
        return delay_s * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret

    async def _connect_once(self) -> None:
        connection = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                connection = await self._dial()
                self.server = await identify(connection)
            if is_replica(self.server.role):
                raise ReadOnlyError(REPLICA_ERROR)
            self.started_at = clock.monotonic()
            await self._use_connection(connection)
        except TimeoutError:
            self.last_error = "no response"
        except REDIS_ERRORS as error:
            self.last_error = str(error).rstrip(".") or type(error).__name__
        finally:
            if connection is not None:
                with suppress(*REDIS_ERRORS):
                    await connection.disconnect(nowait=True)
