"""A database that becomes unavailable during the start of an instance, at each step of it."""

import asyncio
import socket
from pathlib import Path

import asyncpg
import pytest

from hubbub.app import App
from hubbub.config import Settings
from hubbub.db.database import DatabaseProblem
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)


class Cut(TcpProxy):
    """A proxy that goes down after passing so many chunks of client data. 0: it never does."""

    def __init__(self, url: str, pieces: int) -> None:
        super().__init__(url)
        self._left = pieces
        self.passed = 0

    async def _before_forward(self) -> None:
        self.passed += 1
        self._left -= 1
        if self._left == 0:
            self._ending = asyncio.create_task(self.stop())
            await asyncio.Event().wait()  # until it cancels this task, too


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def of(url: str, folder: Path) -> Settings:
    """Settings of development, so that an account is created at the start, too."""
    return Settings.for_tests(env="development", database_url=url, data_dir=folder, port=0, bcrypt_rounds=4)


async def empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("TRUNCATE users, processes CASCADE")
    finally:
        await connection.close()


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.soak)])
async def test_the_server_listens_when_ready_or_exits_with_one_line(database_url, tmp_path, figures, every):
    async with Cut(database_url, 0) as proxy:
        app = await App(of(proxy.url, tmp_path)).start()
        steps = proxy.passed
        await app.stop()
    assert steps > 10

    for step in range(1, steps + 1, every):
        await empty(database_url)
        async with Cut(database_url, step) as proxy:
            app = App(of(proxy.url, tmp_path))
            started = (await asyncio.gather(asyncio.wait_for(app.start(), 20), return_exceptions=True))[0]
            assert listens(app.port) == (started is app), step
            if started is app:
                await app.stop()
            else:
                assert isinstance(started, DatabaseProblem), (step, started)
                assert str(started).startswith("PostgreSQL at 127.0.0.1"), step
                assert "\n" not in str(started), step
    figures(f"the database stopped at every {every}. of {steps} steps")
