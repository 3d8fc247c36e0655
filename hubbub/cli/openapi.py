"""`hubbub openapi`: prints the OpenAPI document, generated from the code."""

import click
import msgspec

from hubbub.cli import bootstrap
from hubbub.http.app import openapi_document


@click.command(help="Print the OpenAPI document of the REST API (OpenAPI 3.1, JSON).")
def command() -> None:
    """Print the document. Its server is HUBBUB_PUBLIC_URL."""
    document = openapi_document(bootstrap.load_settings().public_url or "/")
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
