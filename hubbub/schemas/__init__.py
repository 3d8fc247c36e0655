"""The wire format: commands that clients send, views and events that they receive."""
