"""`hubbub asyncapi`: the document of the realtime API, generated from the code."""

import click
import msgspec

from hubbub.cli import bootstrap
from hubbub.realtime.asyncapi import document


@click.command(help="Print the AsyncAPI 3.0 document of the realtime API, as JSON.")
def command() -> None:
    """Print it. Its server is HUBBUB_PUBLIC_URL, if that is set."""
    text = msgspec.json.encode(document(bootstrap.load_settings().public_url))
    click.echo(msgspec.json.format(text, indent=2))
