"""The lifecycle of a `serve`, `worker` or `scheduler` process: it starts, runs until a signal, and stops."""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import Collection, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hubbub.app import App, open_scheduler, open_worker
from hubbub.cli import file_limit
from hubbub.config import Settings
from hubbub.core import clock, gc_tuning, metrics, tasks
from hubbub.schemas.jobs import Queue
from hubbub.services.seed import dev_admin

log = logging.getLogger(__name__)

MIN_STOP_TIMEOUT_S = 2.0  # minimum time for stopping, however short the drain timeout is


async def serve(settings: Settings) -> int:
    """Run an instance until SIGTERM or SIGINT, then drain. A second signal exits at once."""
    stopping = _handle_signals()
    started_at = clock.monotonic()
    open_files = file_limit.raise_limit()
    app = App(settings)
    if not await _run_unless_stopped(app.start(), stopping):
        return 0
    try:
        seconds = round(clock.monotonic() - started_at, 3)
        metrics.gauge("start_seconds", lambda: seconds)
        gc_tuning.freeze_and_tune()
        fields = {
            "url": app.url,
            "start_s": seconds,
            "instance": settings.instance_id,
            "open_files": open_files,
        }
        log.info("listening", extra=fields)
        _print_dev_info(settings, app)
        await stopping.wait()
        _schedule_forced_exit(settings)
        await app.drain()
    finally:
        await app.stop()
    log.info("stopped")
    return 0


def _print_dev_info(settings: Settings, app: App) -> None:
    """Print the URL and the login for a developer. With JSON, it is a line of the log."""
    if settings.log_format == "console":
        sys.stdout.write(dev_admin.banner(settings, app.url, app.dev_admin_login, _program()))
        sys.stdout.flush()
    elif app.dev_admin_login is not None:
        log.info(
            "development admin",
            extra={"email": app.dev_admin_login.email, "kept_in": str(app.dev_admin_login.path)},
        )


def _program() -> str:
    """Return how a shell in the working directory calls hubbub: it may not be in the PATH."""
    called = Path(sys.argv[0])
    if called.name != "hubbub":
        return f"{sys.executable} -m hubbub"
    found = shutil.which("hubbub")
    return "hubbub" if found is not None and Path(found).resolve() == called.resolve() else str(called)


async def run_worker(settings: Settings, queues: Collection[Queue]) -> int:
    """Run the jobs of these queues until SIGTERM or SIGINT, then finish the running ones.

    A second signal exits at once.
    """
    async with AsyncExitStack() as stack:
        return await _run_in_background(settings, stack, open_worker(settings, stack, queues), "working")


async def run_scheduler(settings: Settings) -> int:
    """Run the schedules until SIGTERM or SIGINT. A second signal exits at once."""
    async with AsyncExitStack() as stack:
        return await _run_in_background(settings, stack, open_scheduler(settings, stack), "scheduling")


async def _run_in_background(
    settings: Settings, stack: AsyncExitStack, start: Coroutine[Any, Any, Any], started_text: str
) -> int:
    """Run what `start` adds to `stack` until a signal, then close it."""
    stopping = _handle_signals()
    if not await _run_unless_stopped(start, stopping):
        return 0
    log.info(started_text, extra={"instance": settings.instance_id})
    await stopping.wait()
    _schedule_forced_exit(settings)
    await stack.aclose()
    log.info("stopped")
    return 0


async def _run_unless_stopped(start: Coroutine[Any, Any, Any], stopping: asyncio.Event) -> bool:
    """Run the start; return False if a signal interrupted it. Raises what `start` raises."""
    starting = asyncio.ensure_future(start)  # noqa: TID251 - its failure is raised here, not logged
    signalled = tasks.spawn(stopping.wait(), name="signal during the start")
    await asyncio.wait([starting, signalled], return_when=asyncio.FIRST_COMPLETED)
    await tasks.stop(signalled)
    if starting.done():
        await starting
        return True
    starting.cancel()
    await asyncio.wait([starting])
    log.info("stopped during the start")
    return False


def _schedule_forced_exit(settings: Settings) -> None:
    log.info("stopping")
    asyncio.get_running_loop().call_later(max(settings.drain_s, MIN_STOP_TIMEOUT_S), _force_exit)


def _force_exit() -> None:
    """Exit because the drain timeout has passed. Acknowledged messages are stored."""
    log.warning("not everything stopped in time")
    logging.shutdown()
    os._exit(0)


def _handle_signals() -> asyncio.Event:
    """Return an event that the first signal sets. The second signal exits."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            log.warning("stopping at once")
            logging.shutdown()
            os._exit(1)  # a component that does not stop must not delay an operator who repeats the signal
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stopping
