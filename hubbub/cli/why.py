"""`hubbub why`: explains why a user was, or was not, notified, and by which channel."""

from uuid import UUID

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.notifications import decisions


@click.command(
    help="Explain the notification with the id NOTIFICATION: one line for each channel with the reason. The "
    "id of a message explains all notifications that follow from it."
)
@click.argument("notification", type=click.UUID)
def command(notification: UUID) -> None:
    """Print the decisions about a notification."""
    for line in run.run(_explain(bootstrap.load_settings(), notification)):
        click.echo(line)


async def _explain(settings: Settings, notification_id: UUID) -> list[str]:
    async with services_context.open_container(settings):
        return await decisions.explain(notification_id)
