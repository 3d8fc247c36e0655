"""Entries and synchronization."""
