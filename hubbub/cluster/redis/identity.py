"""The identity of the server of a connection, and whether it accepts writes."""

import math
from typing import Any, NamedTuple

from redis.asyncio import Connection, SSLConnection
from redis.asyncio.sentinel import SentinelManagedConnection
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import MasterDownError, ReadOnlyError, RedisError, ResponseError

ROLE_COMMAND = b"*1\r\n$4\r\nROLE\r\n"
REPLICA_ERROR = "the server is a replica"
# A server that cannot reach its replicas, or cannot store, refuses writes as a replica does.
_WRITE_REFUSAL_PREFIXES = ("NOREPLICAS", "MISCONF")


class Identity(NamedTuple):
    """The identity of a server. A field is empty if the user of the connection may not query it."""

    run_id: str = ""  # changes with each start of the server
    role: str = ""  # master, slave or sentinel


async def identify(connection: Connection) -> Identity:
    """Query the server of a connection that is not in use yet. Raises the errors of redis-py."""
    packed = connection.pack_commands([("INFO", "server"), ("ROLE",)])
    await connection.send_packed_command(packed, check_health=False)
    info, role = await _read_reply(connection), await _read_reply(connection)
    lines = info.decode("utf-8", "replace").splitlines() if isinstance(info, bytes) else []
    run_id = next((line.partition(":")[2] for line in lines if line.startswith("run_id:")), "")
    return Identity(run_id, parse_role(role))


async def _read_reply(connection: Connection) -> Any:  # noqa: ANN401 - any reply
    try:
        return await connection.read_response(disable_decoding=True, timeout=math.inf)
    except ResponseError:  # not permitted, or unknown to a proxy in front of the server
        return None


def parse_role(reply: Any) -> str:  # noqa: ANN401 - any reply
    """Return the first word of the reply to ROLE: master, slave or sentinel."""
    role = reply[0] if isinstance(reply, list) and reply else b""
    return role.decode() if isinstance(role, bytes) else str(role)


def is_replica(role: str) -> bool:
    """Return whether a server with this role does not deliver published messages to other servers."""
    return role == "slave"


def refuses_writes(error: BaseException) -> bool:
    """Return whether an error states that the server accepts no writes."""
    if isinstance(error, (ReadOnlyError, MasterDownError)):
        return True
    text = str(error)
    return isinstance(error, ResponseError) and (
        text.startswith(_WRITE_REFUSAL_PREFIXES) or "READONLY" in text
    )


class _CloseOnWriteRefusal:
    """A connection that is closed when its server refuses a write. A new one may reach another server."""

    async def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as redis-py's
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]
        except RedisError as error:
            if not refuses_writes(error):
                raise
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise Lost(f"the server refuses writes: {error}") from error


class TcpConnection(_CloseOnWriteRefusal, Connection):
    """A connection over TCP."""


class TlsConnection(_CloseOnWriteRefusal, SSLConnection):
    """A connection over TLS."""


class SentinelConnection(_CloseOnWriteRefusal, SentinelManagedConnection):
    """A connection to the server that Sentinels name."""


CONNECTION_CLASSES: dict[type, type[Connection]] = {Connection: TcpConnection, SSLConnection: TlsConnection}
