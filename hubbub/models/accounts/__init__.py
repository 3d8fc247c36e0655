"""Identities at OAuth providers."""
