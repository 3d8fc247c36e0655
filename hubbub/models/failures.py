"""What an error of a database, of its driver or of Tortoise means: away, taken already, or in words."""

import socket
import sqlite3
import ssl

import asyncpg
from tortoise.exceptions import BaseORMException, DBConnectionError

_AWAY = (
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
# Primary result codes (https://www.sqlite.org/rescode.html).
_SQLITE = {
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
_POSTGRES: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "refuses the user or the password."),
    (asyncpg.InvalidCatalogNameError, "has no such database. Make it with createdb."),
    (asyncpg.InsufficientPrivilegeError, "does not let this user in there."),
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


def bare(error: BaseException) -> BaseException:
    """The driver's error inside one of Tortoise's."""
    if isinstance(error, BaseORMException):
        if error.args and isinstance(error.args[0], BaseException):
            return bare(error.args[0])
        if error.__cause__ is not None:
            return bare(error.__cause__)
    return error


def is_away(error: BaseException) -> bool:
    """Whether the database could not be asked, as opposed to: it was asked something wrong."""
    found = bare(error)
    if isinstance(found, sqlite3.Error):
        return _code(found) in _SQLITE
    if isinstance(found, asyncpg.InterfaceError):
        return "clos" in str(found)  # closed or closing; the rest are mistakes of ours
    return isinstance(found, _AWAY) or isinstance(error, DBConnectionError)


def is_duplicate(error: BaseException) -> bool:
    """Whether a unique constraint refused the row."""
    found = bare(error)
    if isinstance(found, sqlite3.IntegrityError):
        return found.sqlite_errorname in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
    return isinstance(found, asyncpg.UniqueViolationError)


def reason(error: BaseException) -> str | None:
    """Why a database can't be used and what to do, as the end of a sentence that begins with its name.

    None for an error that is no news about the database.
    """
    found = bare(error)
    if isinstance(found, sqlite3.Error):
        return _SQLITE.get(_code(found), f"can't be used ({found}).")
    for kind, text in _POSTGRES:
        if isinstance(found, kind):
            return text
    if isinstance(found, (asyncpg.PostgresError, asyncpg.InterfaceError, BaseORMException)):
        return f"can't be used ({found})."
    return None


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; -1 for an error of Python's module itself."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else code
