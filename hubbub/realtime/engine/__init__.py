"""hubbub's own Engine.IO 4 server. The names below are its public interface."""

from hubbub.realtime.engine.handshake_info import HandshakeInfo
from hubbub.realtime.engine.packets import Frame, ProtocolError, join_frames
from hubbub.realtime.engine.server import Engine
from hubbub.realtime.engine.session import Session, SessionHandler

__all__ = ["Engine", "Frame", "HandshakeInfo", "ProtocolError", "Session", "SessionHandler", "join_frames"]
