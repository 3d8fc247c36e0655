"""`hubbub backup`: writes a verified backup of the database to a folder."""

import click

from hubbub.cli import bootstrap, progress, run
from hubbub.services.backups import backup


@click.command(
    help="Back up the database to a new folder hubbub-YYYYMMDDTHHMMSSZ and verify it. Instances may run."
)
@click.option("--to", "url", metavar="URL", help="The destination folder; overrides HUBBUB_BACKUP_URL.")
def command(url: str | None) -> None:
    """Write a backup and print its folder."""
    settings = bootstrap.load_settings()
    url = url or settings.backup_url
    if not url:
        bootstrap.fail(
            "Give a folder with --to, or set HUBBUB_BACKUP_URL.", code=bootstrap.EXIT_INVALID_SETTINGS
        )
    with progress.progress_bars() as start_step:
        written = run.run(backup.write(settings, url, start_step))
    rows = sum(written.manifest.row_counts.values())
    click.echo(written.path)
    click.echo(f"Backed up {rows} rows, {written.size_bytes} bytes, verified.", err=True)
