"""Rooms, members, messages and reactions."""
