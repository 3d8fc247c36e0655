"""Running the programs of PostgreSQL: fed, read and ended without blocking, whatever fails."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from hubbub.gateways.postgres_tools import Target

PIECE = 1 << 20

Take = Callable[[bytes], Awaitable[None]]


class ProgramFailed(Exception):
    """It ended with an error: its name and its first complaint, on one line."""


async def start(
    path: Path, arguments: Sequence[str], target: Target, pass_fds: Sequence[int] = ()
) -> Process:
    """Start a program with pipes for input, output and complaints."""
    return await asyncio.create_subprocess_exec(
        path,
        *arguments,
        env=target.environment,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        pass_fds=pass_fds,
    )


async def run(process: Process, pieces: Iterable[bytes], take: Take, name: str) -> None:
    """Feed a program, take what it writes, and wait for its end. Raises ProgramFailed."""
    try:
        _, _, said = await asyncio.gather(_feed(process, pieces), _read(process, take), complaint(process))
        if await process.wait():
            raise ProgramFailed(f"{name} failed: {said}")
    finally:
        await end(process)


async def _feed(process: Process, pieces: Iterable[bytes]) -> None:
    """Write to a program; it may end before it has read everything."""
    assert process.stdin is not None  # noqa: S101 - a pipe
    with suppress(ConnectionError):
        for piece in pieces:
            process.stdin.write(piece)
            await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process, take: Take) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe
    while piece := await process.stdout.read(PIECE):
        await take(piece)


async def complaint(process: Process) -> str:
    """The first error that a program prints, when it has ended."""
    assert process.stderr is not None  # noqa: S101 - a pipe
    said = (await process.stderr.read()).decode(errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if any(word in line for word in ("ERROR:", "error:", "FATAL:"))]
    return (wrong or lines or ["no reason given"])[0]


async def end(process: Process) -> None:
    """Kill a program that still runs, and wait for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
