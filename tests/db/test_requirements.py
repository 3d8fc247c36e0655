"""Real databases that would fail later: every command that needs them refuses them at once."""

from uuid import uuid4

import asyncpg
import pytest

from hubbub.config import Settings
from hubbub.db import database, migrations, requirements
from hubbub.db.database import DatabaseProblem


async def execute(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def as_user(url, name):
    """The same database, for a user with the password `x`."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{name}:x@{rest.rpartition('@')[2]}"


def settings_of(url, folder):
    return Settings.for_tests(database_url=url, data_dir=folder, port=0)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252"])
@pytest.mark.parametrize("use", [database.connect, migrations.up, migrations.status, migrations.open_current])
async def test_a_database_of_another_encoding_is_refused(databases, tmp_path, encoding, use):
    settings = settings_of(databases.create_with_encoding(encoding), tmp_path)

    with pytest.raises(DatabaseProblem, match=f"{encoding}: hubbub needs UTF8") as refused:
        await use(settings)
    assert "\n" not in str(refused.value)


@pytest.fixture
async def user(postgres_url):
    """The name of a user with the right to log in, and no other."""
    name = f"user_{uuid4().hex[:12]}"
    await execute(postgres_url, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    yield name
    await execute(postgres_url, f"DROP ROLE {name}")


@pytest.fixture
def database_kind():
    return "postgres"


async def allow(url, user, *statements):
    """Revoke what PostgreSQL before 15 grants to everyone, and grant rights to a user."""
    await execute(url, "REVOKE ALL ON SCHEMA public FROM PUBLIC", *(each.format(user) for each in statements))


async def restore(url, user):
    """As it was: the database is used by other tests, too."""
    await execute(url, "GRANT USAGE ON SCHEMA public TO PUBLIC", f"DROP OWNED BY {user}")


EVERYTHING = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}"
USAGE = "GRANT USAGE ON SCHEMA public TO {}"


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ((), "no schema that the user"),
        ((USAGE,), "read and write these tables: .*, …"),
        ((USAGE, EVERYTHING, "REVOKE INSERT ON users FROM {}"), "read and write these tables: users"),
        ((USAGE, EVERYTHING, "REVOKE SELECT ON entries FROM {}"), "these tables: entries"),
        ((USAGE, EVERYTHING, "REVOKE DELETE ON audit_log FROM {}"), "these tables: audit_log"),
    ],
)
async def test_a_user_without_the_privileges_is_refused(database_url, tmp_path, user, rights, said):
    settings = settings_of(as_user(database_url, user), tmp_path)
    await allow(database_url, user, *rights)

    try:
        with pytest.raises(DatabaseProblem, match=said) as refused:
            await migrations.open_current(settings)
    finally:
        await restore(database_url, user)
    assert user in str(refused.value)
    assert ":x@" not in str(refused.value)


async def test_a_user_with_table_privileges_may_serve_but_not_migrate(database_url, tmp_path, user):
    settings = settings_of(as_user(database_url, user), tmp_path)
    await allow(database_url, user, USAGE, EVERYTHING, "REVOKE UPDATE ON audit_log FROM {}")

    try:
        await migrations.open_current(settings)
        await database.close()
        with pytest.raises(DatabaseProblem, match=r"does not allow the user .* to create tables"):
            await migrations.down(settings)
    finally:
        await restore(database_url, user)


async def test_a_user_without_create_privilege_is_refused_before_the_first_migration(
    bare_database_url, tmp_path, user
):
    settings = settings_of(as_user(bare_database_url, user), tmp_path)
    await allow(bare_database_url, user, USAGE)

    try:
        with pytest.raises(DatabaseProblem, match=r"does not allow the user .* to create tables"):
            await migrations.up(settings)
    finally:
        await restore(bare_database_url, user)


@pytest.mark.parametrize(
    ("database_kind", "name", "newer"),
    [("postgres", "MIN_POSTGRES_VERSION", 990_000), ("sqlite", "MIN_SQLITE_VERSION", (99,))],
)
async def test_an_old_database_version_is_refused(database_url, tmp_path, monkeypatch, name, newer):
    monkeypatch.setattr(requirements, name, newer)

    with pytest.raises(DatabaseProblem, match=r"hubbub needs \w+ .* or newer"):
        await database.connect(settings_of(database_url, tmp_path))


async def test_the_checked_tables_are_those_of_the_schema(settings):
    await migrations.open_current(settings)
    rows = await database.connection().fetch(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'aerich'"
    )
    tables = requirements._tables("postgres")
    await database.close()

    assert tables == sorted(row["name"] for row in rows)
