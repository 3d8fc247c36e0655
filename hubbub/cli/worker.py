"""`hubbub worker`: runs jobs."""

import sys

import click

from hubbub.cli import bootstrap


@click.command(
    cls=bootstrap.ProcessCommand,
    help="Run jobs: e-mails and other background work. Any number of workers may run.",
)
def command() -> None:
    """Run jobs until a signal."""
    settings = bootstrap.load_process_settings()
    # Imported late, so that wrong settings are refused at once.
    from hubbub.cli import process, run  # noqa: PLC0415

    sys.exit(run.run(process.run_worker(settings), as_json=settings.log_format == "json"))
