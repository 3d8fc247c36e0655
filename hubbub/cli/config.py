"""`hubbub config`: prints the effective settings, and the documents generated from them."""

import click

from hubbub.cli import bootstrap
from hubbub.config import reference


@click.command(help="Print the effective settings and their sources. Secrets are masked.")
@click.option("--example", is_flag=True, hidden=True, help="Print .env.example.")
@click.option("--reference", "page", is_flag=True, hidden=True, help="Print docs/settings.md.")
def command(*, example: bool, page: bool) -> None:
    """Print a table or a document."""
    if example or page:
        click.echo(reference.env_example() if example else reference.markdown_page(), nl=False)
        return
    rows = list(reference.effective_values(bootstrap.load_settings()))
    widest = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, source in rows:
        click.echo(f"{name:<{widest[0]}}  {value or '-':<{min(widest[1], 40)}}  {source}")
