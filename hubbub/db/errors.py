"""What an error of a database, of its driver or of Tortoise means: away, taken already, or in words."""

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
    asyncpg.InvalidCachedStatementError,  # a step of a migration was taken meanwhile: the next attempt fits
)
# A connection on which one of these comes is of no use any more: the server is read-only, ends or starts, or
# is not reached by the pooler (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_CONNECTION_ENDING_STATES = frozenset({"25006", "57P01", "57P02", "57P03"})
_CONNECTION_CLASS = "08"
# What refuses a write although the server, or the file, can be read and locked.
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
    sqlite3.SQLITE_FULL: "has no room left on its disk.",
    sqlite3.SQLITE_IOERR: "can't be read or written: the disk reports an error.",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a backup.",
    sqlite3.SQLITE_NOTADB: "is no SQLite database. Move it away, or name another in HUBBUB_DATABASE_URL.",
    sqlite3.SQLITE_NOMEM: "can't be opened: there is no memory left.",
}
_READ_ONLY_REASON = (
    "refuses writes: it is a standby, or read-only. Is the primary among the hosts of HUBBUB_DATABASE_URL?"
)
_POSTGRES_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "refuses the user or the password."),
    (asyncpg.InvalidCatalogNameError, "has no such database. Make it with createdb."),
    (asyncpg.ReadOnlySQLTransactionError, _READ_ONLY_REASON),
    (asyncpg.TargetServerAttributeNotMatched, _READ_ONLY_REASON),
    (asyncpg.DiskFullError, "has no room left on its disk."),
    (asyncpg.TooManyConnectionsError, "has no connection left. Is HUBBUB_DATABASE_POOL too large for it?"),
    (asyncpg.CannotConnectNowError, "is starting up or shutting down. Try again."),
    (asyncpg.ClientConfigurationError, "is not described rightly by HUBBUB_DATABASE_URL."),
    (UnicodeError, "is not described rightly by HUBBUB_DATABASE_URL."),  # no name for a host
    (asyncpg.QueryCanceledError, "takes too long to answer."),
    (socket.gaierror, "can't be reached: there is no such host."),
    (ssl.SSLError, "does not agree on encryption. Is sslmode in HUBBUB_DATABASE_URL right?"),
    (TimeoutError, "does not answer."),
    (OSError, "can't be reached. Does it run there?"),
)


def unwrap(error: BaseException) -> BaseException:
    """The driver's error inside one of Tortoise's."""
    if isinstance(error, BaseORMException):
        if error.args and isinstance(error.args[0], BaseException):
            return unwrap(error.args[0])
        if error.__cause__ is not None:
            return unwrap(error.__cause__)
    return error


def is_unavailable(error: BaseException) -> bool:
    """Whether the database could not be asked, as opposed to: it was asked something wrong."""
    found = unwrap(error)
    if isinstance(found, sqlite3.Error):
        return _sqlite_code(found) in _SQLITE_REASONS
    if isinstance(found, asyncpg.InterfaceError):
        return "clos" in str(found)  # closed or closing; the rest are mistakes of ours
    return isinstance(found, _UNAVAILABLE) or isinstance(error, DBConnectionError)


def ends_connection(error: BaseException) -> bool:
    """Whether the connection on which this error came is of no use any more."""
    state = getattr(unwrap(error), "sqlstate", None) or ""
    return state in _CONNECTION_ENDING_STATES or state.startswith(_CONNECTION_CLASS)


def is_disk_error(error: BaseException) -> bool:
    """Whether a write failed for want of room, or because the disk is read-only or broken."""
    found = unwrap(error)
    if isinstance(found, sqlite3.Error):
        return _sqlite_code(found) in _SQLITE_DISK_CODES
    return getattr(found, "sqlstate", None) in _DISK_STATES


def is_duplicate(error: BaseException) -> bool:
    """Whether a unique constraint refused the row."""
    found = unwrap(error)
    if isinstance(found, sqlite3.IntegrityError):
        return found.sqlite_errorname in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
    return isinstance(found, asyncpg.UniqueViolationError)


def reason(error: BaseException) -> str | None:
    """Why a database can't be used and what to do, as the end of a sentence that begins with its name.

    None for an error that is no news about the database.
    """
    found = unwrap(error)
    if isinstance(found, sqlite3.Error):
        return _SQLITE_REASONS.get(_sqlite_code(found), f"can't be used ({found}).")
    if isinstance(found, asyncpg.InsufficientPrivilegeError):
        return f"does not give this user the rights that it needs ({found})."
    if isinstance(found, FileNotFoundError):
        name = found.filename or "its socket, or a certificate that HUBBUB_DATABASE_URL names,"
        return f"can't be reached: {name} does not exist."
    for kind, text in _POSTGRES_REASONS:
        if isinstance(found, kind):
            return text
    if isinstance(found, (asyncpg.PostgresError, asyncpg.InterfaceError, BaseORMException)):
        return f"can't be used ({found})."
    return None


def _sqlite_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; -1 for an error of Python's module itself."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else code
