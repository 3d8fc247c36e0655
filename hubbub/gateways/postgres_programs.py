"""Runs PostgreSQL's programs: feeds, reads and ends them without blocking, whatever fails."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from hubbub.gateways.postgres_tools import Target

CHUNK_BYTES = 1 << 20

OutputHandler = Callable[[bytes], Awaitable[None]]


class ProgramFailed(Exception):
    """The program failed. The message is its name and its first error, on one line."""


async def start(
    path: Path, arguments: Sequence[str], target: Target, pass_fds: Sequence[int] = ()
) -> Process:
    """Start a program with pipes for input, output and errors."""
    return await asyncio.create_subprocess_exec(
        path,
        *arguments,
        env=target.environment,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        pass_fds=pass_fds,
    )


async def run(process: Process, chunks: Iterable[bytes], on_output: OutputHandler, name: str) -> None:
    """Feed a program, read its output, and wait for its end. Raises ProgramFailed."""
    try:
        _, _, error_text = await asyncio.gather(
            _feed(process, chunks), _read(process, on_output), first_error(process)
        )
        if await process.wait():
            raise ProgramFailed(f"{name} failed: {error_text}")
    finally:
        await kill(process)


async def _feed(process: Process, chunks: Iterable[bytes]) -> None:
    """Write to a program, which may end before it has read everything."""
    assert process.stdin is not None  # noqa: S101 - a pipe
    with suppress(ConnectionError):
        for chunk in chunks:
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process, on_output: OutputHandler) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe
    while chunk := await process.stdout.read(CHUNK_BYTES):
        await on_output(chunk)


async def first_error(process: Process) -> str:
    """Return the first error that a program prints, after its end."""
    assert process.stderr is not None  # noqa: S101 - a pipe
    output = (await process.stderr.read()).decode(errors="replace")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if any(marker in line for marker in ("ERROR:", "error:", "FATAL:"))]
    return (errors or lines or ["no reason given"])[0]


async def kill(process: Process) -> None:
    """Kill a program that still runs, and wait for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
