"""The namespace /chat: its events, connections, delivery of entries, and draining."""
