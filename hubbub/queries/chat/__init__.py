"""SQL of rooms, messages, members and search."""
