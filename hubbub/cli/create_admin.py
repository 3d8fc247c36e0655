"""`hubbub create-admin`: an account that may do everything."""

import sys

import click

from hubbub.cli import offline, running, starting
from hubbub.config import Settings
from hubbub.services import admins


@click.command(
    help="Make an admin account for EMAIL. The password is asked for, or read from standard input, one line. "
    "An account that is there already becomes an admin and keeps its password."
)
@click.argument("email")
def command(email: str) -> None:
    """Make or promote."""
    settings = starting.settings()
    click.echo(running.run(_create(settings, email)))


async def _create(settings: Settings, email: str) -> str:
    async with offline.opened(settings) as parts:
        if await admins.known(email):
            await admins.promote(parts, email)
            return f"{email} had an account and is an admin now; the password stays."
        await admins.create(parts, email, _password())
        return f"{email} is an admin."


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")
