"""`hubbub epoch new`: after a restore by other means."""

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epochs import Cause


@click.group(help="The epoch: the name of the database's history.")
def command() -> None:
    """The epoch."""


@command.command(
    help="Raise the epoch after a restore by other means than `hubbub restore`. Instances close their "
    "sockets; clients reconnect and load what they have anew."
)
def new() -> None:
    """Raise it, and print it."""
    click.echo(f"The epoch is {run.run(_raise(bootstrap.load_settings()))}.")


async def _raise(settings: Settings) -> str:
    async with services_context.open_container(settings) as container:
        while not await epochs.raise_epoch(await epochs.current(), Cause.COMMAND):
            """Another process raised it in between."""
        container.epoch_watch.epoch = await epochs.current()
        return container.epoch_watch.epoch
