"""`hubbub migrate`: the database's schema."""

import click

from hubbub.cli import bootstrap, run
from hubbub.config import Settings
from hubbub.db import migrations


@click.command(
    help="Bring the database's schema up to date (up), take its last step back (down), or show status."
)
@click.argument("what", type=click.Choice(["status", "up", "down"]), default="up")
def command(what: str) -> None:
    """Do it, and name the steps."""
    operation = {"status": _status, "up": _up, "down": _down}[what]
    run.run(operation(bootstrap.load_settings()))


async def _status(settings: Settings) -> None:
    for step in await migrations.status(settings):
        click.echo(f"{'done' if step.applied else 'waiting':<8} {step.name}")


async def _up(settings: Settings) -> None:
    _print_steps("up", await migrations.up(settings))


async def _down(settings: Settings) -> None:
    _print_steps("down", await migrations.down(settings))


def _print_steps(direction: str, steps: list[str]) -> None:
    for step in steps:
        click.echo(f"{direction} {step}")
    if not steps:
        click.echo("Nothing to do.")
