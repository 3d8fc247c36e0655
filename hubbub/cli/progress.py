"""How far a command is, on standard error: a bar for each of its steps."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from hubbub.services.backups.backup import Progress
from hubbub.services.backups.files import Advance


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Show the steps that are begun, one after the other."""
    with ExitStack() as stack:

        def start_step(label: str, total: int) -> Advance:
            stack.close()
            bar = click.progressbar(length=max(total, 1), label=label, file=sys.stderr)
            return stack.enter_context(bar).update

        yield start_step
