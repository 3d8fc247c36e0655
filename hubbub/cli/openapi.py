"""`hubbub openapi`: prints the OpenAPI document, or a Postman collection, generated from the code."""

import click
import msgspec

from hubbub.cli import bootstrap
from hubbub.http.app import openapi_document
from hubbub.http.openapi import postman


@click.command(help="Print the OpenAPI document of the REST API (OpenAPI 3.1, JSON).")
@click.option("--postman", "as_postman", is_flag=True, help="Print a Postman collection (2.1) instead.")
def command(as_postman: bool) -> None:  # noqa: FBT001 - click passes options by name
    """Print the document. Its server is HUBBUB_PUBLIC_URL."""
    document = openapi_document(bootstrap.load_settings().public_url or "/")
    printed = postman.collection(document) if as_postman else document
    click.echo(msgspec.json.format(msgspec.json.encode(printed), indent=2))
