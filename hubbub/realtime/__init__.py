"""The Socket.IO edge: the Engine.IO server, the Socket.IO server, and the namespace /chat."""
