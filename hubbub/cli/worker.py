"""`hubbub worker`: runs jobs."""

import sys

import click

from hubbub.cli import bootstrap, unused_packages
from hubbub.schemas.jobs import Queue


class _Queues(click.ParamType[list[Queue]]):
    """Names of queues, separated by commas."""

    name = "queues"

    def convert(
        self, value: str | list[Queue], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[Queue]:
        """Return the queues, each once. Fails if one does not exist."""
        if not isinstance(value, str):
            return value
        names = list(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        if unknown := sorted(set(names) - set(Queue)) or (["none"] if not names else []):
            self.fail(f"{', '.join(unknown)}: not a queue. The queues are {', '.join(Queue)}.", param, ctx)
        return [Queue(name) for name in names]


@click.command(
    cls=bootstrap.ProcessCommand,
    help="Run jobs: e-mails and other background work. Any number of workers may run.",
)
@click.option("--queues", type=_Queues(), help="The queues of these names only, separated by commas.")
def command(queues: list[Queue] | None) -> None:
    """Run jobs until a signal."""
    settings = bootstrap.load_process_settings()
    # Imported late, so that wrong settings are refused at once.
    with unused_packages.hidden(settings):
        from hubbub.cli import process, run  # noqa: PLC0415

    running = process.run_worker(settings, queues or list(Queue))
    sys.exit(run.run(running, as_json=settings.log_format == "json"))
