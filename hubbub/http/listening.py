"""The listening socket of an instance: bound at the beginning of the start, opened at its end."""

import asyncio
import errno
import logging
import os
import socket
from typing import TYPE_CHECKING, cast

from aiohttp import web

from hubbub.core import metrics, tasks

if TYPE_CHECKING:
    from hubbub.http.ip_limits import ClientIp
    from hubbub.http.server import Runner, Server

log = logging.getLogger(__name__)

BACKLOG = 4096  # connections that wait to be accepted; beyond that, a client retries after 1 s

# Options that each accepted connection has from the listening socket (Linux, BSD), without calls of its own.
INHERITED_OPTIONS = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, socket.TCP_NODELAY))

ACCEPT_RETRY_S = 1.0  # before the next attempt, when the system has no descriptor or memory left
# In one turn of the event loop. A refused connection costs a fraction of an accepted one.
MAX_ACCEPTED_PER_TURN = 32
MAX_REFUSED_PER_TURN = 128

_ERROR_TEXTS = {
    errno.EADDRINUSE: "is in use: stop the process that listens there, or set {setting}",
    errno.EADDRNOTAVAIL: "is no address of this machine: set HUBBUB_HOST",
    errno.EACCES: "may not be used by this user: set {setting} to one above 1023",
}


class CannotListen(Exception):
    """The socket can't listen. The message is one line with the reason and the setting to change."""


class Acceptor:
    """Accepts connections, and closes one over the limits of its IP address before it costs more.

    asyncio accepts all waiting connections before anything else, and creates a transport for each. Thousands
    of connections that are reset at once then block the event loop for a quarter of a second.
    """

    def __init__(self, listener: socket.socket, server: "Server") -> None:
        self.sockets = [listener]
        self._listener = listener
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._retry_timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept connections from now on. Raises OSError."""
        self._listener.setblocking(False)  # noqa: FBT003 - its signature
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more. Safe to call twice."""
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    def _accept(self) -> None:
        """Accept some of the waiting connections; the others follow in later turns of the event loop."""
        accepted = 0
        for _ in range(MAX_REFUSED_PER_TURN):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            client = self._server.limits.client_of_peer(peer)
            if client is not None and not self._server.limits.acquire_connection(client):
                connection.close()
                continue
            tasks.spawn(self._open(connection, client), name="accepting a connection", eager=True)
            accepted += 1
            if accepted == MAX_ACCEPTED_PER_TURN:
                return

    async def _open(self, connection: socket.socket, client: "ClientIp | None") -> None:
        protocol = self._server.create_protocol(client)
        try:
            connection.setblocking(False)  # noqa: FBT003 - its signature
            await self._loop.connect_accepted_socket(lambda: protocol, connection)
        except OSError:  # the client reset it meanwhile
            connection.close()
            protocol.release()

    def _pause(self, error: OSError) -> None:
        """Pause: without a free descriptor or memory, the system reports the same connection again."""
        log.error("connections can't be accepted", extra={"error": str(error)})
        metrics.count("connections_refused", "system")
        self._loop.remove_reader(self._listener.fileno())
        self._retry_timer = self._loop.call_later(
            ACCEPT_RETRY_S, self._loop.add_reader, self._listener.fileno(), self._accept
        )


class Site(web.BaseSite):
    """A site of aiohttp with its own acceptor."""

    def __init__(self, runner: "Runner", listener: socket.socket) -> None:
        super().__init__(runner)
        self._listener = listener

    @property
    def name(self) -> str:
        """The URL."""
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Start listening. Raises OSError."""
        await super().start()
        acceptor = Acceptor(self._listener, cast("Server", self._runner.server))
        acceptor.start()
        self._server = cast("asyncio.AbstractServer", acceptor)


def reserve(host: str, port: int) -> socket.socket:
    """Bind a socket without listening: clients are refused at once, and no other instance gets the port.

    Raises CannotListen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for level, option in INHERITED_OPTIONS:
            listener.setsockopt(level, option, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotListen(error_text(error, host, port)) from error
    return listener


async def listen(runner: "Runner", listener: socket.socket) -> Site:
    """Accept connections from now on. Raises CannotListen if another process listens there."""
    host, port = listener.getsockname()[:2]
    site = Site(runner, listener)
    try:
        await site.start()
    except OSError as error:
        raise CannotListen(error_text(error, host, port)) from error
    return site


def error_text(error: OSError, host: str, port: int, setting: str = "HUBBUB_PORT") -> str:
    """Return one line on why a process can't listen there."""
    if error.errno is None:
        return f"{host}:{port}: {error}."
    if error.errno < 0:  # of the name lookup
        return f"{host} is no address of this machine: set HUBBUB_HOST."
    text = _ERROR_TEXTS.get(error.errno, os.strerror(error.errno)).format(setting=setting)
    return f"{host}:{port} {text}."
