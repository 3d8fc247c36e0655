"""Authentication: sessions, passwords, second factors and API keys."""
