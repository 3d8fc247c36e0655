"""`hubbub prove`: tests the guarantees on this machine by injecting faults."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from hubbub.cli import run
from hubbub.cli.bootstrap import EXIT_FAILURE, EXIT_INVALID_SETTINGS, fail
from hubbub.core import clock
from hubbub.prove import checker, environment, report, schedule
from hubbub.prove.environment import Environment, InvalidOptions, Options
from hubbub.prove.journal import Evidence
from hubbub.prove.processes import NotStarted
from hubbub.prove.run import Run

MAX_MINUTES = 60  # minutes, because journals are kept in memory


def _parse_faults(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := [name for name in names if name not in schedule.FAULT_NAMES]:
        raise click.BadParameter(f"{', '.join(unknown)}: known faults are {', '.join(schedule.FAULT_NAMES)}.")
    return names


@click.command(
    help="Start instances, let clients exchange messages, kill, pause and disconnect components, and compare "
    "the journals of the clients with the database. Exit code 1 if a guarantee is violated. Ctrl-C ends the "
    "run early, with a report of the results so far."
)
@click.option("--minutes", type=click.FloatRange(0.05, MAX_MINUTES), default=1.0, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="Repeats the faults of a run; default: random.")
@click.option("--faults", callback=_parse_faults, help="Separated by commas; default: all possible ones.")
@click.option("--instances", type=click.IntRange(1, 20), help="Default: 3; 1 with SQLite.")
@click.option("--clients", type=click.IntRange(2, 200), default=8, show_default=True, help="Of 4 users.")
@click.option(
    "--database-url",
    metavar="URL",
    envvar="HUBBUB_PROVE_DATABASE_URL",
    help="A PostgreSQL, in which a database is created and dropped, or `sqlite`. By default, an installed "
    "PostgreSQL is started; without one, SQLite is used.  [env: HUBBUB_PROVE_DATABASE_URL]",
)
@click.option(
    "--redis-url",
    metavar="URL",
    envvar="HUBBUB_PROVE_REDIS_URL",
    help="A Redis. By default, an installed one is started.  [env: HUBBUB_PROVE_REDIS_URL]",
)
@click.option(
    "--slack", type=click.FloatRange(0), default=2.0, show_default=True, help="Seconds added to time limits."
)
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep journals and logs in this folder. By default, they are kept only after a violation.",
)
def command(keep: Path | None, **values: object) -> None:
    """Run the test, check the evidence, print the report."""
    if values["seed"] is None:
        values["seed"] = int(clock.now().timestamp())
    options = Options(**values)  # type: ignore[arg-type]
    folder = _journal_folder(keep)
    violated = False
    try:
        violated = not check_and_print(_collect_evidence(options, folder))
    finally:
        if violated or keep is not None:
            click.echo(f"Journals and logs: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(EXIT_FAILURE if violated else 0)


def check_and_print(evidence: Evidence) -> bool:
    """Check the evidence and print the report; return whether every guarantee held."""
    verdicts = checker.check(evidence)
    for line in report.report(evidence, verdicts):
        click.echo(line)
    return all(verdict.held for verdict in verdicts.values())


def _journal_folder(keep: Path | None) -> Path:
    """Return the folder for journals and logs. It must be empty, so that runs are not mixed."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="hubbub-proof-"))
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            fail(f"--keep {keep} is not empty: give another folder.", code=EXIT_INVALID_SETTINGS)
    except OSError as error:
        fail(f"--keep {keep}: {error.strerror}.", code=EXIT_INVALID_SETTINGS)
    return keep.resolve()


def _collect_evidence(options: Options, folder: Path) -> Evidence:
    """Run the test and return its evidence; exit with one line if it can't run."""
    try:
        return run.run(_prove(options, folder))
    except InvalidOptions as error:
        fail(str(error), code=EXIT_INVALID_SETTINGS)
    except NotStarted as error:
        fail(str(error))
    except asyncio.CancelledError:
        fail("Interrupted.")


async def _prove(options: Options, folder: Path) -> Evidence:
    on_progress = _progress_printer()
    on_progress("starting")
    async with environment.open_environment(options, folder) as env:
        click.echo(_run_heading(options, env))
        run = Run(options, env, on_progress)
        _handle_signals(run)
        try:
            return await run.execute()
        finally:
            for journal in run.evidence.journals:
                journal.write(folder)
            on_progress("")


def _run_heading(options: Options, env: Environment) -> str:
    arguments = f"--seed {options.seed} --minutes {options.minutes:g} --faults {','.join(env.faults)}"
    return f"hubbub prove {arguments}\n{env.description}, {options.clients} clients\n"


def _handle_signals(run: Run) -> None:
    """End the run early on Ctrl-C; a second one ends the command."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal() -> None:
        if run.stop.is_set() and task is not None:
            task.cancel()
        run.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)


def _progress_printer() -> Callable[[str], None]:
    """Return a function that rewrites one line on a terminal, and elsewhere prints a line for each call."""
    terminal = sys.stderr.isatty()

    def print_progress(line: str) -> None:
        if terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif line:
            click.echo(line, err=True)

    return print_progress
