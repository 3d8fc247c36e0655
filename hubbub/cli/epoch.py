"""`hubbub epoch new`: raises the epoch after a restore by other means."""

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epochs import Cause


@click.group(help="The epoch: the identifier of the database's log, which a restore changes.")
def command() -> None:
    """Group the commands of the epoch."""


@command.command(
    help="Raise the epoch after a restore by other means than `hubbub restore`. Instances close their "
    "sockets. Clients reconnect and load their state again."
)
def new() -> None:
    """Raise the epoch and print it."""
    click.echo(f"The epoch is {run.run(_raise(bootstrap.load_settings()))}.")


async def _raise(settings: Settings) -> str:
    async with services_context.open_container(settings) as container:
        raised = False
        while not raised:  # False if another process raises it meanwhile
            raised = await epochs.raise_epoch(await epochs.current(), Cause.COMMAND)
        container.epoch_watch.epoch = await epochs.current()
        return container.epoch_watch.epoch
