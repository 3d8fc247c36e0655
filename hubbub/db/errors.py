"""Classification of database, driver and Tortoise errors: unavailable, duplicate, and the reason in words."""

import socket
import sqlite3
import ssl

import asyncpg
from tortoise.exceptions import BaseORMException, DBConnectionError

_UNAVAILABLE = (
    ConnectionError,
    TimeoutError,
    DBConnectionError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, starting up, a statement that took too long
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TransactionRollbackError,  # a deadlock's victim
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a primary that became a standby
    asyncpg.PostgresSystemError,
    asyncpg.InvalidCachedStatementError,  # the schema was migrated meanwhile: a retry succeeds
)
# After one of these a connection is unusable: the server is read-only, shuts down, starts, or is unreachable
# for the pooler (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_CONNECTION_ENDING_STATES = frozenset({"25006", "57P01", "57P02", "57P03"})
_CONNECTION_CLASS = "08"
# These refuse a write although the server or the file can still be read and locked.
_DISK_STATES = frozenset({"53100", "58030"})
_SQLITE_DISK_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})
# Primary result codes (https://www.sqlite.org/rescode.html).
_SQLITE_REASONS = {
    sqlite3.SQLITE_BUSY: "is locked by another program. Stop that one first.",
    sqlite3.SQLITE_LOCKED: "is locked by another program. Stop that one first.",
    sqlite3.SQLITE_PROTOCOL: "is locked by another program. Stop that one first.",
    sqlite3.SQLITE_CANTOPEN: "can't be opened. Are the folder and its permissions right?",
    sqlite3.SQLITE_READONLY: "can't be written to. Are its and its folder's permissions right?",
    sqlite3.SQLITE_PERM: "can't be opened. Are its and its folder's permissions right?",
    sqlite3.SQLITE_FULL: "has no space left on its disk.",
    sqlite3.SQLITE_IOERR: "can't be read or written: the disk reports an error.",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a backup.",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database. Move it, or set another one in HUBBUB_DATABASE_URL.",
    sqlite3.SQLITE_NOMEM: "can't be opened: no memory is left.",
}
_READ_ONLY_REASON = (
    "refuses writes: it is a standby, or read-only. Is the primary among the hosts of HUBBUB_DATABASE_URL?"
)
_POSTGRES_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "refuses the user or the password."),
    (asyncpg.InvalidCatalogNameError, "has no such database. Create it with createdb."),
    (asyncpg.ReadOnlySQLTransactionError, _READ_ONLY_REASON),
    (asyncpg.TargetServerAttributeNotMatched, _READ_ONLY_REASON),
    (asyncpg.DiskFullError, "has no space left on its disk."),
    (asyncpg.TooManyConnectionsError, "has no connection left. Is HUBBUB_DATABASE_POOL too large for it?"),
    (asyncpg.CannotConnectNowError, "is starting up or shutting down. Try again."),
    (asyncpg.ClientConfigurationError, "can't be used: HUBBUB_DATABASE_URL is not valid."),
    (UnicodeError, "can't be used: HUBBUB_DATABASE_URL is not valid."),  # not a host name
    (asyncpg.QueryCanceledError, "takes too long to respond."),
    (socket.gaierror, "can't be reached: there is no such host."),
    (ssl.SSLError, "refuses this kind of encryption. Is sslmode in HUBBUB_DATABASE_URL right?"),
    (TimeoutError, "does not respond."),
    (OSError, "can't be reached. Is the server running there?"),
)


class Duplicate(Exception):
    """A unique constraint refused the row. `database.guard` raises it, and so does a transaction."""


def unwrap(error: BaseException) -> BaseException:
    """Return the driver's error inside one of Tortoise's."""
    if isinstance(error, BaseORMException):
        if error.args and isinstance(error.args[0], BaseException):
            return unwrap(error.args[0])
        if error.__cause__ is not None:
            return unwrap(error.__cause__)
    return error


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database was unavailable, in contrast to a wrong statement."""
    found = unwrap(error)
    if isinstance(found, sqlite3.Error):
        return _sqlite_code(found) in _SQLITE_REASONS
    if isinstance(found, asyncpg.InterfaceError):
        return "clos" in str(found)  # closed or closing; the others are errors in hubbub
    return isinstance(found, _UNAVAILABLE) or isinstance(error, DBConnectionError)


def ends_connection(error: BaseException) -> bool:
    """Return whether the connection is unusable after this error."""
    state = getattr(unwrap(error), "sqlstate", None) or ""
    return state in _CONNECTION_ENDING_STATES or state.startswith(_CONNECTION_CLASS)


def is_disk_error(error: BaseException) -> bool:
    """Return whether a write failed because the disk is full, read-only or broken."""
    found = unwrap(error)
    if isinstance(found, sqlite3.Error):
        return _sqlite_code(found) in _SQLITE_DISK_CODES
    return getattr(found, "sqlstate", None) in _DISK_STATES


def is_duplicate(error: BaseException) -> bool:
    """Return whether a unique constraint refused the row."""
    found = unwrap(error)
    if isinstance(found, sqlite3.IntegrityError):
        return found.sqlite_errorname in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
    return isinstance(found, asyncpg.UniqueViolationError)


def reason(error: BaseException) -> str | None:
    """Return why a database can't be used and the remedy, as the end of a sentence that begins with its name.

    None for an error that does not concern the state of the database.
    """
    found = unwrap(error)
    if isinstance(found, sqlite3.Error):
        return _SQLITE_REASONS.get(_sqlite_code(found), f"can't be used ({found}).")
    if isinstance(found, asyncpg.InsufficientPrivilegeError):
        return f"does not give this user the necessary privileges ({found})."
    if isinstance(found, FileNotFoundError):
        name = found.filename or "its socket, or a certificate in HUBBUB_DATABASE_URL,"
        return f"can't be reached: {name} does not exist."
    for kind, text in _POSTGRES_REASONS:
        if isinstance(found, kind):
            return text
    if isinstance(found, (asyncpg.PostgresError, asyncpg.InterfaceError, BaseORMException)):
        return f"can't be used ({found})."
    return None


def _sqlite_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; -1 for an error of Python's module itself."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else code
