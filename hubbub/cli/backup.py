"""`hubbub backup`: the database in a folder, verified."""

import click

from hubbub.cli import bootstrap, progress, run
from hubbub.services.backups import backup


@click.command(
    help="Back up the database to a new folder hubbub-YYYYMMDDTHHMMSSZ and verify it. Instances may run."
)
@click.option("--to", "url", metavar="URL", help="The folder to write to, before HUBBUB_BACKUP_URL.")
def command(url: str | None) -> None:
    """Write one, and print where it is."""
    settings = bootstrap.settings()
    url = url or settings.backup_url
    if not url:
        bootstrap.fail("Name a folder with --to, or set HUBBUB_BACKUP_URL.", code=bootstrap.WRONG_SETTINGS)
    with progress.shown() as shown:
        written = run.run(backup.write(settings, url, shown))
    rows = sum(written.manifest.row_counts.values())
    click.echo(f"{written.path}")
    click.echo(f"Backed up {rows} rows, {written.size} bytes, verified.", err=True)
