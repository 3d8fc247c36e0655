"""`hubbub seed`: adds sample data, with a progress bar."""

import sys

import click

from hubbub.cli import bootstrap, run, services_context
from hubbub.config import Settings
from hubbub.services.seed import seed
from hubbub.services.seed.seed import PASSWORD_FILE, Plan, SeedResult


@click.command(
    help="Add sample data: users, rooms, messages, pictures. Another run adds only what is missing."
)
@click.option("--users", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Users.")
@click.option(
    "--rooms", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Rooms of all kinds."
)
@click.option(
    "--messages", type=click.IntRange(0, 10_000_000), default=2000, show_default=True, help="In all rooms."
)
@click.option("--pictures/--no-pictures", default=True, help="Draw pictures, and add portfolios with them.")
def command(users: int, rooms: int, messages: int, *, pictures: bool) -> None:
    """Add sample data and print how to log in."""
    settings = bootstrap.load_settings()
    plan = Plan(users, rooms, messages)
    seeded = run.run(_seed(settings, plan if pictures else plan.without_pictures()))
    click.echo(f"Added {seeded.users} users, {seeded.rooms} rooms, {seeded.messages} messages.")
    # Passwords are printed only in development, because the output of a command may be logged.
    password = seeded.password if settings.env == "development" else f"in {settings.data_dir / PASSWORD_FILE}"
    click.echo(f"Log in as {seeded.email} or another of these users. All have the password {password}")
    if seeded.portfolio:
        click.echo(f"{settings.public_url}/@{seeded.portfolio} is a public portfolio.")
    if seeded.admin:
        click.echo(f"{seeded.admin}, the admin of this development database, is in these rooms, too.")


async def _seed(settings: Settings, plan: Plan) -> SeedResult:
    async with services_context.open_container(settings) as container:
        with click.progressbar(
            length=plan.total, label="Seeding", file=sys.stderr, update_min_steps=20
        ) as bar:
            return await seed.seed(container, plan, bar.update)
