"""`hubbub prove`: try to break the promises, on this machine."""

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

MAX_MINUTES = 60  # minutes: journals are kept in memory


def _parse_faults(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := [name for name in names if name not in schedule.FAULT_NAMES]:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(schedule.FAULT_NAMES)}.")
    return names


@click.command(
    help="Start instances, let clients talk, kill, pause and cut off whatever can be, and compare what the "
    "clients wrote down with the database. Exit code 1 if a promise does not hold. Ctrl-C ends it early, "
    "with the report of what there is."
)
@click.option("--minutes", type=click.FloatRange(0.05, MAX_MINUTES), default=1.0, show_default=True)
@click.option("--seed", type=click.IntRange(0), help="The same faults in the same order; else at random.")
@click.option("--faults", callback=_parse_faults, help="By comma; else all that are possible here.")
@click.option("--instances", type=click.IntRange(1, 20), help="3 unless told; SQLite is for 1.")
@click.option("--clients", type=click.IntRange(2, 200), default=8, show_default=True, help="Of 4 people.")
@click.option(
    "--database-url",
    metavar="URL",
    envvar="HUBBUB_PROVE_DATABASE_URL",
    help="A PostgreSQL, in which a database is made and dropped; or `sqlite`; else one is started if it is "
    "installed, and SQLite is used if not.  [env: HUBBUB_PROVE_DATABASE_URL]",
)
@click.option(
    "--redis-url",
    metavar="URL",
    envvar="HUBBUB_PROVE_REDIS_URL",
    help="A Redis; else one is started if it is installed.  [env: HUBBUB_PROVE_REDIS_URL]",
)
@click.option(
    "--slack", type=click.FloatRange(0), default=2.0, show_default=True, help="Seconds for a busy machine."
)
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep journals and logs there; else only when something is wrong, in a folder that is named then.",
)
def command(keep: Path | None, **values: object) -> None:
    """Run, judge, print."""
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
    """Judge and print; whether every promise held."""
    verdicts = checker.check(evidence)
    for line in report.report(evidence, verdicts):
        click.echo(line)
    return all(verdict.held for verdict in verdicts.values())


def _journal_folder(keep: Path | None) -> Path:
    """Where journals and logs go; those of another run are not mixed with them."""
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
    """Run; ends the process with a line when that can't be."""
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
    """Ctrl-C ends the run early; a second one ends the command."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal() -> None:
        if run.stop.is_set() and task is not None:
            task.cancel()
        run.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)


def _progress_printer() -> Callable[[str], None]:
    """A line that is written anew on a terminal; a line each elsewhere."""
    terminal = sys.stderr.isatty()

    def print_progress(line: str) -> None:
        if terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif line:
            click.echo(line, err=True)

    return print_progress
