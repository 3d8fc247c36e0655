"""State and messages that instances share: the bus, presence, rate limits."""
