"""The `hubbub` command. A command is a module here, imported when it is called: `--help` stays quick."""

import os
from importlib import import_module

import click

from hubbub import __version__
from hubbub.core.file_modes import PRIVATE_UMASK

COMMANDS = {
    "serve": "Run one instance: Socket.IO and REST.",
    "worker": "Do the jobs: e-mails and whatever else is not done at once.",
    "migrate": "Bring the database's schema up to date, or show where it is.",
    "seed": "Fill in sample data: people, rooms, messages.",
    "create-admin": "Make an account that may do everything.",
    "disable-two-factor": "Let an account sign in by its password alone.",
    "reencrypt": "Encrypt secrets at rest with the current secret key.",
    "prove": "Try to break the promises on this machine, and judge.",
    "backup": "Back up the database to a folder, and verify it.",
    "restore": "Replace the database by a backup, and raise the epoch.",
    "epoch": "Raise the epoch after a restore by other means.",
    "doctor": "Check settings and everything that hubbub depends on.",
    "mail": "Show what an e-mail looks like.",
    "openapi": "Print the document of the REST API.",
    "config": "Show the settings in force and where each came from.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"hubbub.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="hubbub %(version)s")
def main() -> None:
    """Chat, presence and notifications over Socket.IO and REST.

    Settings are environment variables that begin with HUBBUB_, or a file .env; see `hubbub config`.
    """
    os.umask(PRIVATE_UMASK)  # for files that libraries create, too
