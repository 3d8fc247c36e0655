"""`hubbub reencrypt`: encrypt secrets at rest with the current secret key."""

import sys

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.maintenance import reencryption
from hubbub.services.maintenance.reencryption import ReencryptionResult


@click.command(
    help="Encrypt what is kept secret in the database with HUBBUB_SECRET_KEY, and no longer with a key of "
    "HUBBUB_SECRET_KEY_PREVIOUS. Exit code 1 if something can't be read by any of them."
)
def command() -> None:
    """Seal again, and say how many."""
    settings = bootstrap.load_settings()
    if not settings.secret_key:
        line = "HUBBUB_SECRET_KEY: is required: it encrypts the secrets."
        bootstrap.fail(line, code=bootstrap.EXIT_INVALID_SETTINGS)
    encrypted, lost = run.run(_reencrypt(settings))
    click.echo(f"Encrypted with the current key: {encrypted}. The others had been already.")
    if lost:
        click.echo(f"Of a key that is not listed, and lost without it: {lost}.", err=True)
        sys.exit(1)


async def _reencrypt(settings: Settings) -> ReencryptionResult:
    async with services_context.open_container(settings) as container:
        return await reencryption.run(container)
