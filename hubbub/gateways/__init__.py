"""Clients of external services: SMTP, identity providers, PostgreSQL programs."""
