"""Classification of database errors."""

import socket
import sqlite3

import asyncpg
import pytest
from tortoise.exceptions import (
    DBConnectionError,
    IntegrityError,
    OperationalError,
    TransactionManagementError,
)

from hubbub.db import errors


def _sqlite(name, kind=sqlite3.OperationalError):
    error = kind(name)
    error.sqlite_errorcode = getattr(sqlite3, name)
    error.sqlite_errorname = name
    return error


def _caused(error, cause):
    error.__cause__ = cause
    return error


AWAY = [
    (_sqlite("SQLITE_BUSY"), "locked by another program"),
    (_sqlite("SQLITE_BUSY_SNAPSHOT"), "locked by another program"),
    (_sqlite("SQLITE_IOERR_FSYNC"), "the disk reports an error"),
    (_sqlite("SQLITE_FULL"), "no space left"),
    (_sqlite("SQLITE_READONLY_DIRECTORY"), "can't be written to"),
    (_sqlite("SQLITE_CANTOPEN"), "can't be opened"),
    (_sqlite("SQLITE_CORRUPT", sqlite3.DatabaseError), "is damaged"),
    (_sqlite("SQLITE_NOTADB", sqlite3.DatabaseError), "is not an SQLite database"),
    (OperationalError(_sqlite("SQLITE_BUSY")), "locked by another program"),
    (TransactionManagementError(_sqlite("SQLITE_BUSY")), "locked by another program"),
    (asyncpg.InvalidPasswordError("no"), "refuses the user or the password"),
    (asyncpg.InvalidCatalogNameError("no"), "no such database"),
    (asyncpg.TooManyConnectionsError("no"), "no connection left"),
    (asyncpg.CannotConnectNowError("no"), "starting up"),
    (asyncpg.QueryCanceledError("no"), "takes too long"),
    (asyncpg.AdminShutdownError("no"), "can't be used"),
    (asyncpg.ConnectionDoesNotExistError("no"), "can't be used"),
    (asyncpg.DeadlockDetectedError("no"), "can't be used"),
    (asyncpg.InterfaceError("connection is closed"), "can't be used"),
    (TransactionManagementError(asyncpg.IdleInTransactionSessionTimeoutError("no")), "can't be used"),
    (ConnectionRefusedError("no"), "can't be reached"),
    (TimeoutError(), "does not respond"),
    (_caused(DBConnectionError("no"), socket.gaierror("no")), "no such host"),
    (_caused(DBConnectionError("no"), TimeoutError()), "does not respond"),
]
WRONG = [
    _sqlite("SQLITE_ERROR"),
    sqlite3.ProgrammingError("Cannot operate on a closed database."),
    _sqlite("SQLITE_CONSTRAINT_UNIQUE", sqlite3.IntegrityError),
    OperationalError("no such table: nowhere"),
    asyncpg.UndefinedTableError("nowhere"),
    asyncpg.UniqueViolationError("twice"),
    asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    TransactionManagementError("This transaction has ended."),
]


@pytest.mark.parametrize(("error", "said"), AWAY, ids=repr)
def test_an_unreachable_database_is_unavailable(error, said):
    assert errors.is_unavailable(error)
    assert not errors.is_duplicate(error)
    assert said in errors.reason(error)


@pytest.mark.parametrize("error", WRONG, ids=repr)
def test_an_invalid_statement_is_not_unavailable(error):
    assert not errors.is_unavailable(error)
    assert errors.reason(error)


@pytest.mark.parametrize("error", [ValueError("no"), FileNotFoundError("no"), KeyError("no")], ids=repr)
def test_other_errors_are_not_database_errors(error):
    assert not errors.is_unavailable(error)


@pytest.mark.parametrize(
    "error",
    [
        _sqlite("SQLITE_CONSTRAINT_UNIQUE", sqlite3.IntegrityError),
        _sqlite("SQLITE_CONSTRAINT_PRIMARYKEY", sqlite3.IntegrityError),
        IntegrityError(_sqlite("SQLITE_CONSTRAINT_UNIQUE", sqlite3.IntegrityError)),
        asyncpg.UniqueViolationError("twice"),
        IntegrityError(asyncpg.UniqueViolationError("zweimal")),
    ],
    ids=repr,
)
def test_a_duplicate_key_is_recognized_in_every_wrapper(error):
    assert errors.is_duplicate(error)


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError(_sqlite("SQLITE_CONSTRAINT_FOREIGNKEY", sqlite3.IntegrityError)),
        IntegrityError(asyncpg.ForeignKeyViolationError("unique")),
        IntegrityError("unique"),
    ],
    ids=repr,
)
def test_another_constraint_is_no_duplicate_key(error):
    assert not errors.is_duplicate(error)
