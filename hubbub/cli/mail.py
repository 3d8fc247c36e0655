"""`hubbub mail preview`: what an e-mail looks like."""

from pathlib import Path

import click

from hubbub.cli import bootstrap
from hubbub.services.mail import templates


@click.group(help="Show what an e-mail looks like.")
def command() -> None:
    """E-mails."""


@command.command(help="Print the e-mail NAME with made-up facts; with --html, write how it looks to a file.")
@click.argument("name", type=click.Choice(templates.NAMES))
@click.option("--language", default="en", show_default=True, help="As `en` or `de`.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="A file to open in a browser.")
def preview(name: str, language: str, html: Path | None) -> None:
    """Print one."""
    mail = templates.sample(name, language, bootstrap.load_settings().public_url or "")
    click.echo(f"Subject: {mail.subject}\n\n{mail.text}")
    if html is not None:
        html.write_text(mail.html, "utf-8")
        click.echo(f"Written: {html}", err=True)
