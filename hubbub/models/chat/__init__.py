"""Rooms, messages and reactions."""
