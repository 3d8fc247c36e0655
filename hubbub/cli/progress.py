"""Progress of a command on standard error: one bar for each step."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from hubbub.services.backups.backup import Progress
from hubbub.services.backups.files import Advance


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Provide a function that starts the next step with its progress bar."""
    with ExitStack() as stack:

        def start_step(label: str, total: int) -> Advance:
            stack.close()
            bar = click.progressbar(length=max(total, 1), label=label, file=sys.stderr)
            return stack.enter_context(bar).update

        yield start_step
