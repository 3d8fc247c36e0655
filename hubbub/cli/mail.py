"""`hubbub mail preview`: prints an e-mail."""

from pathlib import Path

import click

from hubbub.cli import bootstrap
from hubbub.services.mail import templates


@click.group(help="Preview an e-mail.")
def command() -> None:
    """Group the commands of e-mails."""


@command.command(help="Print the e-mail NAME with sample data; with --html, write its HTML form to a file.")
@click.argument("name", type=click.Choice(templates.NAMES))
@click.option("--language", default="en", show_default=True, help="Such as `en` or `de`.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="A file to open in a browser.")
def preview(name: str, language: str, html: Path | None) -> None:
    """Print an e-mail."""
    mail = templates.sample(name, language, bootstrap.load_settings().public_url or "")
    click.echo(f"Subject: {mail.subject}\n\n{mail.text}")
    if html is not None:
        html.write_text(mail.html, "utf-8")
        click.echo(f"Written: {html}", err=True)
