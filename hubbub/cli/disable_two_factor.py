"""`hubbub disable-two-factor`: for who lost both the phone and the recovery codes."""

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.admin import admins


@click.command(
    help="Let the account of EMAIL sign in by its password alone. Make sure first who asks for it: whoever "
    "has the password can sign in from then on. The owner is told by e-mail."
)
@click.argument("email")
def command(email: str) -> None:
    """Switch it off."""
    run.run(_disable(bootstrap.load_settings(), email))
    click.echo(f"Two-factor is off for {email}.")


async def _disable(settings: Settings, email: str) -> None:
    async with services_context.open_container(settings) as container:
        await admins.disable_two_factor(container, email)
