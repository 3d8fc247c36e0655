"""The `hubbub` command. The module of a command is imported when it is called, so that `--help` is fast."""

import errno
import os
import sys
from importlib import import_module

import click

from hubbub import __version__
from hubbub.core.file_modes import PRIVATE_UMASK

COMMANDS = {
    "serve": "Run one instance: Socket.IO and REST.",
    "worker": "Run jobs: e-mails and other background work.",
    "scheduler": "Enqueue the jobs of the schedules.",
    "migrate": "Apply database migrations, or show their state.",
    "seed": "Add sample data: users, rooms, messages, pictures.",
    "create-admin": "Create an admin account.",
    "disable-two-factor": "Switch off the second factor of an account.",
    "reencrypt": "Encrypt secrets at rest with the current secret key.",
    "prove": "Test the guarantees on this machine by injecting faults.",
    "backup": "Back up the database to a folder, and verify it.",
    "restore": "Replace the database with a backup, and raise the epoch.",
    "epoch": "Raise the epoch after a restore by other means.",
    "why": "Explain why a user was, or was not, notified.",
    "doctor": "Check the settings and all dependencies.",
    "mail": "Preview an e-mail.",
    "openapi": "Print the OpenAPI document of the REST API.",
    "asyncapi": "Print the AsyncAPI document of the realtime API.",
    "config": "Print the effective settings and their sources.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"hubbub.cli.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends without a message: the reader of the output has closed it
            click.echo(describe_os_error(error), err=True)
            sys.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def describe_os_error(error: OSError) -> str:
    """Return one line with the file and the reason."""
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="hubbub %(version)s")
def main() -> None:
    """Chat, presence and notifications over Socket.IO and REST.

    Settings are environment variables that begin with HUBBUB_, or a file .env; see `hubbub config`.
    """
    os.umask(PRIVATE_UMASK)  # for files that libraries create, too
