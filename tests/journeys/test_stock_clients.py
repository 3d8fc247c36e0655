"""Node's stock clients of Socket.IO and Engine.IO, on all transports, against the transport alone."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.server import Running, arguments

SCRIPT = Path(__file__).parents[1] / "node" / "echo.mjs"
WAIT_S = 120.0


@pytest.mark.slow("7 s: thirty stories of Node.js clients")
async def test_stock_clients_work_on_every_transport(figures: Callable[[str], None]) -> None:
    node = shutil.which("node")
    assert node, "The tests need Node.js 20 or newer."
    options = arguments(["--port=0", "--ping-timeout-ms=10000", "--connect-timeout-ms=2000"])
    async with Running(options) as running, asyncio.timeout(WAIT_S):
        process = await asyncio.create_subprocess_exec(
            *(node, SCRIPT, str(running.port)), stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()

    *failed, summary = [json.loads(line) for line in printed.splitlines()]
    assert failed == []
    assert summary["stories"] == 30
    figures(f"{summary['stories']} stories of Node's clients")
