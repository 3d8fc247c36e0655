"""The interface of a transport, and the reasons for which a session ends."""

from typing import Protocol

from hubbub.realtime.engine.packets import Frame
from hubbub.realtime.engine.rfc6455 import CloseCode

CLIENT_DISCONNECT, SERVER_DISCONNECT = "client disconnect", "server disconnect"
PING_TIMEOUT, TRANSPORT_CLOSE, TRANSPORT_ERROR = "ping timeout", "transport close", "transport error"


class Transport(Protocol):
    """A transport, as its session uses it."""

    name: str  # `polling` or `websocket`
    output_bytes: int  # size of the frames that are queued for this turn, or for the next poll
    stalled: bool  # whether earlier output was not read yet, so that `waiting_bytes` is more

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not read yet."""

    def send(self, frame: Frame) -> None:
        """Queue a frame. It is written at the end of this turn of the event loop."""

    def close(self, reason: str, *, flush: bool, code: int = CloseCode.NORMAL_CLOSURE) -> None:
        """Close the transport: after the queued frames if `flush`, else without them.

        `code` is the close code of a WebSocket.
        """

    def abort(self) -> None:
        """Close the transport at once, without the queued frames."""

    def pause(self) -> None:
        """Stop reading from the client."""

    def resume(self) -> None:
        """Read from the client again."""

    def on_accepted(self) -> None:
        """Process the input that waits for the session to be accepted."""
