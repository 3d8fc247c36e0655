"""Separate Redis servers for a test to stop, pause and start: alone, a cluster, under a Sentinel."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self

from redis.asyncio import Redis

from tests.support import servers

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

WAIT_S = 30.0


class RedisServer:
    """One server process on a fixed port. Use it as a context manager."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = servers.free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty."""
        output = self._folder / "server.log"
        output.unlink(missing_ok=True)
        fixed = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self._folder]
        quick = ["--repl-diskless-sync-delay", "0"]
        command = [
            self._binary,
            *self._extra_arguments(),
            "--port",
            self.port,
            *fixed,
            *quick,
            *self._options,
        ]
        self._process = servers.start_process(command, self._folder, output)
        if not servers.wait_until_ready(self._process, output):
            raise servers.ServerUnavailable(
                f"Redis did not start:\n{output.read_text(errors='replace')[-2000:]}"
            )

    def _extra_arguments(self) -> list[object]:
        return []

    def stop(self) -> None:
        """SIGKILL, and everything is forgotten."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing responds."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self._folder: Path = self._stack.enter_context(servers.temporary_folder("hubbub-redis-"))
        self._binary = servers.redis_binary(self._folder)
        self._stack.callback(self.stop)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Sentinel(RedisServer):
    """Watches over `main`, under the name mymaster."""

    def __init__(self, primary: RedisServer, quorum: int = 1, down_ms: int = 30_000) -> None:
        super().__init__()
        self._primary = primary
        self._directives = f"sentinel monitor mymaster 127.0.0.1 {primary.port} {quorum}\n"
        self._directives += f"sentinel down-after-milliseconds mymaster {down_ms}\n"
        self._directives += "sentinel failover-timeout mymaster 5000\n"

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/mymaster/0"

    def start(self) -> None:
        configuration = self._folder / "sentinel.conf"
        configuration.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {self._folder}\n{self._directives}")
        if (user := servers.server_user()) is not None:
            os.chown(configuration, user.pw_uid, user.pw_gid)
        output = self._folder / "server.log"
        self._process = servers.start_process(
            [self._binary, configuration, "--sentinel"], self._folder, output
        )
        deadline = time.monotonic() + WAIT_S
        while b"monitor master" not in output.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise servers.ServerUnavailable(output.read_text(errors="replace")[-2000:])
            time.sleep(0.02)


@contextlib.asynccontextmanager
async def run_cluster() -> AsyncIterator[str]:
    """Two primaries with half of the slots each, as `redis+cluster://…`."""
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(
                RedisServer("--cluster-enabled", "yes", "--cluster-port", str(servers.free_port()))
            )
            for _ in range(2)
        ]
        yield await _join_cluster(nodes)


async def _join_cluster(nodes: list[RedisServer]) -> str:
    clients = [Redis.from_url(node.url, decode_responses=True) for node in nodes]
    try:
        for client, slots in zip(clients, ((0, 8191), (8192, 16383)), strict=True):
            await client.execute_command("CLUSTER ADDSLOTSRANGE", *slots)
        bus_port = int(nodes[1]._options[-1])
        await clients[0].execute_command("CLUSTER MEET", "127.0.0.1", nodes[1].port, bus_port)
        async with asyncio.timeout(WAIT_S):
            for client in clients:
                while (await client.cluster("info"))["cluster_state"] != "ok":  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)
    finally:
        for client in clients:
            await client.aclose()
    return f"redis+cluster://127.0.0.1:{nodes[0].port}"
