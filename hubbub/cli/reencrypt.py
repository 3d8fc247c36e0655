"""`hubbub reencrypt`: encrypts secrets at rest with the current secret key."""

import sys

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.maintenance import reencryption
from hubbub.services.maintenance.reencryption import ReencryptionResult


@click.command(
    help="Encrypt the secrets in the database with HUBBUB_SECRET_KEY instead of a key of "
    "HUBBUB_SECRET_KEY_PREVIOUS. Exit code 1 if none of the keys decrypts a secret."
)
def command() -> None:
    """Reencrypt the secrets and print their number."""
    settings = bootstrap.load_settings()
    if not settings.secret_key:
        line = "HUBBUB_SECRET_KEY: is required: it encrypts the secrets."
        bootstrap.fail(line, code=bootstrap.EXIT_INVALID_SETTINGS)
    encrypted, lost = run.run(_reencrypt(settings))
    click.echo(f"Encrypted with the current key: {encrypted}. All others already were.")
    if lost:
        click.echo(f"Encrypted with a key that is not configured, unreadable without it: {lost}.", err=True)
        sys.exit(1)


async def _reencrypt(settings: Settings) -> ReencryptionResult:
    async with services_context.open_container(settings) as container:
        return await reencryption.run(container)
