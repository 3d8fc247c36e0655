"""Fixtures of journeys: no rate limits, and instances as separate processes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from hubbub.config import Settings
from tests.journeys.device import ChangeNotifier, Device
from tests.support.client_model import Json
from tests.support.server_process import ServerProcess

UNLIMITED = dict.fromkeys(
    (
        "limit_message_send",
        "limit_events",
        "limit_handshakes",
        "limit_http",
        "limit_auth",
        "limit_register",
    ),
    "off",
)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings without rate limits and without default rooms."""
    return Settings.for_tests(
        database_url=database_url, data_dir=tmp_path, port=0, default_rooms="", **UNLIMITED
    )


@pytest.fixture
def notifier() -> ChangeNotifier:
    """What the devices of a test wake each other with."""
    return ChangeNotifier()


@pytest.fixture
async def server_process(database_url: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """`hubbub serve` as a process, on the test's database."""
    async with ServerProcess(tmp_path, database_url=database_url, default_rooms="", **UNLIMITED) as process:
        yield process


class Connect(Protocol):
    """`await devices(url, login, "polling")`: a connected client, by WebSocket by default."""

    async def __call__(self, url: str, login: Json, *transports: str) -> Device: ...


@pytest.fixture
async def devices(notifier: ChangeNotifier) -> AsyncIterator[Connect]:
    """Connect clients. They are closed at the end, and none may have received entries out of order."""
    connected: list[Device] = []

    async def connect(url: str, login: Json, *transports: str) -> Device:
        connected.append(Device(url, login, notifier, transports or ("websocket",)))
        return await connected[-1].connect()

    yield connect
    for device in connected:
        await device.close()
    assert {device.name: device.violations for device in connected if device.violations} == {}
