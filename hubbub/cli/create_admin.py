"""`hubbub create-admin`: creates an admin account."""

import sys

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.core.text import email_addresses
from hubbub.services.admin import admins


@click.command(
    help="Create an admin account for EMAIL. The command prompts for the password, or reads it from standard "
    "input, as one line. An existing account becomes an admin and keeps its password."
)
@click.argument("email")
def command(email: str) -> None:
    """Create or promote an account."""
    settings = bootstrap.load_settings()
    if email_addresses.canonical(email.strip()) is None:
        bootstrap.fail(f"email: {email} is not an e-mail address.")
    click.echo(run.run(_create(settings, email)))


async def _create(settings: Settings, email: str) -> str:
    async with services_context.open_container(settings) as container:
        if await admins.exists(email):
            await admins.promote(container, email)
            return f"{email} had an account and is an admin now; the password is unchanged."
        await admins.create(container, email, _read_password())
        return f"{email} is an admin."


def _read_password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return password
    if not (line := sys.stdin.readline().rstrip("\r\n")):
        bootstrap.fail("password: is missing: write it to standard input, as one line.")
    return line
