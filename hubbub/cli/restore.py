"""`hubbub restore`: a backup in the place of the database."""

import sys

import click

from hubbub.cli import bootstrap, progress, run
from hubbub.config import Settings
from hubbub.config.parsers import mask_secrets
from hubbub.services.backups import restore
from hubbub.services.backups.backup import Progress


@click.command(
    help="Check the backup in the folder FROM, replace the database by it, and raise the epoch. Stop all "
    "processes before. Everything that was stored since the backup is lost."
)
@click.argument("source", metavar="FROM")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="Even while processes are registered; not while one serves SQLite."
)
def command(source: str, *, yes: bool, force: bool) -> None:
    """Restore one."""
    settings = bootstrap.load_settings()
    if not yes and not sys.stdin.isatty():
        bootstrap.fail("This replaces the database. Use --yes where there is no terminal.")
    with progress.progress_bars() as start_step:
        restored = run.run(_restore(settings, source, start_step, yes=yes, force=force))
    if restored is None:
        bootstrap.fail("Nothing was changed.")
    click.echo(f"Restored. The epoch is {restored.epoch}.")
    if restored.pending_migrations and settings.uses_sqlite:
        click.echo("The backup is of an older version: the schema is brought up to date at the next start.")
    elif restored.pending_migrations:
        click.echo("The backup is of an older version. Run: hubbub migrate")


async def _restore(
    settings: Settings, source: str, start_step: Progress, *, yes: bool, force: bool
) -> restore.RestoreResult | None:
    async with (
        restore.exclusive_access(settings, force=force),
        restore.check(settings, source, start_step) as backup,
    ):
        if not backup.key_is_configured:
            click.echo(
                "warning: the secret key of the backup is none of HUBBUB_SECRET_KEY and "
                "HUBBUB_SECRET_KEY_PREVIOUS: sessions end, and secrets at rest can't be read.",
                err=True,
            )
        if backup.encrypted is False:
            click.echo("warning: the backup is not encrypted, though HUBBUB_BACKUP_KEY is set.", err=True)
        rows = sum(backup.manifest.row_counts.values())
        target = mask_secrets(settings.database_url)
        question = f"Replace {target} by this backup of {rows} rows, of hubbub {backup.manifest.version}?"
        if not yes and not click.confirm(question, err=True):
            return None
        start_step("Restoring", 1)
        return await restore.apply(settings, backup, force=force)
