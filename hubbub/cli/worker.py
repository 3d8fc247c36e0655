"""`hubbub worker`: does the jobs."""

import sys

import click

from hubbub import app
from hubbub.cli import running, starting


@click.command(help="Do the jobs: e-mails and whatever else is not done at once. Any number may run.")
def command() -> None:
    """Work until a signal."""
    sys.exit(running.run(app.work(starting.settings())))
