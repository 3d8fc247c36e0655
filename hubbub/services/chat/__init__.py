"""Rooms, members, messages, reactions, mentions and read states."""
