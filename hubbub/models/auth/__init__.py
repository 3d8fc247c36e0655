"""Sessions, second factor and API keys."""
