"""`hubbub scheduler`: enqueues the jobs of the schedules."""

import sys

import click

from hubbub.cli import bootstrap, unused_packages


@click.command(
    cls=bootstrap.ProcessCommand,
    help="Enqueue the jobs of the schedules when they are due. Of several, one is active at a time.",
)
def command() -> None:
    """Run the schedules until a signal."""
    settings = bootstrap.load_process_settings()
    # Imported late, so that wrong settings are refused at once.
    with unused_packages.hidden(settings):
        from hubbub.cli import process, run  # noqa: PLC0415

    sys.exit(run.run(process.run_scheduler(settings), as_json=settings.log_format == "json"))
