"""`hubbub serve`: runs one instance."""

import asyncio
import sys

import click

from hubbub.cli import bootstrap, unused_packages


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop event loop where uvloop is available, because it is faster."""
    try:
        import uvloop  # noqa: PLC0415 - not available on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


@click.command(
    cls=bootstrap.ProcessCommand,
    help="Run one instance: Socket.IO and REST. SIGTERM and Ctrl-C close the connections of clients first.",
)
@click.option("--host", help="The IP address to listen on; overrides HUBBUB_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; overrides HUBBUB_PORT.")
def command(host: str | None, port: int | None) -> None:
    """Serve until a signal."""
    settings = bootstrap.load_process_settings({"host": host, "port": port})
    # Imported late, so that wrong settings are refused at once.
    with unused_packages.hidden(settings):
        from hubbub.cli import process, run  # noqa: PLC0415

    sys.exit(
        run.run(process.serve(settings), loop_factory=_new_event_loop, as_json=settings.log_format == "json")
    )
