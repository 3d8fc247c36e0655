"""`hubbub disable-two-factor`: for a user who lost both the phone and the recovery codes."""

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.admin import admins


@click.command(
    help="Let the account of EMAIL log in with its password only. Verify the user's identity first: from "
    "then on the password alone is sufficient. The owner gets an e-mail."
)
@click.argument("email")
def command(email: str) -> None:
    """Disable the second factor of an account."""
    run.run(_disable(bootstrap.load_settings(), email))
    click.echo(f"Two-factor is off for {email}.")


async def _disable(settings: Settings, email: str) -> None:
    async with services_context.open_container(settings) as container:
        await admins.disable_two_factor(container, email)
