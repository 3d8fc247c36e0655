"""A connection to Redis that is kept up: made, used, and made again when it breaks."""

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
RESPONSE_TIMEOUT_S = 2.0  # for Redis to answer what it was told; past it the connection is given up
MIN_RECONNECT_DELAY_S = 0.05
STABLE_CONNECTION_S = 5.0  # a connection that broke sooner is tried again with longer pauses
MAX_RECONNECT_DELAY_S = 2.0

if TYPE_CHECKING:
    from asyncio import Task


class ReconnectingConnection(ABC):
    """One connection to one server, and what it is used for."""

    def __init__(
        self, name: str, dial: Callable[[], Awaitable[Connection]], on_change: Callable[[], None]
    ) -> None:
        self._name = name
        self._dial = dial
        self._on_change = on_change
        self._failures = 0  # attempts in a row that failed or broke soon
        self._task = tasks.PeriodicTask(
            self._connect, name=f"redis {name}", interval_s=self._reconnect_delay_s, immediately=True
        )
        self._connection_task: Task[None] | None = None
        self.up = False
        self.started_at = clock.monotonic()  # when the present try began
        self.last_error = ""
        self.server = Identity()  # of the present connection

    def start(self) -> None:
        """Begin connecting; it goes on until `close`."""
        self._task.start()

    async def close(self) -> None:
        """Hang up."""
        await self._task.close()
        await tasks.stop(self._connection_task)

    def reconnect(self, reason: str) -> None:
        """Give up this connection and make another one."""
        if self._connection_task is not None and not self._connection_task.done():
            self.last_error = reason
            self._connection_task.cancel()

    @abstractmethod
    async def _use_connection(self, connection: Connection) -> None:
        """Use the connection until it breaks. Calls `_set(up=True)` once the server has answered."""

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
            self.last_error = "it does not answer"
        except REDIS_ERRORS as error:
            self.last_error = str(error).rstrip(".") or type(error).__name__
        finally:
            if connection is not None:
                with suppress(*REDIS_ERRORS):
                    await connection.disconnect(nowait=True)
