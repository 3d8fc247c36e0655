"""The Socket.IO server: packets, namespaces and their clients, CONNECTs, python-socketio's interface."""
