"""`hubbub reseal`: encrypt secrets at rest with the current secret key."""

import sys

import click

from hubbub.cli import offline, running, starting
from hubbub.config import Settings
from hubbub.services import resealing
from hubbub.services.resealing import Resealed


@click.command(
    help="Encrypt what is kept secret in the database with HUBBUB_SECRET_KEY, and no longer with a key of "
    "HUBBUB_SECRET_KEY_PREVIOUS. Exit code 1 if something can't be read by any of them."
)
def command() -> None:
    """Seal again, and say how many."""
    done, lost = running.run(_reseal(starting.settings()))
    click.echo(f"Encrypted with the current key: {done}. The others had been already.")
    if lost:
        click.echo(f"Of a key that is not listed, and lost without it: {lost}.", err=True)
        sys.exit(1)


async def _reseal(settings: Settings) -> Resealed:
    async with offline.opened(settings) as parts:
        return await resealing.run(parts)
