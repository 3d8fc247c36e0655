"""Detection of a pooler (such as pgbouncer) between hubbub and PostgreSQL, and the limits it requires.

In transaction mode, each transaction may run on another connection to the server. The state of a server
session (prepared statements, `SET`) is then lost, or applies to the next user of the connection.
"""

from typing import Any


async def is_present(connection: Any) -> bool:  # noqa: ANN401 - asyncpg's stubs leave pools open
    """Return whether another process responds than the one to which the connection was opened."""
    own: int = connection.get_server_pid()
    return bool(await connection.fetchval("SELECT pg_backend_pid()") != own)


def timeouts_sql(statement_ms: int, *, local: bool) -> str:
    """Return the SQL of the server's own limits, for an instance that dies or stops while it holds locks.

    `local` limits end with the transaction.
    """
    command = "SET LOCAL" if local else "SET"
    return (
        f"{command} statement_timeout = {statement_ms}; "
        f"{command} idle_in_transaction_session_timeout = {statement_ms}"
    )
