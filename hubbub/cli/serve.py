"""`hubbub serve`: one instance."""

import asyncio
import sys

import click

from hubbub.cli import bootstrap


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The quicker loop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


@click.command(
    cls=bootstrap.ProcessCommand,
    help="Run one instance: Socket.IO and REST. SIGTERM and Ctrl-C let its clients go first.",
)
@click.option("--host", help="The address to listen on, before HUBBUB_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on, before HUBBUB_PORT.")
def command(host: str | None, port: int | None) -> None:
    """Serve until a signal."""
    settings = bootstrap.load_process_settings({"host": host, "port": port})
    # Imported late: settings that are refused are refused at once.
    from hubbub.cli import process, run  # noqa: PLC0415

    sys.exit(
        run.run(process.serve(settings), loop_factory=_new_event_loop, as_json=settings.log_format == "json")
    )
