"""Backups: one folder with a manifest and the database, written, verified, checked and restored."""
