"""Accounts, passwords and OAuth login."""
