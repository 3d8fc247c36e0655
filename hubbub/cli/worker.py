"""`hubbub worker`: does the jobs."""

import sys

import click

from hubbub.cli import bootstrap


@click.command(
    cls=bootstrap.ProcessCommand,
    help="Do the jobs: e-mails and whatever else is not done at once. Any number may run.",
)
def command() -> None:
    """Work until a signal."""
    settings = bootstrap.load_process_settings()
    # Imported late: settings that are refused are refused at once.
    from hubbub.cli import process, run  # noqa: PLC0415

    sys.exit(run.run(process.run_worker(settings), as_json=settings.log_format == "json"))
