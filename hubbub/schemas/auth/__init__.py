"""Authentication: sessions, second factor, API keys."""
