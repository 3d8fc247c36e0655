"""Connecting, and the ends of sockets and sessions."""
