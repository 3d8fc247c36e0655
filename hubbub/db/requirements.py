"""Requirements of the database, checked when it connects, so that later failures are found at once."""

from tortoise import Tortoise

from hubbub.db.sql import Sql

MIN_POSTGRES_VERSION = 130000
MIN_SQLITE_VERSION = (3, 35, 0)  # RETURNING
ENCODING = "UTF8"
_TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
_APPEND_ONLY_TABLE = "audit_log"  # an operator may have revoked UPDATE
_TABLES_WITHOUT_MODEL = {"sqlite": {"entries", "message_words"}, "postgres": {"entries"}}
_MIGRATIONS_TABLE = "aerich"  # created with the first migration


def _tables(dialect: str) -> list[str]:
    """Return the names of all tables that operations use. The database is connected."""
    models = [model for app in (Tortoise.apps or {}).values() for model in app.values()]
    tables = {str(model._meta.db_table) for model in models}  # noqa: SLF001 - Tortoise has no public name for it
    return sorted((tables | _TABLES_WITHOUT_MODEL[dialect]) - {_MIGRATIONS_TABLE})


async def missing(sql: Sql) -> str | None:
    """Return the missing requirement and its remedy, as the end of a sentence; None if all are met."""
    return await (_missing_in_sqlite(sql) if sql.dialect == "sqlite" else _missing_in_postgres(sql))


async def _missing_in_sqlite(sql: Sql) -> str | None:
    rows = await sql.fetch(
        # The tables are counted so that the file is read, and a damaged one is found now.
        "SELECT sqlite_version() AS version, (SELECT count(*) FROM sqlite_master) AS tables, "
        "(SELECT count(*) FROM pragma_module_list WHERE name = 'fts5') AS fts5"
    )
    version = str(rows[0]["version"])
    if tuple(int(part) for part in version.split(".")) < MIN_SQLITE_VERSION:
        minimum = ".".join(map(str, MIN_SQLITE_VERSION))
        return f"is opened with SQLite {version}: hubbub needs SQLite {minimum} or newer. Use a newer Python."
    if not rows[0]["fts5"]:
        return "is opened with an SQLite without FTS5, which search needs. Use another build of Python."
    return None


async def _missing_in_postgres(sql: Sql) -> str | None:
    (row,) = await sql.fetch(
        "SELECT current_setting('server_version_num')::int AS number, "
        "current_setting('server_version') AS version, current_setting('server_encoding') AS encoding, "
        "current_schema() AS schema, current_user AS name"
    )
    if row["number"] < MIN_POSTGRES_VERSION:
        return f"is PostgreSQL {row['version']}: hubbub needs PostgreSQL 13 or newer."
    if row["encoding"] != ENCODING:
        return (
            f"has the encoding {row['encoding']}: hubbub needs UTF8. Create another database: "
            "createdb --encoding=UTF8 --template=template0 NAME"
        )
    if row["schema"] is None:
        return (
            f"has no schema that the user {row['name']} may use. GRANT USAGE, CREATE ON SCHEMA public to it."
        )
    if inaccessible := await _inaccessible_tables(sql):
        names = ", ".join(inaccessible[:3]) + (", …" if len(inaccessible) > 3 else "")  # noqa: PLR2004 - one line holds three
        return (
            f"does not allow the user {row['name']} to read and write these tables: {names}. "
            f"Connect as their owner, or GRANT {', '.join(_TABLE_PRIVILEGES)} on them."
        )
    return None


async def _inaccessible_tables(sql: Sql) -> list[str]:
    """Return hubbub's existing tables that the user may not read and write."""
    rows = await sql.fetch(
        "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname = ANY($1::text[]) "
        "AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS needed(privilege) "
        "WHERE NOT has_table_privilege(c.oid, privilege) AND NOT (c.relname = $3 AND privilege = 'UPDATE')) "
        "ORDER BY c.relname",
        *(_tables(sql.dialect), list(_TABLE_PRIVILEGES), _APPEND_ONLY_TABLE),
    )
    return [str(row["name"]) for row in rows]


async def missing_for_migrations(sql: Sql) -> str | None:
    """Return, in the same form, the missing requirement of a migration."""
    if sql.dialect == "sqlite":
        return None
    (row,) = await sql.fetch(
        "SELECT has_schema_privilege(current_schema(), 'CREATE') AS may, current_schema() AS schema, "
        "current_user AS name"
    )
    if row["may"]:
        return None
    return (
        f"does not allow the user {row['name']} to create tables. Make it the owner of the database, "
        f"or GRANT CREATE ON SCHEMA {row['schema']} to it."
    )
