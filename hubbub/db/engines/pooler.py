"""A pooler between hubbub and PostgreSQL (pgbouncer and its kind): whether there is one, and what it forbids.

In transaction mode, each transaction may run on another connection to the server. What belongs to a session
of the server (prepared statements, `SET`) is then lost, or applies to the next user of the connection.
"""

from typing import Any


async def is_present(connection: Any) -> bool:  # noqa: ANN401 - asyncpg's stubs leave pools open
    """Whether another process answers than the one that the connection was opened to."""
    own: int = connection.get_server_pid()
    return bool(await connection.fetchval("SELECT pg_backend_pid()") != own)


def timeouts_sql(statement_ms: int, *, local: bool) -> str:
    """The server's own limits: for an instance that dies, or stands still with locks in its hands.

    `local` ones end with the transaction.
    """
    command = "SET LOCAL" if local else "SET"
    return (
        f"{command} statement_timeout = {statement_ms}; "
        f"{command} idle_in_transaction_session_timeout = {statement_ms}"
    )
