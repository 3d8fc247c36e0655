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

from hubbub.cluster.redis.identity import REPLICA, Identity, identify, is_replica
from hubbub.core import clock, metrics, tasks

log = logging.getLogger(__name__)

FAILURES = (RedisError, RedisClusterException, OSError, ValueError)
CONNECT_S = 3.0
ANSWER_S = 2.0  # for Redis to answer what it was told; past it the connection is given up
PAUSE_S = 0.05
LASTING_S = 5.0  # a connection that broke sooner is tried again with longer pauses
LONGEST_PAUSE_S = 2.0

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
        self._task: Task[None] | None = None
        self._worker: Task[None] | None = None
        self.up = False
        self.since = clock.monotonic()  # when the present try began
        self.trouble = ""
        self.server = Identity()  # of the present connection

    def start(self) -> None:
        """Begin connecting; it goes on until `close`."""
        self._task = tasks.spawn(self._run(), name=f"redis {self._name}")

    async def close(self) -> None:
        """Hang up."""
        await tasks.stop(self._task)
        await tasks.stop(self._worker)

    def hang_up(self, why: str) -> None:
        """Give up this connection and make another one."""
        if self._worker is not None and not self._worker.done():
            self.trouble = why
            self._worker.cancel()

    @abstractmethod
    async def _work(self, connection: Connection) -> None:
        """Use the connection until it breaks. Calls `_set(up=True)` once the server has answered."""

    def _set(self, *, up: bool) -> None:
        if self.up != up:
            self.up = up
            self._on_change()

    async def _run(self) -> None:
        tries = 0
        while True:
            self.since = clock.monotonic()
            self._worker = tasks.spawn(self._attempt(), name=f"redis {self._name} connection")
            await asyncio.wait([self._worker])
            tries = 0 if self.up and clock.monotonic() - self.since > LASTING_S else tries + 1
            self.up = False
            self._on_change()
            metrics.count("redis_connections_lost", self._name)
            pause = min(PAUSE_S * 2**tries, LONGEST_PAUSE_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret

    async def _attempt(self) -> None:
        connection = None
        try:
            async with asyncio.timeout(CONNECT_S):
                connection = await self._dial()
                self.server = await identify(connection)
            if is_replica(self.server.role):
                raise ReadOnlyError(REPLICA)
            self.since = clock.monotonic()
            await self._work(connection)
        except TimeoutError:
            self.trouble = "it does not answer"
        except FAILURES as error:
            self.trouble = str(error).rstrip(".") or type(error).__name__
        finally:
            if connection is not None:
                with suppress(*FAILURES):
                    await connection.disconnect(nowait=True)
