"""Accounts: registration, login through a provider, linked identities, export and deletion."""
