"""hubbub's own Engine.IO 4 server; the rest of the package knows the names below, and no more."""

from hubbub.realtime.engine.origin import Origin
from hubbub.realtime.engine.payload import Frame, Malformed, joined
from hubbub.realtime.engine.server import Engine
from hubbub.realtime.engine.session import Receiver, Session

__all__ = ["Engine", "Frame", "Malformed", "Origin", "Receiver", "Session", "joined"]
