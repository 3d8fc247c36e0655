"""hubbub: a realtime backend for chat, presence and notifications over Socket.IO."""

__version__ = "0.1.0"
