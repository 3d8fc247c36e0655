"""`hubbub migrate`: applies, reverts or lists database migrations."""

import click

from hubbub.cli import bootstrap, run
from hubbub.config import Settings
from hubbub.db import migrations


@click.command(
    help="Apply pending database migrations (up), revert the last one (down), or show their status."
)
@click.argument("what", type=click.Choice(["status", "up", "down"]), default="up")
def command(what: str) -> None:
    """Migrate, and print the names of the migrations."""
    operation = {"status": _status, "up": _up, "down": _down}[what]
    run.run(operation(bootstrap.load_settings()))


async def _status(settings: Settings) -> None:
    for step in await migrations.status(settings):
        state = "pending" if not step.applied else "applied" if step.known else "newer"
        click.echo(f"{state:<8} {step.name}")


async def _up(settings: Settings) -> None:
    _print_steps("up", await migrations.up(settings))


async def _down(settings: Settings) -> None:
    _print_steps("down", await migrations.down(settings))


def _print_steps(direction: str, steps: list[str]) -> None:
    for step in steps:
        click.echo(f"{direction} {step}")
    if not steps:
        click.echo("Nothing to do.")
