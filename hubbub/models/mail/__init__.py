"""One-time tokens."""
