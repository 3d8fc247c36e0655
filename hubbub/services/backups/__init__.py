"""Backups: a folder with a manifest and the database; written, verified and restored."""
