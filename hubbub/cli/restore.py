"""`hubbub restore`: replaces the database with a backup."""

import sys

import click

from hubbub.cli import bootstrap, progress, run
from hubbub.config import Settings
from hubbub.config.parsers import mask_secrets
from hubbub.services.backups import restore
from hubbub.services.backups.backup import Progress


@click.command(
    help="Check the backup in the folder FROM, replace the database with it, and raise the epoch. Stop all "
    "processes first. Everything that was stored since the backup is lost."
)
@click.argument("source", metavar="FROM")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--force", is_flag=True, help="Ignore registered processes, except one that serves SQLite.")
def command(source: str, *, yes: bool, force: bool) -> None:
    """Restore a backup."""
    settings = bootstrap.load_settings()
    if not yes and not sys.stdin.isatty():
        bootstrap.fail("This replaces the database. Use --yes without a terminal.")
    with progress.progress_bars() as start_step:
        restored = run.run(_restore(settings, source, start_step, yes=yes, force=force))
    if restored is None:
        bootstrap.fail("Nothing was changed.")
    click.echo(f"Restored. The epoch is {restored.epoch}.")
    if restored.pending_migrations and settings.uses_sqlite:
        click.echo("The backup is from an older version: the next start migrates the schema.")
    elif restored.pending_migrations:
        click.echo("The backup is from an older version. Run: hubbub migrate")


async def _restore(
    settings: Settings, source: str, start_step: Progress, *, yes: bool, force: bool
) -> restore.RestoreResult | None:
    async with (
        restore.exclusive_access(settings, force=force),
        restore.check(settings, source, start_step) as backup,
    ):
        if not backup.key_is_configured:
            click.echo(
                "warning: the secret key of the backup is neither HUBBUB_SECRET_KEY nor in "
                "HUBBUB_SECRET_KEY_PREVIOUS: sessions end, and secrets at rest are unreadable.",
                err=True,
            )
        if backup.encrypted is False:
            click.echo("warning: the backup is not encrypted, although HUBBUB_BACKUP_KEY is set.", err=True)
        rows = sum(backup.manifest.row_counts.values())
        target = mask_secrets(settings.database_url)
        question = f"Replace {target} with this backup of {rows} rows, from hubbub {backup.manifest.version}?"
        if not yes and not click.confirm(question, err=True):
            return None
        start_step("Restoring", 1)
        return await restore.apply(settings, backup, force=force)
